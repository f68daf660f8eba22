"""What OpenAI's replies look like to a decoder, with every spelling its followers are known to use.

Only what is read is named; unknown fields are skipped here and passed on elsewhere, byte for byte. Types are as wide
as what has been seen: null where a value belongs, numbers as floats, content as parts.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.core.signatures import signed


class Function(msgspec.Struct, gc=False):
    """A function's name and (a piece of) its arguments. Ollama of 2024 and some proxies send arguments as an object."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class Proof(msgspec.Struct, gc=False):
    thought_signature: str | None = None


class ExtraContent(msgspec.Struct):
    """What Google puts on a call: the signature it wants back. Vertex has a name of its own for it."""

    google: Proof | None = None
    vertex: Proof | None = None


class ToolCallShape(msgspec.Struct):
    """A tool call, or a piece of one."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None
    extra_content: ExtraContent | None = None

    def signature(self) -> str | None:
        """In our words."""
        extra = self.extra_content
        proof = (extra.google or extra.vertex) if extra is not None else None
        return signed("gemini", proof.thought_signature) if proof is not None else None


class Part(msgspec.Struct):
    """A piece of content written as a list (Mistral: text parts and thinking parts)."""

    type: str = ""
    text: str | None = None
    thinking: list[Part] | str | None = None


class Detail(msgspec.Struct, gc=False):
    """One of OpenRouter's reasoning_details: reasoning.text, reasoning.summary or reasoning.encrypted."""

    type: str = ""
    text: str | None = None
    summary: str | None = None
    data: str | None = None
    signature: str | None = None


class Message(msgspec.Struct):
    """An assistant message, or the delta of one."""

    content: str | list[Part] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Detail] | None = None
    tool_calls: list[ToolCallShape] | None = None
    function_call: Function | None = None
    refusal: str | None = None


class Logprobs(msgspec.Struct):
    """Log-probabilities: chat's list of token entries. The completion endpoint's arrays are not read."""

    content: list[Raw] | None = None


class PromptDetails(msgspec.Struct, gc=False):
    cached_tokens: float | None = None


class CompletionDetails(msgspec.Struct, gc=False):
    reasoning_tokens: float | None = None


class UsageShape(msgspec.Struct):
    """Token counts. `prompt_cache_hit_tokens` is DeepSeek's, a bare `cached_tokens` Moonshot's."""

    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    total_tokens: float | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: float | None = None
    cached_tokens: float | None = None
    reasoning_tokens: float | None = None


class ChoiceShape(msgspec.Struct):
    """One choice of a chat or completion, whole (`message`, `text`) or in part (`delta`, `text`). Moonshot puts the
    usage of a stream inside its last choice."""

    index: int | None = None
    delta: Message | None = None
    message: Message | None = None
    text: str | None = None
    finish_reason: str | None = None
    logprobs: Logprobs | None = None
    usage: UsageShape | None = None


class Reply(msgspec.Struct):
    """A whole chat or completion, or one chunk of a stream. `error`, `code` and `message` are set when it is none."""

    id: str | None = None
    object: str | None = None
    model: str | None = None
    choices: list[ChoiceShape] | None = None
    usage: UsageShape | None = None
    error: Any = None
    message: Any = None


class Vector(msgspec.Struct):
    """One embedding: numbers, or float32 in little-endian Base64."""

    embedding: list[float] | str
    index: int | None = None


class EmbeddingReply(msgspec.Struct):
    """The reply of the embedding endpoint."""

    data: list[Vector] | None = None
    model: str | None = None
    usage: UsageShape | None = None
    error: Any = None


class ListedModel(msgspec.Struct, gc=False):
    id: str


class ModelList(msgspec.Struct):
    """The reply of the models endpoint."""

    data: list[ListedModel]


reply_decoder = msgspec.json.Decoder(Reply, strict=False)
embedding_decoder = msgspec.json.Decoder(EmbeddingReply)
models_decoder = msgspec.json.Decoder(ModelList)
