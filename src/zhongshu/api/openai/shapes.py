"""What OpenAI's requests look like to a decoder. Every field we know is checked here; those we do not know pass through
untouched."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from zhongshu.api.media import check_address, check_content, check_file
from zhongshu.core.turns import Wishes

Unit = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]


class TextPart(msgspec.Struct, tag="text", frozen=True):
    text: str


class ImageUrl(msgspec.Struct, frozen=True):
    url: str
    detail: str | None = None

    def __post_init__(self) -> None:
        check_address("url", self.url)


class ImagePart(msgspec.Struct, tag="image_url", frozen=True):
    image_url: ImageUrl


class InputAudio(msgspec.Struct, frozen=True):
    data: str
    format: str

    def __post_init__(self) -> None:
        check_content("data", self.data)


class AudioPart(msgspec.Struct, tag="input_audio", frozen=True):
    input_audio: InputAudio


class FileBody(msgspec.Struct, frozen=True):
    filename: str | None = None
    file_data: str | None = None
    file_id: str | None = None

    def __post_init__(self) -> None:
        check_file(self.file_data, self.file_id)


class FilePart(msgspec.Struct, tag="file", frozen=True):
    file: FileBody


class VideoUrl(msgspec.Struct, frozen=True):
    url: str

    def __post_init__(self) -> None:
        check_address("url", self.url)


class VideoPart(msgspec.Struct, tag="video_url", frozen=True):
    video_url: VideoUrl


class RefusalPart(msgspec.Struct, tag="refusal", frozen=True):
    refusal: str


WirePart = TextPart | ImagePart | AudioPart | VideoPart | FilePart | RefusalPart


class FunctionCall(msgspec.Struct, frozen=True):
    name: str
    arguments: str = ""


class GoogleContent(msgspec.Struct, frozen=True):
    thought_signature: str | None = None


class ExtraContent(msgspec.Struct, frozen=True):
    """Where Google's own OpenAI-compatible endpoints put the signature of a call."""

    google: GoogleContent | None = None
    vertex: GoogleContent | None = None


class WireToolCall(msgspec.Struct, frozen=True):
    id: str
    function: FunctionCall
    type: Literal["function"] = "function"
    extra_content: ExtraContent | None = None


class WireMessage(msgspec.Struct, frozen=True):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[WirePart] | None = None
    name: str | None = None
    tool_calls: list[WireToolCall] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    reasoning: Raw | UnsetType = UNSET
    reasoning_details: Raw | UnsetType = UNSET


class FunctionSpec(msgspec.Struct, frozen=True):
    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_\-.]{1,128}$")]
    description: str | None = None
    parameters: Raw | UnsetType = UNSET
    strict: bool | None = None


class WireTool(msgspec.Struct, frozen=True):
    function: FunctionSpec
    type: Literal["function"] = "function"


class NamedFunction(msgspec.Struct, frozen=True):
    name: str


class NamedTool(msgspec.Struct, frozen=True):
    function: NamedFunction
    type: Literal["function"] = "function"


class JsonSchema(msgspec.Struct, frozen=True):
    name: str = "answer"
    schema: Raw | UnsetType = UNSET
    strict: bool | None = None
    description: str | None = None


class ResponseFormat(msgspec.Struct, frozen=True):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool | None = None


ReasoningEffort = Literal["none", "off", "minimal", "low", "medium", "high", "xhigh", "max", "auto"]


class ChatRequest(msgspec.Struct, frozen=True):
    """POST /v1/chat/completions."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    messages: Annotated[list[WireMessage], Meta(min_length=1, max_length=10_000)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Unit | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: str | Annotated[list[str], Meta(max_length=16)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    tools: Annotated[list[WireTool], Meta(max_length=512)] | None = None
    tool_choice: Literal["auto", "none", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: ReasoningEffort | None = None
    user: Annotated[str, Meta(max_length=512)] | None = None
    zhongshu: Wishes | None = None


class CompletionRequest(msgspec.Struct, frozen=True):
    """POST /v1/completions."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    prompt: str | Annotated[list[Any], Meta(max_length=4096)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Count | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Unit | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: str | Annotated[list[str], Meta(max_length=16)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    user: Annotated[str, Meta(max_length=512)] | None = None
    zhongshu: Wishes | None = None


class EmbeddingRequest(msgspec.Struct, frozen=True):
    """POST /v1/embeddings."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    input: Annotated[str, Meta(min_length=1)] | Annotated[list[Any], Meta(max_length=131072)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1, le=65536)] | None = None
    user: Annotated[str, Meta(max_length=512)] | None = None
    zhongshu: Wishes | None = None
