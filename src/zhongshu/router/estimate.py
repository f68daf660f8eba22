"""How hard a turn is, and how good and how dear an answer by either kind of model is expected to be. Pure.

For worked arithmetic and questions with options the trained model says it (`difficulty/`, fitted to outcomes of two
models on GSM8K and MMLU). Of everything else nothing was measured: the numbers of `_PRIORS` are ours, and docs/routing.md
says so. Qualities are chances of a right answer by models as far apart as those two, unless the trained model holds
what was counted for a pair of its own (`Difficulty.tasks`).
"""

from __future__ import annotations

import functools
import math

import msgspec

from zhongshu.core.models import Offer
from zhongshu.core.money import Exchange
from zhongshu.core.turns import Message, Turn
from zhongshu.router import chinese
from zhongshu.router.conversation import asks_amount, continues, questions_of, told_before
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.difficulty.linear import Odds
from zhongshu.router.difficulty.naming import NAMED
from zhongshu.router.task import Task, is_follow_up, mark

# Chance that a general model's answer to such a task is wrong; what its marks add comes on top (log odds).
_PRIORS: dict[Task, float] = {
    "chat": 0.02, "lookup": 0.10, "transform": 0.05, "writing": 0.12, "code": 0.20,
    "proof": 0.75, "planning": 0.50, "diagnosis": 0.55, "mathematics": 0.35, "choice": 0.33,
}  # fmt: skip

# Chances that a reasoning model is wrong too where the general one is, and that it is wrong where that one is right.
# Mathematics and choice: counted in the data the judge was fitted to (GPT-4 against Mixtral 8x7B).
_REST: dict[Task, tuple[float, float]] = {"mathematics": (0.17, 0.12), "choice": (0.46, 0.08)}
_REST_ELSE = (0.40, 0.05)
_NO_GAIN: frozenset[Task] = frozenset({"chat", "transform"})
_TRAINED: frozenset[Task] = frozenset({"mathematics", "choice"})
_WITHIN: frozenset[Task] = frozenset({"chat", "lookup", "mathematics", "code"})

# Tokens of an answer, and of the thought before it by effort: orders of magnitude, for comparing costs.
_ANSWER: dict[Task, int] = {
    "chat": 60, "lookup": 200, "transform": 300, "writing": 800, "code": 600,
    "proof": 800, "planning": 800, "diagnosis": 600, "mathematics": 300, "choice": 100,
}  # fmt: skip
_LEAST = 1e-4
_THOUGHT = {"minimal": 200, "low": 600, "medium": 2000, "high": 6000}


class Hardness(msgspec.Struct, frozen=True, gc=False):
    """How hard a turn is.

    wrong: the chance that a general model is, before what marks add. learnt: said by the trained model, marks and all.
    weightiest: what moved it most, each with what it added (score or log odds), by name in English and in Chinese.
    follow_up: judged by an earlier question that this one goes on from. characters: of the text that was judged, whole, as
    many as it would have in English. odds: what was counted for such tasks with the models in question, None where nothing
    was.
    """

    task: Task
    wrong: float
    learnt: bool
    weightiest: tuple[tuple[str, str, float], ...] = ()
    follow_up: bool = False
    characters: int = 0
    odds: Odds | None = None

    @property
    def chance(self) -> float:
        """That a general model is wrong."""
        return self.wrong if self.learnt else _usually(self.wrong, self.weightiest)

    @property
    def reasoned(self) -> float:
        """The chance that a reasoning model is right."""
        (rest, harm), chance = self._rest(), self.chance
        return 1 - (chance * rest + (1 - chance) * harm)

    @property
    def gain(self) -> float:
        """By how much deep thought is expected to raise the chance of a right answer; may be below 0."""
        return self.reasoned - (1 - self.chance)

    @property
    def unthought(self) -> float | None:
        """The chance that the reasoning model is right without thought; None where nobody counted."""
        return None if self.odds is None or self.odds.plain is None else 1 - self.odds.plain

    def wants_thought(self, least_gain: float) -> bool:
        """Whether a reasoning model that may answer at once is to think first: thought adds enough to that, or the model
        alone adds too little."""
        plain = self.unthought
        return plain is None or self.reasoned - plain >= least_gain or plain - (1 - self.chance) < least_gain

    def chance_for(self, gain: float) -> float:
        """How likely wrong a general model would have to be for deep thought to add as much; above 1: it never does."""
        rest, harm = self._rest()
        return math.inf if rest >= 1 else max(0.0, (gain + harm) / (1 - rest + harm))

    def _rest(self) -> tuple[float, float]:
        """The chances that a reasoning model is wrong: where a general one is, and where it is right."""
        if self.odds is not None:
            return self.odds.rest, self.odds.harm
        return (1.0, 0.0) if self.task in _NO_GAIN else _REST.get(self.task, _REST_ELSE)


