"""Word problems told at the beginning of a conversation and asked at its end, with talk of other things between.

For `front-back`, which makes one task of a conversation. The problems are those of the report split with other numbers;
the talk between is the train split's facts, answered rightly. Nothing in between holds a number.
"""

from __future__ import annotations

import random
import re

import msgspec

from benchmarks.questions import arithmetic, facts
from benchmarks.questions.kinds import LANGUAGES, Language, Question, Said

SEED = 20261122
COUNT, BETWEEN = 20, 8
"""Conversations in each language, and exchanges about other things in each of them."""
_SENTENCE = re.compile(r"(?<=[.?!])\s+|(?<=[。？！])")
_TELL = {"en": "{told} Keep this in mind, I will ask about it later.", "zh": "{told}先记住这些，我稍后再问。"}
_NOTED = {"en": "I will keep it in mind.", "zh": "好的，我记住了。"}
_ASK = {"en": "Now back to what I told you first. {asked}", "zh": "现在回到我最开始说的事。{asked}"}


def questions() -> list[Question]:
    """Every conversation, the languages taking turns."""
    made = {language: _in(language) for language in LANGUAGES}
    return [one for pair in zip(*made.values(), strict=True) for one in pair]


def _in(language: Language) -> list[Question]:
    dice = random.Random(f"{SEED} talks {language}")
    problems = [one for one in arithmetic.PROBLEMS["report"][language] if _parted(one.text, language)]
    return [
        _talk(arithmetic.asked(problems[at % len(problems)], "report", language, at, dice), dice) for at in range(COUNT)
    ]


def _talk(question: Question, dice: random.Random) -> Question:
    """The same problem, what is told at the beginning and what is asked at the end."""
    language = question.language
    told, asked = _parted(question.prompt, language) or ("", "")
    before: list[Said] = [("user", _TELL[language].format(told=told))]
    before.append(("assistant", _NOTED[language]))
    without_numbers = [fact for fact in facts.FACTS["train"][language] if not re.search(r"\d", "".join(fact))]
    for ask, truth in dice.sample(without_numbers, BETWEEN):
        before += [("user", ask), ("assistant", truth.split("|")[0])]
    name = question.id.replace("report-arithmetic", "talk")
    return msgspec.structs.replace(question, id=name, prompt=_ASK[language].format(asked=asked), before=tuple(before))


def _parted(text: str, language: Language) -> tuple[str, str] | None:
    """What a problem tells, and what it asks (with whatever follows); None where one sentence does both."""
    sentences = _SENTENCE.split(text)
    at = next(number for number, sentence in enumerate(sentences) if sentence.rstrip().endswith(("?", "？")))
    joint = " " if language == "en" else ""
    return (joint.join(sentences[:at]), joint.join(sentences[at:])) if at else None
