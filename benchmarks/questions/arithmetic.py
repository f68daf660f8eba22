"""Word problems of two to four steps: templates with ranges for their numbers, and a formula for the truth.

The formula is evaluated by the project's own arithmetic, which runs no code. Numbers are drawn until the truth and every
part that must be whole are positive whole numbers.
"""

from __future__ import annotations

import random
import string

import msgspec

from benchmarks.questions.kinds import Language, Question, Split
from zhongshu.router.difficulty.arithmetic import value

_TRIES = 10_000


class Problem(msgspec.Struct, frozen=True):
    """A word problem. draw: for each letter the least, the greatest and the step of its number. whole: parts of the
    formula that must be positive whole numbers too."""

    name: str
    text: str
    draw: dict[str, tuple[int, int, int]]
    formula: str
    whole: tuple[str, ...] = ()


def asked(problem: Problem, split: Split, language: Language, number: int, dice: random.Random) -> Question:
    """A question made from the problem with numbers of its own."""
    numbers, truth = _drawn(problem, dice)
    names = {**numbers, "name": _name(language, dice)}
    closing = " Reply with one number and nothing else." if language == "en" else "只写出一个数字，不写别的。"
    return Question(
        id=f"{split}-arithmetic-{language}-{number}",
        split=split,
        kind="arithmetic",
        language=language,
        template=problem.name,
        prompt=problem.text.format(**names) + closing,
        form="number",
        truth=(str(truth),),
    )


def solved(formula: str, numbers: dict[str, int]) -> float | None:
    """What a formula comes to with these numbers."""
    return value("".join(str(numbers[sign]) if sign in string.ascii_lowercase else sign for sign in formula))


def _drawn(problem: Problem, dice: random.Random) -> tuple[dict[str, int], int]:
    for _ in range(_TRIES):
        numbers = {letter: dice.randrange(low, high + 1, step) for letter, (low, high, step) in problem.draw.items()}
        parts = [solved(part, numbers) for part in (problem.formula, *problem.whole)]
        if all(part is not None and part > 0 and part == int(part) for part in parts):
            return numbers, int(parts[0] or 0)
    raise ValueError(f"{problem.name}: no numbers fit")


_NAMES: dict[Language, tuple[str, ...]] = {
    "en": ("Anna", "Ben", "Clara", "David", "Emma", "Frank", "Grace", "Henry", "Ivy", "Jack", "Laura", "Peter"),
    "zh": ("小明", "小红", "李雷", "王芳", "张伟", "陈静", "刘洋", "赵敏", "周杰", "孙丽"),
}


def _name(language: Language, dice: random.Random) -> str:
    return dice.choice(_NAMES[language])


