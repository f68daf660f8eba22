"""What a Responses server's replies and stream events look like to a decoder. Only what is read is named.

Source: OpenAI's API reference (Responses) and the Open Responses specification, 2026-11. Servers differ in what they
leave out, so nearly everything may be absent.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Raw


class Part(msgspec.Struct, gc=False):
    """A piece of a message's content, or of a thought: output_text, refusal, reasoning_text, summary_text."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None
    logprobs: list[Raw] | None = None


class Item(msgspec.Struct):
    """One item of the output. Of types that are not read here only `type` is looked at."""

    type: str = ""
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Any = None
    content: Raw = Raw(b"null")
    summary: Raw = Raw(b"null")
    encrypted_content: str | None = None

    def parts(self, field: Literal["content", "summary"]) -> list[Part]:
        """`content` or `summary` as parts; text alone counts as one. Raises msgspec.DecodeError."""
        given = _parts(self.content if field == "content" else self.summary)
        return [Part("output_text", given)] if isinstance(given, str) else given or []


_parts = msgspec.json.Decoder(list[Part] | str | None, strict=False).decode


class CachedDetails(msgspec.Struct, gc=False):
    cached_tokens: float | None = None


class ThinkingDetails(msgspec.Struct, gc=False):
    reasoning_tokens: float | None = None


class UsageShape(msgspec.Struct):
    """Token counts."""

    input_tokens: float | None = None
    output_tokens: float | None = None
    total_tokens: float | None = None
    input_tokens_details: CachedDetails | None = None
    output_tokens_details: ThinkingDetails | None = None


class Incomplete(msgspec.Struct, gc=False):
    reason: str | None = None


class Reply(msgspec.Struct):
    """A response object."""

    id: str | None = None
    model: str | None = None
    status: str | None = None
    output: list[Item] | None = None
    usage: UsageShape | None = None
    incomplete_details: Incomplete | None = None
    error: Any = None


class EventShape(msgspec.Struct):
    """One event of a stream, by its `type`."""

    type: str = ""
    output_index: int = 0
    summary_index: int = 0
    delta: Any = None
    logprobs: list[Raw] | None = None
    item: Raw = Raw(b"null")
    response: Raw = Raw(b"null")


reply_decoder = msgspec.json.Decoder(Reply, strict=False)
item_decoder = msgspec.json.Decoder(Item, strict=False)
event_decoder = msgspec.json.Decoder(EventShape, strict=False)
