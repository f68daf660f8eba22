"""Answers -> Google's bodies, with the `zhongshu` object beside what the upstream said.

An answer that still has its exact upstream body in this dialect is passed on as it is, with our object spliced in.
Thoughts are shown to those who ask for them (`includeThoughts`), as Google does; a signed thought always goes out,
because it has to come back.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.api.extra import Extra, splice
from zhongshu.api.gemini.parts import FINISH, MALFORMED, call_part, logprobs_result, mean_logprob, usage_metadata
from zhongshu.api.gemini.request import GENERATE
from zhongshu.core.answers import Answer, Choice, Embeddings, Usage
from zhongshu.core.signatures import leaving
from zhongshu.core.turns import Turn

_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, Raw]).decode


def body_of(turn: Turn, answer: Answer, usage: Usage, extra: Extra, *, thoughts: bool) -> bytes:
    """A GenerateContentResponse."""
    if answer.wire is not None and answer.dialect == GENERATE:
        wire = answer.wire if answer.usage is not None else with_usage(answer.wire, usage)
        spliced = splice(wire, extra)
        if spliced is not None:
            return spliced
    return _encode(
        {
            "candidates": [_candidate(choice, thoughts=thoughts) for choice in answer.choices],
            "usageMetadata": usage_metadata(usage),
            "modelVersion": turn.model,
            "responseId": turn.trace,
            "zhongshu": extra,
        }
    )


def with_usage(wire: bytes, usage: Usage) -> bytes:
    """An upstream's body that says nothing of tokens, with what we counted."""
    fields: dict[str, Any] = dict(_fields(wire))
    if "usageMetadata" in fields:
        return wire
    return _encode({**fields, "usageMetadata": usage_metadata(usage)})


def embeddings_body(answer: Embeddings, extra: Extra, *, batch: bool) -> bytes:
    """An EmbedContentResponse, or a BatchEmbedContentsResponse."""
    vectors = [{"values": vector} for vector in answer.vectors]
    said: dict[str, Any] = {"embeddings": vectors} if batch else {"embedding": vectors[0] if vectors else {}}
    return _encode({**said, "zhongshu": extra})


def _candidate(choice: Choice, *, thoughts: bool) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    text_signature = None
    for block in choice.blocks():
        if not block.text and block.signature and not block.redacted:
            text_signature = leaving(block.signature, "gemini")
        elif thoughts or block.signature:
            part: dict[str, Any] = {"text": block.text, "thought": True}
            proof = {"thoughtSignature": leaving(block.signature, "gemini")} if block.signature else {}
            parts.append(part | proof)
    text = choice.text + (choice.refusal or "")
    if text or text_signature:
        parts.append({"text": text} | ({"thoughtSignature": text_signature} if text_signature else {}))
    calls = [call_part(call) for call in choice.tool_calls]
    parts += [call for call in calls if call is not None]
    candidate: dict[str, Any] = {
        "content": {"parts": parts, "role": "model"},
        "finishReason": MALFORMED if None in calls else FINISH[choice.stop],
        "index": choice.index,
    }
    if choice.logprobs:
        candidate["avgLogprobs"] = mean_logprob(choice.logprobs)
        candidate["logprobsResult"] = logprobs_result(choice.logprobs)
    return candidate
