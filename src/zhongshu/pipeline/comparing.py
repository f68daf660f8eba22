"""How right two answers to one question are: by whether they agree, else by a judging model, else by the reasoning model.

A judge is asked unseen, beside the turn, and at nobody's cost but the operator's.
"""

from __future__ import annotations

from typing import Any

import msgspec

from zhongshu.core.answers import Answer
from zhongshu.core.models import Offer, Route
from zhongshu.core.turns import Format, Message, Sampling, ToolChoice, Turn
from zhongshu.pipeline.record import Entry
from zhongshu.pipeline.shadow import behind, unseen
from zhongshu.pipeline.stages import Rooms, Routed
from zhongshu.pipeline.strategies.wording import judged_by
from zhongshu.pipeline.ways import at_home
from zhongshu.router.agreement import agree

_WORDING = 400
"""Tokens of what a judge is told beside the question and the answers, at most."""


class Compared(msgspec.Struct, frozen=True):
    """How right two answers are. alike: they agree."""

    first: float
    second: float
    by: str
    alike: bool = False


class Judging:
    """The judging of one sample. nano: what it has cost so far, at home."""

    def __init__(self, rooms: Rooms, routed: Routed, judge: str, question: str) -> None:
        self._rooms = rooms
        self._routed = routed
        self._judge = judge
        self._question = question
        self.nano = 0

    def most_nano(self, pairs: int) -> int:
        """What judging that many pairs may come to at most: both orders of each, two answers in every prompt."""
        offers = judges(self._rooms, self._judge)
        if not offers:
            return 0
        turn, room = self._routed.asking.turn, self._rooms.assume.completion_tokens
        answers = 2 * max(room, turn.sampling.max_tokens or 0)
        nano = offers[0].card.price.most_nano(turn.body_bytes // 4 + answers + _WORDING, room, turn.arrived_ns)
        return at_home(self._rooms, offers[0], nano, turn) * 2 * pairs

    async def compare(self, answer: str, reasoning: str) -> Compared | None:
        """Alike where they agree; else as the judge says; else the reasoning model is the measure; None where nobody can
        tell."""
        same = agree(self._question, answer, reasoning)
        if same:
            return Compared(1.0, 1.0, "agreement", alike=True)
        if self._judge:
            told = await _asked_judge(self._rooms, self._routed, self._judge, self._question, answer, reasoning)
            self.nano += told.nano
            if told.scores is not None:
                return Compared(*told.scores, f"judge: {self._judge}")
        return Compared(0.0, 1.0, "agreement") if same is False else None


class _Verdict(msgspec.Struct, frozen=True):
    """What a judge said: how right the general and the reasoning answer are, None where it said nothing that can be
    read; and what it cost."""

    scores: tuple[float, float] | None
    nano: int


class _Scores(msgspec.Struct, frozen=True):
    first: float
    second: float


_scores = msgspec.json.Decoder(_Scores, strict=False).decode


async def _asked_judge(
    rooms: Rooms, routed: Routed, judge: str, question: str, general: str, reasoning: str
) -> _Verdict:
    """Ask twice, with the answers in either order: judges favour a place. The mean of both counts."""
    found: list[tuple[float, float]] = []
    nano = 0
    for turned in (False, True):
        first, second = (reasoning, general) if turned else (general, reasoning)
        offers = judges(rooms, judge)
        if not offers:
            return _Verdict(None, nano)
        entry = await _judging(rooms, routed, offers, judged_by(question, first, second))
        nano += at_home(rooms, offers[0], entry.cost_nano, routed.asking.turn)
        told = _read(entry.answer)
        if told is None:
            return _Verdict(None, nano)
        found.append((told.second, told.first) if turned else (told.first, told.second))
    return _Verdict((sum(a for a, _ in found) / 2, sum(b for _, b in found) / 2), nano)


async def _judging(rooms: Rooms, routed: Routed, offers: tuple[Offer, ...], messages: tuple[Message, ...]) -> Entry:
    """One question to the judge."""
    form = Format("json") if "json" in offers[0].card.abilities else Format()
    turn = _bare(routed.asking.turn, messages, form)
    route = Route(offers[0], None, "judge", "It says how right two answers are.", "评判两份回答。")
    return await unseen(rooms, behind(rooms, routed, turn, route, offers[:1], "judge"), routed.asking.turn.trace)


def judges(rooms: Rooms, name: str) -> tuple[Offer, ...]:
    """The offers of the model that judges; none where there is no such."""
    return tuple([offer for offer in rooms.catalog.find(name) if "chat" in offer.card.abilities]) if name else ()


def _bare(turn: Turn, messages: tuple[Message, ...], form: Format) -> Turn:
    changes: dict[str, Any] = {
        "kind": "chat", "messages": messages, "prompts": (), "stream": False, "sampling": Sampling(temperature=0.0),
        "tools": (), "tool_choice": ToolChoice(), "format": form, "effort": None, "thinking_tokens": None, "wire": None,
    }  # fmt: skip
    return msgspec.structs.replace(turn, **changes)


def _read(answer: object) -> _Scores | None:
    text = answer.choices[0].text if isinstance(answer, Answer) and answer.choices else ""
    begin, end = text.find("{"), text.rfind("}")
    try:
        said = _scores(text[begin : end + 1])
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    return said if 0 <= said.first <= 1 and 0 <= said.second <= 1 else None
