"""The scripted upstream's other endpoints: rerank, moderations, speech, transcription, translation, pictures.

Deterministic, as the rest: what comes back follows from what was sent. Knows no HTTP.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import msgspec

from zhongshu.upstreams.scripted.script import Behaviour

PATHS = (
    "/rerank",
    "/moderations",
    "/audio/speech",
    "/audio/transcriptions",
    "/audio/translations",
    "/images/generations",
    "/images/edits",
)
_FIELD = re.compile(rb'name="([\w\[\]]+)"(; filename="[^"]*")?[^\r]*\r\n(?:[^\r]+\r\n)*\r\n(.*?)\r\n--', re.S)
_WORD = re.compile(r"\w", re.UNICODE)
_PNG = b"\x89PNG\r\n\x1a\n"
_encode = msgspec.json.Encoder().encode


class Said(msgspec.Struct):
    """A reply. `pieces` is set for one that comes piece by piece."""

    content_type: str
    body: bytes = b""
    pieces: tuple[bytes, ...] = ()


def fields_of(body: bytes, content_type: str) -> dict[str, Any]:
    """What was sent, of a JSON body or a form; files as bytes. Raises msgspec.DecodeError."""
    if "multipart" not in content_type:
        return msgspec.json.decode(body, type=dict[str, Any])
    found: dict[str, Any] = {}
    for name, filename, value in _FIELD.findall(body):
        found[name.decode()] = value if filename else value.decode()
    return found


def reply(path: str, fields: dict[str, Any], behaviour: Behaviour) -> Said:
    """The reply of one of the other endpoints."""
    usage = None if behaviour.usage == "missing" else behaviour
    if path == "/rerank":
        return _json(_reranked(fields, usage is not None))
    if path == "/moderations":
        return _json(_moderated(fields))
    if path == "/audio/speech":
        return _spoken(fields, usage is not None)
    if path.startswith("/images"):
        return _drawn(path, fields, usage is not None)
    return _heard(fields, behaviour, usage is not None)


def _json(value: object) -> Said:
    return Said("application/json", _encode(value))


def _reranked(fields: dict[str, Any], counted: bool) -> dict[str, Any]:
    """Scored by the share of the query's characters that a document holds."""
    wanted = set(_WORD.findall(fields["query"].lower()))
    texts = [d if isinstance(d, str) else d["text"] for d in fields["documents"]]
    scores = [len(wanted & set(_WORD.findall(text.lower()))) / max(len(wanted), 1) for text in texts]
    order = sorted(range(len(texts)), key=lambda n: (-scores[n], n))[: fields.get("top_n") or len(texts)]
    results = [{"index": n, "document": {"text": texts[n]}, "relevance_score": scores[n]} for n in order]
    answer: dict[str, Any] = {"id": "rerank-mock", "model": fields["model"], "results": results}
    tokens = sum(map(len, texts)) // 4 + 1
    if counted:
        answer["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    return answer


def _moderated(fields: dict[str, Any]) -> dict[str, Any]:
    given = fields["input"]
    items: list[Any] = [given] if isinstance(given, str) else given
    results = [
        {
            "flagged": "attack" in str(item),
            "categories": {"violence": "attack" in str(item)},
            "category_scores": {"violence": 0.9 if "attack" in str(item) else 0.0},
        }
        for item in items
    ]
    return {"id": "modr-mock", "model": fields["model"], "results": results}


def _spoken(fields: dict[str, Any], counted: bool) -> Said:
    """Bytes drawn from the text, 1,000 for each character."""
    sound = [hashlib.shake_256(character.encode()).digest(1000) for character in fields["input"]]
    if fields.get("stream_format") != "sse":
        return Said(f"audio/{fields.get('response_format') or 'mpeg'}", pieces=tuple(sound))
    events = [{"type": "speech.audio.delta", "audio": b64encode(piece).decode()} for piece in sound]
    done: dict[str, Any] = {"type": "speech.audio.done"}
    if counted:
        made = len(sound)
        done["usage"] = {"input_tokens": made, "output_tokens": 10 * made, "total_tokens": 11 * made}
    return Said("text/event-stream", pieces=tuple(_events([*events, done])))


def _heard(fields: dict[str, Any], behaviour: Behaviour, counted: bool) -> Said:
    """The behaviour's text, and how many bytes of sound there were."""
    text = f"{behaviour.text} ({len(fields['file'])} bytes)"
    usage = {"type": "tokens", "input_tokens": 20, "output_tokens": len(text), "total_tokens": 20 + len(text)}
    if str(fields.get("stream")).lower() in ("true", "1"):
        size = max(behaviour.piece_characters, 1)
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        deltas = [{"type": "transcript.text.delta", "delta": piece} for piece in pieces]
        done = {"type": "transcript.text.done", "text": text, **({"usage": usage} if counted else {})}
        return Said("text/event-stream", pieces=tuple(_events([*deltas, done])))
    if fields.get("response_format") == "text":
        return Said("text/plain; charset=utf-8", (text + "\n").encode())
    return _json({"text": text, **({"usage": usage} if counted else {})})


def _drawn(path: str, fields: dict[str, Any], counted: bool) -> Said:
    seed = f"{path} {fields['prompt']}".encode()
    picture = b64encode(_PNG + hashlib.shake_256(seed).digest(200)).decode()
    answer: dict[str, Any] = {"created": 1_767_225_600, "data": [{"b64_json": picture}] * int(fields.get("n") or 1)}
    if counted:
        details = {"image_tokens": 0, "text_tokens": 5}
        answer["usage"] = {
            "input_tokens": 5,
            "output_tokens": 100,
            "total_tokens": 105,
            "input_tokens_details": details,
        }
    return _json(answer)


def _events(values: list[dict[str, Any]]) -> Iterator[bytes]:
    for value in values:
        yield b"data: %b\n\n" % _encode(value)
