"""What a Messages request looks like to a decoder (read 2026-11 in Anthropic's reference and its SDK 2.12).

Only what becomes a word of ours is named; other fields are skipped here and forwarded, byte for byte, to an upstream
of the same dialect.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from zhongshu.api.media import check_address, check_content
from zhongshu.core.turns import Wishes

Unit = Annotated[float, Meta(ge=0, le=1)]


class Base64Source(msgspec.Struct, tag="base64", frozen=True):
    media_type: str
    data: str

    def __post_init__(self) -> None:
        check_content("data", self.data)


class UrlSource(msgspec.Struct, tag="url", frozen=True):
    url: str

    def __post_init__(self) -> None:
        check_address("url", self.url)


class FileSource(msgspec.Struct, tag="file", frozen=True):
    file_id: str


class TextSource(msgspec.Struct, tag="text", frozen=True):
    data: str


class TextBlock(msgspec.Struct, tag="text", frozen=True):
    text: str


class OnlyText(msgspec.Struct, frozen=True):
    """A block where nothing but text may stand."""

    text: str
    type: Literal["text"] = "text"


class ImageBlock(msgspec.Struct, tag="image", frozen=True):
    source: Base64Source | UrlSource | FileSource


class ContentSource(msgspec.Struct, tag="content", frozen=True):
    content: str | list[TextBlock | ImageBlock]


class DocumentBlock(msgspec.Struct, tag="document", frozen=True):
    source: Base64Source | UrlSource | FileSource | TextSource | ContentSource
    title: str | None = None
    context: str | None = None


class SearchResultBlock(msgspec.Struct, tag="search_result", frozen=True):
    source: str
    title: str
    content: list[OnlyText]


class ThinkingBlock(msgspec.Struct, tag="thinking", frozen=True):
    thinking: str
    signature: str = ""


class RedactedThinkingBlock(msgspec.Struct, tag="redacted_thinking", frozen=True):
    data: str


class ToolUseBlock(msgspec.Struct, tag="tool_use", frozen=True):
    id: str
    name: str
    input: Raw


Written = TextBlock | ImageBlock | DocumentBlock | SearchResultBlock


class ToolResultBlock(msgspec.Struct, tag="tool_result", frozen=True):
    tool_use_id: str
    content: str | list[Written] | None = None
    is_error: bool | None = None


Block = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | SearchResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ToolUseBlock
    | ToolResultBlock
)
# The blocks of each place that have words of ours; others (of server tools) travel in the wire form only.
KNOWN_BLOCKS = frozenset(
    {"text", "image", "document", "search_result", "thinking", "redacted_thinking", "tool_use", "tool_result"}
)
KNOWN_IN_RESULTS = frozenset({"text", "image", "document", "search_result"})


class WireMessage(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class WireTool(msgspec.Struct, frozen=True):
    """A client's tool. A server tool has a `type` of its own and no schema; nothing of it is read."""

    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_\-.]{1,128}$")] | None = None
    description: str | None = None
    input_schema: Raw | UnsetType = UNSET
    strict: bool | None = None
    type: str | None = None


class WireToolChoice(msgspec.Struct, frozen=True):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(msgspec.Struct, frozen=True):
    """type: "enabled" (with budget_tokens), "adaptive", "disabled", "between_tools"; newer ones mean thinking too."""

    type: str
    budget_tokens: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None


class OutputFormat(msgspec.Struct, frozen=True):
    type: Literal["json_schema"]
    schema: Raw


class OutputConfig(msgspec.Struct, frozen=True):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: OutputFormat | None = None


class Metadata(msgspec.Struct, frozen=True):
    user_id: Annotated[str, Meta(max_length=1024)] | None = None


class MessagesRequest(msgspec.Struct, frozen=True):
    """POST /v1/messages. max_tokens is required there; /v1/messages/count_tokens does without."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    messages: Annotated[list[WireMessage], Meta(min_length=1, max_length=100_000)]
    max_tokens: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    system: str | list[OnlyText] | None = None
    stream: bool | None = None
    temperature: Unit | None = None
    top_p: Unit | None = None
    top_k: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    stop_sequences: Annotated[list[str], Meta(max_length=8191)] | None = None
    tools: Annotated[list[WireTool], Meta(max_length=2048)] | None = None
    tool_choice: WireToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None
    metadata: Metadata | None = None
    zhongshu: Wishes | None = None
