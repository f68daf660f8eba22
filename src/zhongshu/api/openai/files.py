"""/v1/files: files kept for later - the input of a batch, a document that a chat names. Uploads go to the disk as they
arrive; nothing of them is held in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from zhongshu.api.asgi import MORE_TIME, ClientLeft
from zhongshu.api.multipart import FormReader, PartHead
from zhongshu.api.openai.resource import Resource, Visit, limit_of, listed, seconds
from zhongshu.core.problems import Fault, Said, fault
from zhongshu.files.shelf import FileShelf, Upload
from zhongshu.files.store import StoredFile
from zhongshu.pipeline.stages import Rooms

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
_MOST_LISTED = 10_000
_LONGEST_FIELD = 1024
_FORM_BYTES = 64 * 1024
_EXPIRY_S = (3600, 2_592_000)


def files_resource(shelf: FileShelf, rooms: Callable[[], Rooms]) -> Resource:
    """An ASGI callable for /v1/files and what is under it."""
    files = _Files(shelf)
    return Resource(
        "/v1/files",
        rooms,
        {
            ("POST", ""): files.create,
            ("GET", ""): files.list,
            ("GET", "*"): files.show,
            ("DELETE", "*"): files.delete,
            ("GET", "*/content"): files.content,
        },
    )


def file_object(file: StoredFile) -> dict[str, Any]:
    """OpenAI's file object."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": seconds(file.created_ns),
        "expires_at": seconds(file.expires_ns),
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
        "zhongshu": {"sha256": file.sha256},
    }


class _Files:
    def __init__(self, shelf: FileShelf) -> None:
        self._shelf = shelf

    async def create(self, visit: Visit) -> None:
        limit = self._shelf.limits.max_file_bytes
        declared = visit.headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > limit + _FORM_BYTES:
            raise fault("file_too_large", limit=limit)
        reader = FormReader(visit.headers.get(b"content-type", b""))
        upload = await self._shelf.begin(visit.caller.tenant)
        try:
            form = await _received(visit, reader, upload)
            kept = await self._shelf.keep(
                upload,
                key_id=visit.caller.key_id,
                purpose=form.purpose(),
                filename=form.filename(),
                expires_s=form.expires_s(),
            )
        finally:
            upload.discard()
        await visit.reply(file_object(kept))

    async def list(self, visit: Visit) -> None:
        query = visit.query()
        limit = limit_of(query, _MOST_LISTED, _MOST_LISTED)
        order = query.get("order", "desc")
        if order not in ("asc", "desc"):
            raise fault("invalid_value", param="order", field="order", why=Said("give asc or desc", "应为 asc 或 desc"))
        rows = await self._shelf.page(
            visit.caller.tenant,
            purpose=query.get("purpose"),
            after=query.get("after"),
            limit=limit + 1,
            newest=order == "desc",
        )
        await visit.reply(listed([file_object(row) for row in rows], limit))

    async def show(self, visit: Visit) -> None:
        await visit.reply(file_object(await self._shelf.get(visit.caller.tenant, visit.rest[0])))

    async def delete(self, visit: Visit) -> None:
        await self._shelf.delete(visit.caller.tenant, visit.rest[0])
        await visit.reply({"id": visit.rest[0], "object": "file", "deleted": True})

    async def content(self, visit: Visit) -> None:
        file = await self._shelf.get(visit.caller.tenant, visit.rest[0])
        pieces = self._shelf.pieces(file)
        first = await anext(pieces, b"")  # a file that has just gone is said so before the reply begins
        headers = [
            (b"content-type", b"application/octet-stream"),
            (b"content-length", b"%d" % file.bytes),
            (b"content-disposition", f"attachment; filename*=UTF-8''{quote(file.filename)}".encode()),
            (b"x-content-type-options", b"nosniff"),
        ]
        await visit.send({"type": "http.response.start", "status": 200, "headers": headers})
        await visit.send({"type": "http.response.body", "body": first, "more_body": True})
        async for piece in pieces:
            await visit.send({"type": "http.response.body", "body": piece, "more_body": True})
        await visit.send({"type": "http.response.body", "body": b""})


class _Form:
    """The fields of an upload, once all have arrived."""

    def __init__(self) -> None:
        self.fields: dict[str, bytes] = {}
        self.file: PartHead | None = None

    def purpose(self) -> str:
        purpose = self.fields.get("purpose", b"").decode("utf-8", "replace")
        if not purpose:
            raise fault("missing_field", param="purpose", field="purpose")
        if purpose not in PURPOSES:
            words = ", ".join(PURPOSES)
            why = Said(f"it must be one of {words}", f"须为以下之一：{words}")
            raise fault("invalid_value", param="purpose", field="purpose", why=why)
        return purpose

    def filename(self) -> str:
        if self.file is None:
            raise fault("missing_field", param="file", field="file")
        name = (self.file.filename or "").replace("\\", "/").rsplit("/", 1)[-1]
        return "".join(character for character in name if character.isprintable())[:255] or "file"

    def expires_s(self) -> float | None:
        given, anchor = self.fields.get("expires_after[seconds]"), self.fields.get("expires_after[anchor]")
        if given is None and anchor is None:
            return None
        if anchor not in (None, b"created_at"):
            raise _bad_expiry("anchor", "the anchor must be created_at", "anchor 须为 created_at")
        least, most = _EXPIRY_S
        if given is None or not given.isdigit() or not least <= int(given) <= most:
            raise _bad_expiry("seconds", f"give {least} to {most} seconds", f"应为 {least} 到 {most} 秒")
        return float(given)


def _bad_expiry(part: str, en: str, zh: str) -> Fault:
    field = f"expires_after[{part}]"
    return fault("invalid_value", param=field, field=field, why=Said(en, zh))


async def _received(visit: Visit, reader: FormReader, upload: Upload) -> _Form:
    """Take in the whole form: its file into `upload`, its fields into memory, within a size."""
    form = _Form()
    name, in_file = "", False
    while True:
        message = await visit.receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        for piece in reader.feed(message.get("body", b"")):
            if isinstance(piece, PartHead):
                name, in_file = piece.name, piece.filename is not None and piece.name == "file"
                if in_file:
                    _only_one(form)
                    form.file = piece
                else:
                    form.fields[name] = b""
            elif isinstance(piece, bytes):
                if in_file:
                    await upload.write(piece)
                else:
                    form.fields[name] = _bounded(name, form.fields[name] + piece)
        if not message.get("more_body"):
            reader.finish()
            return form
        more_time = visit.scope.get(MORE_TIME)
        if more_time is not None:
            more_time()


def _only_one(form: _Form) -> None:
    if form.file is not None:
        raise fault(
            "invalid_value", param="file", field="file", why=Said("send one file at a time", "一次只能上传一个文件")
        )


def _bounded(name: str, value: bytes) -> bytes:
    if len(value) > _LONGEST_FIELD:
        field = name[:64]
        why = Said(f"it is longer than {_LONGEST_FIELD} bytes", f"超过 {_LONGEST_FIELD} 字节")
        raise fault("invalid_value", param=field, field=field, why=why)
    return value
