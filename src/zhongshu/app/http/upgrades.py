"""Requests that go over to WebSocket: how they are told, and their heads as bytes again for uvicorn's own protocol."""

from __future__ import annotations

from zhongshu.app.http.heads import Header


def asks_for_websocket(headers: list[Header]) -> bool:
    """Whether the upgrade that is asked for is the one that is spoken here."""
    given = dict(headers)
    tokens = [token.strip().lower() for token in given.get(b"connection", b"").split(b",")]
    return b"upgrade" in tokens and given.get(b"upgrade", b"").lower() == b"websocket"


def upgrading_head(method: str, target: bytes, headers: list[Header]) -> bytes:
    """The head once more."""
    lines = [method.encode(), b" ", target, b" HTTP/1.1\r\n"]
    for name, value in headers:
        lines += (name, b": ", value, b"\r\n")
    return b"".join([*lines, b"\r\n"])
