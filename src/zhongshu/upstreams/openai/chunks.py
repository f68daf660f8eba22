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
    """What chunks around their text look like, as data and as whole server-sent events. The quotes of the text are part
    of what is around it: no line can end between the two."""

    __slots__ = ("_after", "_before", "_begin", "_end", "_index", "_kind", "_least", "_least_sent", "_sent")

    def __init__(self, before: bytes, after: bytes, kind: type[TextDelta | ThoughtDelta], index: int) -> None:
        self._before = before + b'"'
        self._after = b'"' + after
        self._least = len(before) + len(after) + 3
        self._sent = b"data: " + self._before, self._after + b"\n\n"
        self._least_sent = self._least + 8
        self._begin = len(before)
        self._end = -len(after)
        self._kind = kind
        self._index = index

    def delta(self, payload: bytes) -> TextDelta | ThoughtDelta | None:
        """The text of a chunk of this form; None for any other chunk, and for one without text."""
        if not payload.startswith(self._before) or not payload.endswith(self._after) or len(payload) < self._least:
            return None
        try:
            return self._kind(self._index, _string(payload[self._begin : self._end]))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def event(self, sent: bytes, dialect: str) -> Event | None:
        """The Event of a chunk of this form, given as the server-sent event it came in; None as `delta`."""
        before, after = self._sent
        if not sent.startswith(before) or not sent.endswith(after) or len(sent) < self._least_sent:
            return None
        payload = sent[6:-2]
        try:
            return Event((self._kind(self._index, _string(payload[self._begin : self._end])),), payload, dialect)
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
