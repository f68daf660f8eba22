"""The questions of a split, made with a fixed seed: the same every time, in an order that mixes kinds and languages."""

from __future__ import annotations

import random

from benchmarks.questions import arithmetic, facts, texts
from benchmarks.questions.kinds import LANGUAGES, Kind, Language, Question, Split

SEED = 20261122
COUNTS: dict[Split, dict[Kind, int]] = {
    "train": {"arithmetic": 32, "fact": 12, "classify": 12, "extract": 12},
    "report": {"arithmetic": 50, "fact": 50, "classify": 50, "extract": 50},
}
"""Questions of each kind, both languages together: a quarter of a working day's questions need several steps."""
_ANSWER = {"en": " Answer briefly.", "zh": "请简短回答。"}


def questions(split: Split, seed: int = SEED) -> list[Question]:
    """Every question of the split. The first few hold every kind in both languages."""
    made: list[list[Question]] = []
    for kind, count in COUNTS[split].items():
        for language in LANGUAGES:
            dice = random.Random(f"{seed} {split} {kind} {language}")
            made.append(_of_kind(split, kind, language, count // 2, dice))
    spread = [((at + 0.5) / len(each), one) for each in made for at, one in enumerate(each)]
    return [one for _, one in sorted(spread, key=lambda placed: placed[0])]


def _of_kind(split: Split, kind: Kind, language: Language, count: int, dice: random.Random) -> list[Question]:
    match kind:
        case "arithmetic":
            problems = arithmetic.PROBLEMS[split][language]
            return [arithmetic.asked(problems[at % len(problems)], split, language, at, dice) for at in range(count)]
        case "fact":
            chosen = dice.sample(facts.FACTS[split][language], count)
            return [_fact(split, language, at, *fact) for at, fact in enumerate(chosen)]
        case "classify":
            return _sorted(split, language, count, dice)
        case "extract":
            return [_found(split, language, at, dice) for at in range(count)]


def _fact(split: Split, language: Language, at: int, ask: str, truth: str) -> Question:
    return Question(
        id=f"{split}-fact-{language}-{at}",
        split=split,
        kind="fact",
        language=language,
        template=f"fact: {ask}",
        prompt=ask + _ANSWER[language],
        form="text",
        truth=tuple(truth.split("|")),
    )


def _sorted(split: Split, language: Language, count: int, dice: random.Random) -> list[Question]:
    """As many of each task as may be, no message twice."""
    stacks: list[list[tuple[texts.Sorting, str, str]]] = []
    for task in texts.SORTINGS[split][language]:
        stack = [(task, label, text) for label, messages in task.messages.items() for text in messages]
        dice.shuffle(stack)
        stacks.append(stack)
    chosen: list[Question] = []
    while len(chosen) < count:
        stack = max(stacks, key=len)
        task, label, text = stack.pop()
        chosen.append(
            Question(
                id=f"{split}-classify-{language}-{len(chosen)}",
                split=split,
                kind="classify",
                language=language,
                template=task.name,
                prompt=task.ask.format(text=text),
                form="label",
                truth=(label,),
                others=tuple(other for other in task.messages if other != label),
            )
        )
    return chosen


def _found(split: Split, language: Language, at: int, dice: random.Random) -> Question:
    searches = texts.SEARCHES[split][language]
    search = searches[at % len(searches)]
    found = search(dice)
    return Question(
        id=f"{split}-extract-{language}-{at}",
        split=split,
        kind="extract",
        language=language,
        template=search.__name__.strip("_"),
        prompt=found.prompt,
        form="text",
        truth=found.truth,
        others=found.others,
    )
