"""What Google's requests look like to a decoder, in the second of its two spellings (see spelling.py).

Only what is read is named. A list of one may be written without its brackets, as Google's own examples do.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from zhongshu.api.media import check_content
from zhongshu.core.turns import Wishes

Unit = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]


class Blob(msgspec.Struct, frozen=True, rename="camel"):
    data: str
    mime_type: str = ""
    display_name: str | None = None

    def __post_init__(self) -> None:
        check_content("data", self.data)


class FileData(msgspec.Struct, frozen=True, rename="camel"):
    file_uri: str
    mime_type: str | None = None
    display_name: str | None = None


class FunctionCall(msgspec.Struct, frozen=True):
    name: str
    args: Raw | UnsetType = UNSET
    id: str | None = None


class FunctionResponsePart(msgspec.Struct, frozen=True, rename="camel"):
    inline_data: Blob | None = None
    file_data: FileData | None = None


class FunctionResponse(msgspec.Struct, frozen=True):
    name: str
    response: Raw | UnsetType = UNSET
    id: str | None = None
    parts: list[FunctionResponsePart] | None = None


class Code(msgspec.Struct, frozen=True):
    """Code that Google's own tool runs, or what came of it."""

    code: str = ""
    language: str = ""
    output: str = ""


class PartIn(msgspec.Struct, frozen=True, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    executable_code: Code | None = None
    code_execution_result: Code | None = None
    video_metadata: Raw | UnsetType = UNSET
    tool_call: Raw | UnsetType = UNSET
    tool_response: Raw | UnsetType = UNSET


class Content(msgspec.Struct, frozen=True):
    parts: list[PartIn] | PartIn | None = None
    role: str | None = None


class FunctionDeclaration(msgspec.Struct, frozen=True, rename="camel"):
    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_\-.:]{1,128}$")]
    description: str | None = None
    parameters: Raw | UnsetType = UNSET
    parameters_json_schema: Raw | UnsetType = UNSET


class ToolIn(msgspec.Struct, frozen=True, rename="camel"):
    function_declarations: list[FunctionDeclaration] | FunctionDeclaration | None = None


class FunctionCallingConfig(msgspec.Struct, frozen=True, rename="camel"):
    mode: str = "AUTO"
    allowed_function_names: list[str] | None = None


class ToolConfig(msgspec.Struct, frozen=True, rename="camel"):
    function_calling_config: FunctionCallingConfig | None = None


class ThinkingConfig(msgspec.Struct, frozen=True, rename="camel"):
    include_thoughts: bool | None = None
    thinking_budget: Annotated[int, Meta(ge=-1, le=10_000_000)] | None = None
    thinking_level: str | None = None


class GenerationConfig(msgspec.Struct, frozen=True, rename="camel"):
    candidate_count: Annotated[int, Meta(ge=1, le=128)] | None = None
    stop_sequences: Annotated[list[str], Meta(max_length=16)] | None = None
    max_output_tokens: Count | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Unit | None = None
    top_k: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    response_mime_type: str | None = None
    response_schema: Raw | UnsetType = UNSET
    response_json_schema: Raw | UnsetType = UNSET
    response_logprobs: bool | None = None
    logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    thinking_config: ThinkingConfig | None = None
    response_modalities: list[str] | None = None


class GenerateRequest(msgspec.Struct, frozen=True, rename="camel"):
    """The body of generateContent and streamGenerateContent."""

    contents: Annotated[list[Content], Meta(min_length=1, max_length=10_000)] | Content
    system_instruction: Content | str | None = None
    tools: list[ToolIn] | ToolIn | None = None
    tool_config: ToolConfig | None = None
    generation_config: GenerationConfig | None = None
    cached_content: str | None = None
    zhongshu: Wishes | None = None


class CountRequest(msgspec.Struct, frozen=True, rename="camel"):
    """The body of countTokens: contents, or a whole request."""

    contents: Annotated[list[Content], Meta(min_length=1, max_length=10_000)] | Content | None = None
    generate_content_request: GenerateRequest | None = None
    system_instruction: Content | str | None = None
    tools: list[ToolIn] | ToolIn | None = None


class EmbedRequest(msgspec.Struct, frozen=True, rename="camel"):
    """The body of embedContent, and one of batchEmbedContents' requests."""

    content: Content
    output_dimensionality: Annotated[int, Meta(ge=1, le=65536)] | None = None
    zhongshu: Wishes | None = None


class BatchEmbedRequest(msgspec.Struct, frozen=True):
    """The body of batchEmbedContents."""

    requests: Annotated[list[EmbedRequest], Meta(min_length=1, max_length=4096)]
    zhongshu: Wishes | None = None
