"""What Anthropic's replies look like to a decoder. Only what is read is named, and types are as wide as what followers
send; unknown fields are skipped here and passed on elsewhere, byte for byte."""

from __future__ import annotations

import msgspec
from msgspec import Raw


class Details(msgspec.Struct, gc=False):
    thinking_tokens: int | None = None


class UsageShape(msgspec.Struct):
    """Token counts. input_tokens leaves out what was read from or written to the cache."""

    input_tokens: int | float | None = None
    output_tokens: int | float | None = None
    cache_read_input_tokens: int | float | None = None
    cache_creation_input_tokens: int | float | None = None
    output_tokens_details: Details | None = None


class BlockShape(msgspec.Struct):
    """A block of content, whole or as it begins."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = Raw(b"{}")


class MessageShape(msgspec.Struct):
    """A message, whole or as it begins. A follower's error may stand in its place."""

    type: str = ""
    id: str | None = None
    model: str | None = None
    content: list[BlockShape] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: UsageShape | None = None


class DeltaShape(msgspec.Struct):
    """What a piece adds: to a block, or to the message."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class PieceShape(msgspec.Struct):
    """One event of a stream."""

    type: str = ""
    index: int = 0
    message: MessageShape | None = None
    content_block: BlockShape | None = None
    delta: DeltaShape | None = None
    usage: UsageShape | None = None


class ModelShape(msgspec.Struct):
    id: str


class ModelList(msgspec.Struct):
    data: list[ModelShape]
    has_more: bool = False
    last_id: str | None = None


class TokenCount(msgspec.Struct):
    input_tokens: int


message_decoder = msgspec.json.Decoder(MessageShape)
piece_decoder = msgspec.json.Decoder(PieceShape)
models_decoder = msgspec.json.Decoder(ModelList)
count_decoder = msgspec.json.Decoder(TokenCount)
