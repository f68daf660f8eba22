"""Chunks that differ from the one before in their text alone, as nearly all chunks of a stream do: read by what differs.

A chunk is its bytes before the text, the text as a JSON string, and the bytes after it. When before and after are those
of a chunk that was decoded and held nothing but this text, so does this one; only the string is decoded then.
"""

from __future__ import annotations

import re

import msgspec

from zhongshu.core.answers import Event, TextDelta, ThoughtDelta

_string = msgspec.json.Decoder(str).decode
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_SPACE = b" "
_KEYS = {TextDelta: b'"content":', ThoughtDelta: b'"reasoning_content":'}


class ChunkForm:
    """What chunks around their text look like."""

    __slots__ = ("_after", "_around", "_before", "_index", "_kind")

    def __init__(self, before: bytes, after: bytes, kind: type[TextDelta | ThoughtDelta], index: int) -> None:
        self._before = before
        self._after = after
        self._around = len(before) + len(after)
        self._kind = kind
        self._index = index

    def delta(self, payload: bytes) -> TextDelta | ThoughtDelta | None:
        """The text of a chunk of this form; None for any other chunk, and for one without text."""
        if not payload.startswith(self._before) or not payload.endswith(self._after) or len(payload) < self._around + 3:
            return None
        try:
            return self._kind(self._index, _string(payload[len(self._before) : -len(self._after)]))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


def form_of(payload: bytes, event: Event) -> ChunkForm | None:
    """The form of a chunk that came to this event; None when there is more to it than its text."""
    if len(event.deltas) != 1 or event.wire is not payload:
        return None
    delta = event.deltas[0]
    if not isinstance(delta, TextDelta | ThoughtDelta) or (isinstance(delta, ThoughtDelta) and delta.signature):
        return None
    key = _KEYS[type(delta)]
    if payload.count(key) != 1:
        return None
    at = payload.index(key) + len(key)
    while payload[at : at + 1] == _SPACE:
        at += 1
    text = _STRING.match(payload, at)
    if text is None:
        return None
    before, after = payload[:at], payload[text.end() :]
    # An escape elsewhere could spell the key a second time.
    if b"\\" in before or b"\\" in after or _string(text[0]) != delta.text:
        return None
    return ChunkForm(before, after, type(delta), delta.index)
