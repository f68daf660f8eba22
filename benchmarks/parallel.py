"""The same question in English and in Chinese: does `auto` see the same in both?

    python -m benchmarks.parallel                 # figures, of both parts apart
    python -m benchmarks.parallel --show          # and where the languages part, in the part that may be looked at

The pairs (data/parallel.jsonl) were written for this. Every third is held out: what reads Chinese was made by looking at the
others alone. No model answers here, so this says that the languages are treated alike, not that either is treated well.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from benchmarks import command
from benchmarks.rows import Row
from zhongshu.core.dials import Dial
from zhongshu.core.models import ModelCard, Offer, Release
from zhongshu.core.turns import Message, Turn
from zhongshu.router import patterns
from zhongshu.router.conversation import asks_amount, continues, told_of
from zhongshu.router.decided import Decision
from zhongshu.router.decision import Decider
from zhongshu.router.difficulty import reading
from zhongshu.router.task import is_follow_up, mark

NAME = "parallel"
DATA = Path(__file__).parent / "data" / "parallel.jsonl"
DIALS = (0.5, 0.35, 0.45, 0.6)
"""The default, and three others around it."""
_THIRD = 3
_FEWEST = 5
_LANGUAGES = ("en", "zh")
Language = Literal["en", "zh"]


class Pair(msgspec.Struct, frozen=True):
    """One question in both languages. before: what the user had said, each in both."""

    kind: str
    en: str
    zh: str
    before: tuple[tuple[str, str], ...] = ()

    def turn(self, language: Language) -> Turn:
        """A turn of `auto` that asks it."""
        said = [both[_LANGUAGES.index(language)] for both in self.before]
        messages = [Message("user", text) for text in (*said, self.en if language == "en" else self.zh)]
        return Turn("t", 1, "chat", "openai.chat", "auto", messages=tuple(messages))


class Seen(msgspec.Struct, frozen=True):
    """What is seen in a question. deep: at each of DIALS, whether it goes to the reasoning model."""

    score: float
    deep: tuple[bool, ...]
    task: str
    features: dict[str, object]


Both = tuple[Seen, Seen]


def pairs() -> list[Pair]:
    """Every pair, in the order of the file."""
    return [msgspec.json.decode(line, type=Pair) for line in DATA.read_bytes().splitlines()]


def held_out(number: int) -> bool:
    """Whether the pair of this number is for measuring alone."""
    return number % _THIRD == _THIRD - 1


def offer(name: str, tier: Literal["general", "reasoning"]) -> Offer:
    """A model of that kind, without a price."""
    return Offer(Release(model=name, version="1", upstream="u", upstream_model=name), ModelCard(name=name, tier=tier))


MODELS = (offer("general", "general"), offer("reasoning", "reasoning"))


def see(pair: Pair, language: Language, decider: Decider) -> Seen:
    """What `auto` sees in the question in this language."""
    turn = pair.turn(language)
    decided = [decider.decide(turn, MODELS, dial=Dial(quality=dial)) for dial in DIALS]
    made = [one for one in decided if isinstance(one, Decision)]
    text = turn.messages[-1].text()
    marked = mark(text)
    names = {en for en, _, _ in marked.marks}
    return Seen(
        made[0].hardness.gain,
        tuple(one.hard for one in made),
        made[0].hardness.task,
        {
            "kind of task": marked.task,
            "asked for steps": "step-by-step work" in names,
            "conditions": next((name for name in names if name.endswith("conditions")), ""),
            "two numbers or more": patterns.several_numbers(marked.text.lower()),
            "options": len(reading.parts(f"\n{marked.text}").options),
            "only goes on": is_follow_up(text),
            "asked within the one before": continues(text),
            "asks an amount": asks_amount(text),
            "of what was told": bool(told_of(turn)),
        },
    )


def ranks(values: Sequence[float]) -> np.ndarray:
    """The place of each, the mean place where several are the same (from 0)."""
    found = np.array(values)
    return np.array([(found < one).sum() + ((found == one).sum() - 1) / 2 for one in found])


def rank_correlation(some: Sequence[float], others: Sequence[float]) -> float | None:
    """Spearman's; None where either says the same of nearly all."""
    if len(some) < _FEWEST or len(set(some)) < _FEWEST or len(set(others)) < _FEWEST:
        return None
    return float(np.corrcoef(ranks(some), ranks(others))[0, 1])


