"""The AI label of an answer, as values. How it is made is safety's work; the rule is GB 45438-2025."""

from __future__ import annotations

import msgspec


class Aigc(msgspec.Struct, frozen=True):
    """The implicit label. Field names and order are the standard's own."""

    Label: str
    ContentProducer: str
    ProduceID: str
    ReservedCode1: str
    ContentPropagator: str
    PropagateID: str
    ReservedCode2: str


class Label(msgspec.Struct, frozen=True):
    """The label of one answer: `explicit` is the flag a caller renders, `text`/`text_zh` the words to render."""

    explicit: bool
    text: str
    text_zh: str
    AIGC: Aigc


class TextMark(msgspec.Struct, frozen=True):
    """Label words to put before or after a text answer; both empty for none."""

    start: str = ""
    end: str = ""


NO_MARK = TextMark()
