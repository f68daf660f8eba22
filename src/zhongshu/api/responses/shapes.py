"""What a request to /v1/responses looks like: every field we know, with its bounds.

Source: OpenAI's API reference (Responses) and the Open Responses specification, 2026-11. Items and tools are kept as the
exact JSON they came in, and read one by one (items.py, tools.py).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from zhongshu.api.media import check_address, check_content, check_file
from zhongshu.core.turns import Wishes

Identifier = Annotated[str, Meta(min_length=1, max_length=256)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max", "auto"]


class TextFormat(msgspec.Struct, frozen=True):
    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = None
    schema: Raw | UnsetType = UNSET
    strict: bool | None = None
    description: str | None = None


class TextConfig(msgspec.Struct, frozen=True):
    format: TextFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class Reasoning(msgspec.Struct, frozen=True):
    effort: Effort | None = None
    summary: Literal["auto", "concise", "detailed", "none"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None


class StreamOptions(msgspec.Struct, frozen=True):
    include_obfuscation: bool | None = None


class ResponsesRequest(msgspec.Struct, frozen=True):
    """POST /v1/responses."""

    model: Identifier
    input: str | Annotated[list[Raw], Meta(min_length=1, max_length=10_000)]
    instructions: str | None = None
    previous_response_id: Identifier | None = None
    conversation: Any = None
    prompt: Any = None
    store: bool | None = None
    background: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: Annotated[list[Raw], Meta(max_length=512)] | None = None
    tool_choice: Literal["auto", "none", "required"] | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    max_tool_calls: Count | None = None
    text: TextConfig | None = None
    reasoning: Reasoning | None = None
    max_output_tokens: Count | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    metadata: (
        Annotated[dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=16)]
        | None
    ) = None
    user: Annotated[str, Meta(max_length=512)] | None = None
    safety_identifier: Annotated[str, Meta(max_length=512)] | None = None
    prompt_cache_key: str | None = None
    service_tier: str | None = None
    include: Annotated[list[str], Meta(max_length=64)] | None = None
    zhongshu: Wishes | None = None


# Items --------------------------------------------------------------------------------------------------------


class InputText(msgspec.Struct, tag="input_text", frozen=True):
    text: str


class OutputText(msgspec.Struct, tag="output_text", frozen=True):
    text: str


class PlainText(msgspec.Struct, tag="text", frozen=True):
    text: str


class RefusalPart(msgspec.Struct, tag="refusal", frozen=True):
    refusal: str


class InputImage(msgspec.Struct, tag="input_image", frozen=True):
    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None

    def __post_init__(self) -> None:
        if self.image_url:
            check_address("image_url", self.image_url)


class InputFile(msgspec.Struct, tag="input_file", frozen=True):
    filename: str | None = None
    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None

    def __post_init__(self) -> None:
        check_file(self.file_data, self.file_id, self.file_url)


class SoundData(msgspec.Struct, frozen=True):
    data: str
    format: str

    def __post_init__(self) -> None:
        check_content("data", self.data)


class InputAudio(msgspec.Struct, tag="input_audio", frozen=True):
    input_audio: SoundData


class InputVideo(msgspec.Struct, tag="input_video", frozen=True):
    video_url: str

    def __post_init__(self) -> None:
        check_address("video_url", self.video_url)


ContentPart = InputText | OutputText | PlainText | RefusalPart | InputImage | InputFile | InputAudio | InputVideo


class Head(msgspec.Struct, frozen=True):
    """What tells an item's type. A message may leave its type out."""

    type: str | None = None
    role: str | None = None
    id: str | None = None

    @property
    def kind(self) -> str:
        return self.type or ("message" if self.role else "item_reference" if self.id else "")


class MessageItem(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[ContentPart] = ""


class FunctionCallItem(msgspec.Struct, frozen=True):
    """thought_signature: ours, for a provider that signs the thought behind a call; handed back unchanged."""

    call_id: Identifier
    name: Identifier
    arguments: str = ""
    thought_signature: str | None = None


class FunctionOutputItem(msgspec.Struct, frozen=True):
    call_id: Identifier
    output: str | list[ContentPart]


class ThoughtPart(msgspec.Struct, frozen=True):
    text: str = ""


class ReasoningItem(msgspec.Struct, frozen=True):
    summary: list[ThoughtPart] | None = None
    content: list[ThoughtPart] | None = None
    encrypted_content: str | None = None


class ReferenceItem(msgspec.Struct, frozen=True):
    id: Identifier


# Tools --------------------------------------------------------------------------------------------------------


class ToolHead(msgspec.Struct, frozen=True):
    type: str


class FunctionTool(msgspec.Struct, frozen=True):
    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_\-.]{1,128}$")]
    description: str | None = None
    parameters: Raw | UnsetType = UNSET
    strict: bool | None = None
