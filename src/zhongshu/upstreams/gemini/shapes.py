"""What Google's replies look like to a decoder. Only what is read is named; the rest is passed on byte for byte."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType


class FunctionCall(msgspec.Struct, gc=False):
    name: str = ""
    args: Raw | UnsetType = UNSET
    id: str | None = None


class Blob(msgspec.Struct, gc=False, rename="camel"):
    mime_type: str = ""
    data: str = ""


class Code(msgspec.Struct, gc=False):
    """Code that Google ran, or what came of it."""

    language: str = ""
    code: str = ""
    output: str = ""


class PartShape(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    inline_data: Blob | None = None
    executable_code: Code | None = None
    code_execution_result: Code | None = None


class Content(msgspec.Struct):
    parts: list[PartShape] | None = None


class Token(msgspec.Struct, rename="camel"):
    token: str = ""
    log_probability: float = 0.0


class Tops(msgspec.Struct):
    candidates: list[Token] | None = None


class LogprobsResult(msgspec.Struct, rename="camel"):
    chosen_candidates: list[Token] | None = None
    top_candidates: list[Tops] | None = None


class Candidate(msgspec.Struct, rename="camel"):
    index: int | None = None
    content: Content | None = None
    finish_reason: str | None = None
    logprobs_result: LogprobsResult | None = None


class Modality(msgspec.Struct, gc=False, rename="camel"):
    """The tokens of one kind of content: TEXT, IMAGE, VIDEO, AUDIO or DOCUMENT."""

    modality: str = ""
    token_count: int = 0


class UsageMetadata(msgspec.Struct, rename="camel"):
    """`candidatesTokenCount` does not hold `thoughtsTokenCount`; `promptTokenCount` does hold the cached tokens."""

    prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0
    cached_content_token_count: int = 0
    tool_use_prompt_token_count: int = 0
    prompt_tokens_details: list[Modality] | None = None
    cache_tokens_details: list[Modality] | None = None
    candidates_tokens_details: list[Modality] | None = None


class PromptFeedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class Reply(msgspec.Struct, rename="camel"):
    """A whole answer, or one piece of a stream: both have the same form. `error` is set when it is none."""

    candidates: list[Candidate] | None = None
    usage_metadata: UsageMetadata | None = None
    prompt_feedback: PromptFeedback | None = None
    model_version: str | None = None
    error: Any = None


class Vector(msgspec.Struct):
    values: list[float]


class Vectors(msgspec.Struct, rename="camel"):
    """The reply of batchEmbedContents."""

    embeddings: list[Vector] | None = None
    usage_metadata: UsageMetadata | None = None


class Counted(msgspec.Struct, rename="camel"):
    """The reply of countTokens."""

    total_tokens: int


class ListedModel(msgspec.Struct, gc=False):
    name: str


class ModelList(msgspec.Struct):
    models: list[ListedModel] = []


reply_decoder = msgspec.json.Decoder(Reply, strict=False)
vectors_decoder = msgspec.json.Decoder(Vectors, strict=False)
count_decoder = msgspec.json.Decoder(Counted)
models_decoder = msgspec.json.Decoder(ModelList)
