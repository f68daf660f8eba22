"""A chat that names a file kept here gets the file's content instead, so that any upstream can read it.

An id that is not one of the tenant's files is left as it is: it may be the upstream's own. The record keeps the request
as it came, with the id.
"""

from __future__ import annotations

import mimetypes
from base64 import b64encode
from typing import Any, cast

import msgspec
from msgspec import Raw

from zhongshu.api.endpoint import Asked
from zhongshu.api.openai.dialect import OpenAIAsked
from zhongshu.core.access import Caller
from zhongshu.core.problems import Fault, Said, fault
from zhongshu.core.turns import File, Message, Part
from zhongshu.files.shelf import FileShelf

NAMED = b'"file_id"'
"""A body without these bytes names no file."""

_encode = msgspec.json.Encoder().encode


class Filing:
    """Puts the files of a shelf into chats."""

    def __init__(self, shelf: FileShelf) -> None:
        self._shelf = shelf

    async def filled(self, asked: Asked, caller: Caller) -> Asked:
        """The request with the content of the files it names. Raises the Fault of one that is too large."""
        if not isinstance(asked, OpenAIAsked) or asked.turn.kind != "chat":
            return asked
        turn = asked.turn
        found: dict[str, File] = {}
        for name in dict.fromkeys(_named(turn.messages)):
            file = await self._read(caller.tenant, name)
            if file is not None:
                found[name] = file
        if not found:
            return asked
        wire = turn.wire
        if wire is not None:
            fields = {**wire.fields, "messages": _written(wire.fields["messages"], found)}
            wire = msgspec.structs.replace(wire, fields=fields)
        more = sum(len(file.data or "") for file in found.values())
        messages = tuple([_with(message, found) for message in turn.messages])
        turn = msgspec.structs.replace(turn, messages=messages, wire=wire, body_bytes=turn.body_bytes + more)
        return msgspec.structs.replace(asked, turn=turn)

    async def _read(self, tenant: str, id: str) -> File | None:
        try:
            file = await self._shelf.get(tenant, id)
        except Fault:
            return None
        limit = self._shelf.limits.inline_bytes
        if file.bytes > limit:
            why = Said(
                f"the file is larger than {limit} bytes; send less, or raise `files.inline_bytes`",
                f"文件超过 {limit} 字节；请减少内容，或调高 `files.inline_bytes`",
            )
            raise fault("invalid_value", param="file_id", field="file_id", why=why)
        data = b"".join([piece async for piece in self._shelf.pieces(file)])
        kind = mimetypes.guess_type(file.filename)[0] or "application/octet-stream"
        return File(file.filename, f"data:{kind};base64,{b64encode(data).decode()}", media_type=kind)


def _named(messages: tuple[Message, ...]) -> list[str]:
    parts = (part for message in messages if not isinstance(message.content, str) for part in message.content)
    return [part.id for part in parts if isinstance(part, File) and part.id is not None]


def _with(message: Message, found: dict[str, File]) -> Message:
    if isinstance(message.content, str):
        return message
    content: tuple[Part, ...] = tuple(
        [found.get(part.id or "", part) if isinstance(part, File) else part for part in message.content]
    )
    return msgspec.structs.replace(message, content=content)


def _written(messages: Raw, found: dict[str, File]) -> Raw:
    """The messages as they came, with `file_data` and `filename` in place of each `file_id`."""
    rows = msgspec.json.decode(messages, type=list[dict[str, Any]])
    for row in rows:
        content: object = row.get("content")
        for part in cast("list[dict[str, Any]]", content) if isinstance(content, list) else ():
            named = part.get("file") if part.get("type") == "file" else None
            file = found.get(named.pop("file_id", "")) if named and named.get("file_id") in found else None
            if named is not None and file is not None:
                named |= {"filename": named.get("filename") or file.name, "file_data": file.data}
    return Raw(_encode(rows))
