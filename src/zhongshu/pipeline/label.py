"""Fourth stage: the AI label, on everything generated, in the form its reader can use."""

from __future__ import annotations

import msgspec

from zhongshu.core.answers import Answer, Choice, Delta, Event, StopDelta, TextDelta
from zhongshu.core.labels import NO_MARK, TextMark
from zhongshu.pipeline.stages import Answered, Labelled, Rooms

NOT_GENERATED = frozenset({"embedding", "rerank", "moderation", "transcription"})
"""Kinds whose answers are numbers, judgements or somebody's own words."""


def label(rooms: Rooms, answered: Answered, upstream_us: int) -> Labelled:
    """Add the label; where the settings want words in the text itself, put them there."""
    answer, turn = answered.answer, answered.routed.admitted.arrived.turn
    if not isinstance(answer, Answer):
        made = rooms.labeller.label(turn) if turn.kind not in NOT_GENERATED else None
        return Labelled(answered, made, upstream_us)
    mark = rooms.labeller.words_for(turn)
    if mark is not NO_MARK:
        answered = msgspec.structs.replace(answered, answer=_marked(answer, mark))
    return Labelled(answered, rooms.labeller.label(turn), upstream_us)


def _marked(answer: Answer, mark: TextMark) -> Answer:
    def marked(choice: Choice) -> Choice:
        if not choice.text:
            return choice
        return msgspec.structs.replace(choice, text=f"{mark.start}{choice.text}{mark.end}")

    return msgspec.structs.replace(answer, choices=tuple(map(marked, answer.choices)), wire=None)


class MarkedStream:
    """Puts a mark's words around the text of each choice of a stream, piece by piece."""

    def __init__(self, mark: TextMark) -> None:
        self._mark = mark
        self._begun: set[int] = set()

    def mark(self, event: Event) -> Event:
        """The event with the words added before a choice's first text and after its last."""
        out = [piece for delta in event.deltas for piece in self._around(delta)]
        return event if len(out) == len(event.deltas) else Event(tuple(out))

    def _around(self, delta: Delta) -> tuple[Delta, ...]:
        if isinstance(delta, TextDelta) and delta.text and delta.index not in self._begun:
            self._begun.add(delta.index)
            if self._mark.start:
                return TextDelta(delta.index, self._mark.start), delta
        if isinstance(delta, StopDelta) and delta.index in self._begun and self._mark.end:
            return TextDelta(delta.index, self._mark.end), delta
        return (delta,)
