"""What a client may say over the WebSocket, and how what it is told is written."""

from __future__ import annotations

from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Raw

from zhongshu.api.decoding import BodyDecoder
from zhongshu.api.openai.errors import error_body
from zhongshu.core.problems import Problem

Id = Annotated[str, Meta(min_length=1, max_length=128)]


class Auth(msgspec.Struct, frozen=True, tag="auth"):
    """The key, for clients that cannot send headers. The first message, or none."""

    key: Annotated[str, Meta(min_length=1, max_length=512)]


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Begin a turn. id: the client's own name for it; body: that of POST /v1/chat/completions."""

    id: Id
    body: Raw


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Stop a turn."""

    id: Id


class Resume(msgspec.Struct, frozen=True, tag="resume"):
    """Go on with a turn of a connection that broke. turn: its trace; after: the last `seq` that was seen."""

    id: Id
    turn: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    after: Annotated[int, Meta(ge=0)] = 0


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Are you there?"""


Heard = Auth | Ask | Cancel | Resume | Ping


_decode = BodyDecoder(cast("type[Heard]", Heard))
_encode = msgspec.json.Encoder().encode


def hear(text: bytes) -> Heard:
    """Decode a message. Raises the Fault that names the field and what is wrong with it."""
    return _decode(text)


def say(kind: str, **fields: Any) -> str:
    """A message to the client."""
    return _encode({"type": kind, **fields}).decode()


def piece(kind: str, id: str, seq: int, payload: bytes) -> str:
    """A numbered message of a turn. payload: of a delta the chunk, of others an object whose fields stand beside."""
    head = _encode({"type": kind, "id": id, "seq": seq})[:-1]
    if kind == "delta":
        return (b'%b,"chunk":%b}' % (head, payload)).decode()
    return (b"%b,%b" % (head, payload[1:]) if payload else head + b"}").decode()


def error(problem: Problem, *, chinese: bool, id: str | None = None, trace: str = "") -> str:
    """An error as a message: OpenAI's error object beside its type."""
    head = _encode({"type": "error", "id": id})[:-1]
    return (b"%b,%b" % (head, error_body(problem, chinese=chinese, trace=trace)[1:])).decode()