def hardness(turn: Turn, judge: Judge, *, explained: bool = False) -> Hardness:
    """How hard a turn is: its last question's, or, where that only goes on, the one's before. A question that is asked
    within the one before ("And if there were 9?") is at least as hard, unless it sets work of its own kind."""
    question, follows = question_of(turn)
    found = hardness_of(question, judge, follow_up=follows, explained=explained)
    return found if follows or stands_alone(question, found) else within(turn, judge, found)


def stands_alone(question: str, found: Hardness) -> bool:
    """Whether a question that is found this hard neither is asked within the one before it nor reckons with what was told."""
    return found.task not in _WITHIN or not (continues(question) or asks_amount(question))


def within(turn: Turn, judge: Judge, found: Hardness) -> Hardness:
    """How hard a question is that is asked within the one before it, and is found this hard by itself."""
    before = earlier(turn, judge)
    if before is None or before.gain <= found.gain:
        return found
    return msgspec.structs.replace(before, follow_up=True, characters=found.characters)


def earlier(turn: Turn, judge: Judge) -> Hardness | None:
    """How hard the question before the last one was; None where there was none."""
    asked = [text for text in questions_of(turn) if text.strip() and not is_follow_up(text)][1:]
    within = next((text for text in asked if not continues(text)), asked[0] if asked else None)
    return None if within is None else hardness_of(within, judge)


def hardness_of(question: str, judge: Judge, *, follow_up: bool = False, explained: bool = False) -> Hardness:
    """How hard a question is by itself."""
    marked = mark(question)
    task, marks = marked.task, marked.marks
    odds = judge.tasks.get(task)
    characters = len(question) if marked.text.isascii() else chinese.length_by(question, marked.text)
    if task in _TRAINED:
        text = f"\n{marked.text}" if task == "choice" else marked.text
        found = judge.question(text, explained=explained)
        if (found.head == "choice") == (task == "choice"):
            chance = _raised(found.chance, marks)
            weightiest = (*marks, *((NAMED[name].en, NAMED[name].zh, adds) for name, adds in found.weightiest))
            return Hardness(task, chance, True, weightiest, follow_up, characters, odds)
    usual = _PRIORS[task] if odds is None else odds.wrong
    return Hardness(task, usual, False, marks, follow_up, characters, odds)


def odds_of(task: Task) -> Odds:
    """What is taken for a kind of task where nothing was counted."""
    rest, harm = (1.0, 0.0) if task in _NO_GAIN else _REST.get(task, _REST_ELSE)
    return Odds(_PRIORS[task], rest, harm)


def newest(turn: Turn) -> tuple[str, bool]:
    """What the user said last, empty where nothing was said; and whether nothing was said before it."""
    if turn.prompts:
        return turn.prompts[0], True
    said: Message | None = None
    for message in reversed(turn.messages):
        if message.role == "user":
            if said is not None:
                return said.text(), False
            said = message
    return ("" if said is None else said.text()), True


def question_of(turn: Turn) -> tuple[str, bool]:
    """The question to judge a turn by, and whether that is more than the last one: an earlier one that it only goes on
    from, or what was told before of what it asks the amount of, in front of it."""
    if turn.prompts:
        return turn.prompts[0], False
    asked = questions_of(turn)
    for number, text in enumerate(asked):
        if text.strip() and not is_follow_up(text):
            told = told_before(text, asked[number + 1 :])
            return (f"{told}\n{text}", True) if told else (text, number > 0)
    return (asked[0] if asked else ""), False


def cost_nano(turn: Turn, offer: Offer, found: Hardness, effort: str | None, exchange: Exchange | None) -> int:
    """What an answer is expected to cost, in billionths of the home currency (of the price's own without rates)."""
    price = offer.card.price
    if price.free:
        return 0
    # A transform is about as long as what it works on; a request's size stands for its tokens, as in reservations.
    prompt = turn.body_bytes // 4 or found.characters // 2
    nano = price.most_nano(prompt, tokens(turn, found, effort) * turn.sampling.n, turn.arrived_ns)
    return exchange.to_home(nano, price.currency, turn.arrived_ns) if exchange else nano


def tokens(turn: Turn, found: Hardness, effort: str | None) -> int:
    """How long an answer is expected to be, with the thought before it."""
    answer = max(_ANSWER[found.task], found.characters // 4 if found.task == "transform" else 0)
    answer += _THOUGHT.get(effort or "off", 0)
    return answer if turn.sampling.max_tokens is None else min(answer, turn.sampling.max_tokens)


@functools.lru_cache(maxsize=1000)
def _usually(chance: float, marks: tuple[tuple[str, str, float], ...]) -> float:
    """As `_raised`, where there are few of both."""
    return _raised(chance, marks)


def _raised(chance: float, marks: tuple[tuple[str, str, float], ...]) -> float:
    """A chance after its log odds have been raised by what the marks add."""
    if not marks:
        return chance
    # What was counted may have been 0 or 1 once it was rounded.
    odds = math.log(max(chance, _LEAST) / max(1 - chance, _LEAST)) + sum([adds for _, _, adds in marks])
    return 1 / (1 + math.exp(-odds))