def table(title: str, chosen: Sequence[Pair], found: Sequence[Both]) -> list[Row]:
    """The figures of one part."""
    kinds = list(dict.fromkeys(pair.kind for pair in chosen))
    rows = [
        _correlation(f"{title}: rank correlation of the score", found),
        _offset(f"{title}: Chinese less English", found),
    ]
    for kind in kinds:
        of = [both for pair, both in zip(chosen, found, strict=True) if pair.kind == kind]
        rows += [_correlation(f"{title}, {kind}: rank correlation", of)] if kind in ("arithmetic", "choice") else []
        rows.append(_offset(f"{title}, {kind}: Chinese less English", of))
    for at, dial in enumerate(DIALS):
        other = [pair.kind for pair, (en, zh) in zip(chosen, found, strict=True) if en.deep[at] != zh.deep[at]]
        said = ", ".join(f"{kind} {other.count(kind)}" for kind in kinds if kind in other)
        rows.append(
            Row(name=f"{title}: routed otherwise at dial {dial}", value=float(len(other)), unit=f"of {len(found)}", note=said)
        )  # fmt: skip
    for name in found[0][0].features:
        other = [
            pair.kind for pair, (en, zh) in zip(chosen, found, strict=True) if en.features[name] != zh.features[name]
        ]
        same = 1 - len(other) / len(found)
        rows.append(Row(name=f"{title}: same {name}", value=same, unit="share", note=", ".join(sorted(set(other)))))
    return rows


def _correlation(name: str, found: Sequence[Both]) -> Row:
    value = rank_correlation([en.score for en, _ in found], [zh.score for _, zh in found])
    return Row(name=name, value=value, unit="Spearman")


def _offset(name: str, found: Sequence[Both]) -> Row:
    apart = np.array([zh.score - en.score for en, zh in found])
    return Row(
        name=name,
        value=float(apart.mean()),
        unit="gain",
        note=f"mean distance {np.abs(apart).mean():.3f}, {len(found)} pairs",
    )


def run(say: Callable[[str], None] | None = None) -> list[Row]:
    """The figures of the part that was looked at, and of the one held out. say: is told where the languages part in the
    first."""
    decider = Decider()
    every = pairs()
    found: list[Both] = [(see(pair, "en", decider), see(pair, "zh", decider)) for pair in every]
    rows: list[Row] = []
    for title, out in (("looked at", False), ("held out", True)):
        part = [at for at in range(len(every)) if held_out(at) is out]
        rows += table(title, [every[at] for at in part], [found[at] for at in part])
        if say is not None and not out:
            for at in part:
                _parting(every[at], *found[at], say)
    return rows


def _parting(pair: Pair, en: Seen, zh: Seen, say: Callable[[str], None]) -> None:
    apart = [
        f"{name} {en.features[name]} / {zh.features[name]}"
        for name in en.features
        if en.features[name] != zh.features[name]
    ]
    if apart or en.deep != zh.deep:
        say(
            f"{pair.kind}: {en.score:.3f} ({en.task}) / {zh.score:.3f} ({zh.task}); {'; '.join(apart)}\n  {pair.en}\n  {pair.zh}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command.parser(__doc__)
    parser.add_argument("--show", action="store_true", help="print where the languages part")
    given = command.parsed(parser, arguments)
    return command.finish(NAME, run(command.say if given.show else None), given)


if __name__ == "__main__":
    sys.exit(main())