PROBLEMS: dict[Split, dict[Language, tuple[Problem, ...]]] = {
    "train": {
        "en": (
            Problem(
                "shop-boxes",
                "A shop has {a} boxes with {b} pencils in each. It sells {c} pencils and then gets {d} more. How many pencils does it have now?",
                {"a": (4, 12, 1), "b": (12, 36, 2), "c": (15, 60, 1), "d": (10, 40, 1)},
                "a*b-c+d",
                ("a*b-c",),
            ),
            Problem(
                "pages-left",
                "{name} reads {a} pages a day for {b} days, and then {c} pages on the weekend. The book has {d} pages. How many pages are left to read?",
                {"a": (11, 29, 1), "b": (3, 9, 1), "c": (20, 60, 1), "d": (250, 480, 10)},
                "d-a*b-c",
            ),
            Problem(
                "wages",
                "{name} earns {a} dollars an hour and works {b} hours a day for {c} days. Then {name} spends {d} dollars on rent. How many dollars are left?",
                {"a": (12, 25, 1), "b": (4, 8, 1), "c": (4, 6, 1), "d": (120, 300, 10)},
                "a*b*c-d",
            ),
            Problem(
                "bill-shared",
                "{a} friends share a bill of {b} dollars equally. Each of them also pays {c} dollars for parking and {d} dollars for a drink. How many dollars does each pay in all?",
                {"a": (3, 8, 1), "b": (60, 240, 4), "c": (3, 9, 1), "d": (2, 6, 1)},
                "b/a+c+d",
                ("b/a",),
            ),
            Problem(
                "half-rolls",
                "A baker makes {a} rolls. Half of them are sold in the morning, and {b} in the afternoon. The rest is packed into bags of {c}. How many bags are there?",
                {"a": (80, 240, 2), "b": (10, 50, 1), "c": (4, 9, 1)},
                "(a/2-b)/c",
                ("a/2-b",),
            ),
            Problem(
                "train-legs",
                "A train travels at {a} km an hour for {b} hours, rests, and then travels at {c} km an hour for {d} hours. How many km is that in all?",
                {"a": (60, 120, 5), "b": (2, 5, 1), "c": (50, 110, 5), "d": (2, 6, 1)},
                "a*b+c*d",
            ),
            Problem(
                "stamps-together",
                "{name} has {a} stamps. A friend has {b} times as many. Together they give away {c} stamps. How many stamps do they have then?",
                {"a": (13, 48, 1), "b": (2, 5, 1), "c": (10, 50, 1)},
                "a+a*b-c",
            ),
        ),
        "zh": (
            Problem(
                "zh-apples",
                "水果店有{a}箱苹果，每箱{b}个。上午卖出{c}个，下午卖出{d}个。还剩多少个苹果？",
                {"a": (5, 12, 1), "b": (18, 36, 1), "c": (20, 60, 1), "d": (15, 50, 1)},
                "a*b-c-d",
            ),
            Problem(
                "zh-tickets",
                "{name}一家有{a}个大人和{b}个小孩去公园。大人票每张{c}元，小孩票每张{d}元。一共要付多少元？",
                {"a": (2, 5, 1), "b": (2, 6, 1), "c": (35, 80, 5), "d": (12, 30, 1)},
                "a*c+b*d",
            ),
            Problem(
                "zh-workshop",
                "一个车间每天生产{a}个零件，生产了{b}天后，又用{c}天每天生产{d}个。一共生产了多少个零件？",
                {"a": (45, 95, 1), "b": (3, 8, 1), "c": (2, 6, 1), "d": (60, 120, 5)},
                "a*b+c*d",
            ),
            Problem(
                "zh-savings",
                "{name}每月存{a}元，存了{b}个月，然后买书花了{c}元，又得到奖金{d}元。现在有多少元？",
                {"a": (60, 180, 10), "b": (4, 11, 1), "c": (45, 160, 5), "d": (20, 90, 10)},
                "a*b-c+d",
            ),
            Problem(
                "zh-class",
                "学校有{a}名学生，其中一半坐大巴，{b}人骑车，其余的人平均分成{c}组步行。每组有多少人？",
                {"a": (120, 360, 2), "b": (20, 60, 1), "c": (3, 9, 1)},
                "(a/2-b)/c",
                ("a/2-b",),
            ),
            Problem(
                "zh-shared",
                "{a}个同事平均分摊一顿{b}元的饭，每人还各付{c}元打车费。每人一共付多少元？",
                {"a": (3, 8, 1), "b": (90, 480, 6), "c": (6, 25, 1)},
                "b/a+c",
                ("b/a",),
            ),
        ),
    },
    "report": {
        "en": (
            Problem(
                "garden-fence",
                "A garden is {a} m long and {b} m wide. A fence goes all the way around it, less a gate of {c} m. Each metre of fence costs {d} dollars. How many dollars does the fence cost?",
                {"a": (14, 33, 1), "b": (8, 19, 1), "c": (2, 5, 1), "d": (4, 12, 1)},
                "((a+b)*2-c)*d",
            ),
            Problem(
                "bus-stops",
                "A bus starts with {a} people. At the first stop {b} get off and {c} get on. At the second stop half of the people get off and {d} get on. How many people are on the bus then?",
                {"a": (24, 50, 1), "b": (5, 15, 1), "c": (4, 14, 1), "d": (3, 12, 1)},
                "(a-b+c)/2+d",
                ("(a-b+c)/2",),
            ),
            Problem(
                "tank",
                "A tank holds {a} litres of water. Every minute {b} litres flow in and {c} litres flow out. How many litres are in it after {d} minutes?",
                {"a": (120, 500, 10), "b": (18, 35, 1), "c": (5, 16, 1), "d": (6, 18, 1)},
                "a+(b-c)*d",
            ),
            Problem(
                "cinema",
                "A cinema sells {a} tickets at {b} dollars and {c} tickets at {d} dollars each. Its costs are {e} dollars. How many dollars of profit does it make?",
                {"a": (20, 60, 1), "b": (8, 14, 1), "c": (15, 45, 1), "d": (5, 7, 1), "e": (100, 300, 10)},
                "a*b+c*d-e",
            ),
            Problem(
                "hens",
                "Each of {a} hens lays {b} eggs a week. The farmer keeps {c} eggs for himself every week and sells the others for {d} dollars each. How many dollars does he get in a week?",
                {"a": (9, 28, 1), "b": (4, 6, 1), "c": (8, 20, 1), "d": (2, 3, 1)},
                "(a*b-c)*d",
            ),
            Problem(
                "marbles-older",
                "{name} has {a} marbles, which is {b} more than Tom has. Sue has {c} times as many as Tom. How many marbles does Sue have?",
                {"a": (20, 60, 1), "b": (5, 18, 1), "c": (2, 6, 1)},
                "(a-b)*c",
            ),
            Problem(
                "parcels",
                "A van carries {a} parcels of {b} kg each and {c} parcels of {d} kg each. At the depot, {e} kg are unloaded. How many kg are still in the van?",
                {"a": (6, 18, 1), "b": (7, 15, 1), "c": (4, 12, 1), "d": (16, 25, 1), "e": (50, 120, 5)},
                "a*b+c*d-e",
            ),
        ),
        "zh": (
            Problem(
                "zh-road",
                "修一条长{a}米的路，前{b}天每天修{c}米，剩下的要在{d}天内修完。剩下的平均每天要修多少米？",
                {"a": (600, 1500, 10), "b": (3, 8, 1), "c": (45, 95, 5), "d": (4, 9, 1)},
                "(a-b*c)/d",
                ("a-b*c",),
            ),
            Problem(
                "zh-stationery",
                "{name}买了{a}支钢笔，每支{b}元，又买了{c}个本子，每个{d}元，付了{e}元。应找回多少元？",
                {"a": (2, 6, 1), "b": (12, 28, 1), "c": (3, 9, 1), "d": (4, 9, 1), "e": (200, 300, 50)},
                "e-a*b-c*d",
            ),
            Problem(
                "zh-library",
                "图书馆原有{a}本书，借出{b}本，归还{c}本，又买来{d}包新书，每包{e}本。现在有多少本书？",
                {"a": (300, 800, 10), "b": (60, 150, 1), "c": (20, 55, 1), "d": (4, 12, 1), "e": (15, 30, 1)},
                "a-b+c+d*e",
            ),
            Problem(
                "zh-farm",
                "农场里鸡有{a}只，鸭的只数是鸡的{b}倍，鹅比鸭少{c}只。鹅有多少只？",
                {"a": (18, 65, 1), "b": (2, 6, 1), "c": (7, 30, 1)},
                "a*b-c",
            ),
            Problem(
                "zh-water",
                "一个水池有水{a}升，每分钟进水{b}升、出水{c}升，{d}分钟后池里有水多少升？",
                {"a": (100, 400, 10), "b": (16, 34, 1), "c": (5, 14, 1), "d": (5, 18, 1)},
                "a+(b-c)*d",
            ),
            Problem(
                "zh-oranges",
                "果园收了{a}筐橙子，每筐{b}千克，留下{c}千克，其余的按每千克{d}元卖出。一共卖了多少元？",
                {"a": (8, 20, 1), "b": (15, 30, 1), "c": (20, 60, 5), "d": (3, 8, 1)},
                "(a*b-c)*d",
            ),
        ),
    },
}
