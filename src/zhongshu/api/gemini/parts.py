"""Pieces of an answer in Google's words: reasons to stop, usage, calls, probabilities."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.core.answers import Stop, Usage
from zhongshu.core.signatures import leaving
from zhongshu.core.turns import ToolCall

_encode = msgspec.json.Encoder().encode

# Google stops a turn of calls as it stops any other.
FINISH: dict[Stop, str] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
    "error": "OTHER",
}
MALFORMED = "MALFORMED_FUNCTION_CALL"


class Top(msgspec.Struct, frozen=True):
    """One of the tokens that might have stood there."""

    token: str
    logprob: float


class Entry(msgspec.Struct, frozen=True):
    """OpenAI's entry of a token's log-probability, as our words keep it."""

    token: str
    logprob: float
    top_logprobs: list[Top] = []


_entry = msgspec.json.Decoder(Entry).decode


def usage_metadata(usage: Usage) -> dict[str, int]:
    """Google counts thoughts beside the candidates' tokens, we count them among them."""
    said = {
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": usage.completion - usage.thinking,
        "totalTokenCount": usage.total,
    }
    if usage.cached:
        said["cachedContentTokenCount"] = usage.cached
    if usage.thinking:
        said["thoughtsTokenCount"] = usage.thinking
    return said


def call_part(call: ToolCall) -> dict[str, Any] | None:
    """A functionCall part; None when its arguments are no JSON object, which Google's form cannot hold."""
    try:
        fields = msgspec.json.decode(call.arguments or "{}", type=dict[str, Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    part: dict[str, Any] = {"functionCall": {"id": call.id, "name": call.name, "args": fields}}
    return part | {"thoughtSignature": leaving(call.signature, "gemini")} if call.signature else part


def logprobs_result(entries: tuple[Raw, ...]) -> dict[str, Any]:
    """Google's logprobsResult."""
    read = [_entry(entry) for entry in entries]
    return {
        "chosenCandidates": [_candidate(entry) for entry in read],
        "topCandidates": [{"candidates": [_candidate(top) for top in entry.top_logprobs]} for entry in read],
    }


def mean_logprob(entries: tuple[Raw, ...]) -> float:
    """The mean of what was chosen."""
    return sum(_entry(entry).logprob for entry in entries) / len(entries)


def _candidate(entry: Entry | Top) -> dict[str, Any]:
    return {"token": entry.token, "logProbability": entry.logprob}


def text_json(text: str) -> bytes:
    """A text as JSON."""
    return _encode(text)
