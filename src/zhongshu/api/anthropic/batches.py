"""/v1/messages/batches: many messages answered in the background, in Anthropic's form, by the room that runs every batch.

The requests are laid down as an input file like OpenAI's, so that one runner, one spool and one recovery serve both.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from zhongshu.api.anthropic.asking import refuse
from zhongshu.api.anthropic.dialect import credential_of
from zhongshu.api.anthropic.errors import AnthropicHead, error_body
from zhongshu.api.asgi import App, read_body
from zhongshu.api.decoding import BodyDecoder
from zhongshu.api.openai.resource import Resource, Visit, limit_of
from zhongshu.batches.desk import BatchDesk
from zhongshu.batches.values import ENDED, Batch, new_id
from zhongshu.core.problems import Fault, Said, fault, problem
from zhongshu.files.shelf import FileShelf
from zhongshu.pipeline.stages import Rooms

PREFIX = "/v1/messages/batches"
ENDPOINT = "/v1/messages"
ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
MOST_LISTED = 1000
_USUALLY_LISTED = 20
_encode = msgspec.json.Encoder().encode


class BatchedRequest(msgspec.Struct, frozen=True):
    """One of the requests: `params` is what POST /v1/messages takes."""

    custom_id: str
    params: dict[str, Raw]


class BatchesRequest(msgspec.Struct, frozen=True):
    """POST /v1/messages/batches."""

    requests: Annotated[list[BatchedRequest], Meta(min_length=1, max_length=100_000)]


class _Response(msgspec.Struct):
    status_code: int
    body: Raw


class _Line(msgspec.Struct):
    """A line of what a batch made."""

    custom_id: str
    response: _Response | None = None


class _Asked(msgspec.Struct):
    """What is read of a line of its input."""

    custom_id: str


decode = BodyDecoder(BatchesRequest)
_line = msgspec.json.Decoder(_Line).decode
_asked = msgspec.json.Decoder(_Asked).decode


def message_batches(
    desk: BatchDesk, shelf: FileShelf, rooms: Callable[[], Rooms], look: Callable[[], None], max_body_bytes: int
) -> App:
    """An ASGI callable for /v1/messages/batches and what is under it. look: tells this worker's runner of a new one."""
    batches = _Batches(desk, shelf, look, max_body_bytes)
    resource = Resource(
        PREFIX,
        rooms,
        {
            ("POST", ""): batches.create,
            ("GET", ""): batches.list,
            ("GET", "*"): batches.show,
            ("DELETE", "*"): batches.delete,
            ("POST", "*/cancel"): batches.cancel,
            ("GET", "*/results"): batches.results,
        },
        credential=credential_of,
        say=refuse,
    )
    return AnthropicHead(resource)


class _Batches:
    def __init__(self, desk: BatchDesk, shelf: FileShelf, look: Callable[[], None], max_body_bytes: int) -> None:
        self._desk = desk
        self._shelf = shelf
        self._look = look
        self._max_body_bytes = max_body_bytes

    async def create(self, visit: Visit) -> None:
        asked = decode(await read_body(visit.receive, visit.headers, self._max_body_bytes))
        _check_names(asked.requests)
        tenant, key_id = visit.caller.tenant, visit.caller.key_id
        name = new_id().replace("batch_", "file-")
        upload = await self._shelf.begin(tenant, id=name)
        try:
            for line in map(_written, asked.requests):
                await upload.write(line)
            await self._shelf.keep(upload, key_id=key_id, purpose="batch", filename="message_batch.jsonl")
        finally:
            upload.discard()
        batch = await self._desk.create(
            visit.caller, endpoint=ENDPOINT, input_file=name, window="24h",
            metadata={"requests": str(len(asked.requests))}, output_expires_s=None,
        )  # fmt: skip
        self._look()
        await visit.reply(batch_object(batch))

    async def list(self, visit: Visit) -> None:
        query = visit.query()
        if "before_id" in query:
            why = Said("page on with `after_id`", "请使用 `after_id` 翻页")
            raise fault("invalid_value", param="before_id", field="before_id", why=why)
        limit = limit_of(query, _USUALLY_LISTED, MOST_LISTED)
        after = query.get("after_id")
        found: list[Batch] = []
        behind = _ours(after) if after is not None else None
        while len(found) <= limit:
            rows = await self._desk.page(visit.caller.tenant, behind, limit + 1)
            found += [row for row in rows if row.endpoint == ENDPOINT]
            if len(rows) <= limit:
                break
            behind = rows[-1].id
        shown = [batch_object(row) for row in found[:limit]]
        first, last = (shown[0]["id"], shown[-1]["id"]) if shown else (None, None)
        await visit.reply({"data": shown, "has_more": len(found) > limit, "first_id": first, "last_id": last})

    async def show(self, visit: Visit) -> None:
        await visit.reply(batch_object(await self._get(visit)))

    async def cancel(self, visit: Visit) -> None:
        batch = await self._desk.cancel(visit.caller.tenant, (await self._get(visit)).id)
        self._look()
        await visit.reply(batch_object(batch))

    async def delete(self, visit: Visit) -> None:
        batch = await self._get(visit)
        await self._desk.delete(visit.caller.tenant, batch.id)
        await visit.reply({"id": _theirs(batch.id), "type": "message_batch_deleted"})

    async def results(self, visit: Visit) -> None:
        """One line for each request, in no particular order; the whole once the batch has ended."""
        batch = await self._get(visit)
        if batch.status not in ENDED:
            raise fault("batch_under_way", batch=_theirs(batch.id))
        await visit.send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/x-jsonl")]}
        )
        async for piece in self._results(batch):
            await visit.send({"type": "http.response.body", "body": piece, "more_body": True})
        await visit.send({"type": "http.response.body", "body": b""})

    async def _get(self, visit: Visit) -> Batch:
        batch = await self._desk.get(visit.caller.tenant, _ours(visit.rest[0]))
        if batch.endpoint != ENDPOINT:
            raise fault("batch_not_found", batch=visit.rest[0])
        return batch

    async def _results(self, batch: Batch) -> AsyncIterator[bytes]:
        seen: set[str] = set()
        for file in (batch.output_file, batch.error_file):
            async for line in self._lines(batch.tenant, file):
                made = _line(line)
                seen.add(made.custom_id)
                yield _result(made.custom_id, _outcome(made))
        rest = _rest_of(batch)
        async for line in self._lines(batch.tenant, batch.input_file):
            name = _asked(line).custom_id
            if name not in seen:
                yield _result(name, rest)

    async def _lines(self, tenant: str, name: str | None) -> AsyncIterator[bytes]:
        """The lines of a file; none of one that has been taken away."""
        if name is None:
            return
        try:
            file = await self._shelf.get(tenant, name)
        except Fault:
            return
        begun = b""
        async for piece in self._shelf.pieces(file):
            *whole, begun = (begun + piece).split(b"\n")
            for line in whole:
                yield line
        if begun:
            yield begun


def _check_names(requests: list[BatchedRequest]) -> None:
    """Raises the Fault of a custom_id that cannot be used or is there twice."""
    seen: set[str] = set()
    for number, request in enumerate(requests):
        field = f"requests[{number}].custom_id"
        if not ID.fullmatch(request.custom_id):
            why = Said("use 1 to 64 letters, digits, - and _", "请使用 1 到 64 个字母、数字、- 或 _")
            raise fault("invalid_value", param=field, field=field, why=why)
        if request.custom_id in seen:
            why = Said("it stands there twice", "该值重复出现")
            raise fault("invalid_value", param=field, field=field, why=why)
        seen.add(request.custom_id)


def _written(request: BatchedRequest) -> bytes:
    line = {"custom_id": request.custom_id, "method": "POST", "url": ENDPOINT, "body": request.params}
    plain = _encode(line)
    return (msgspec.json.format(plain, indent=-1) if b"\n" in plain else plain) + b"\n"


def _outcome(line: _Line) -> dict[str, Any]:
    if line.response is None:
        return {"type": "expired"}
    if line.response.status_code == 200:
        return {"type": "succeeded", "message": line.response.body}
    return {"type": "errored", "error": line.response.body}


def _rest_of(batch: Batch) -> dict[str, Any]:
    """What became of the requests that have no line: the batch was cancelled, or its input could not be used."""
    if batch.status != "failed":
        return {"type": "canceled"}
    mistake = batch.mistakes[0]
    said = problem("invalid_value", field="requests", why=Said(mistake.message, mistake.message_zh))
    return {"type": "errored", "error": Raw(error_body(said))}


def _result(name: str, outcome: dict[str, Any]) -> bytes:
    return _encode({"custom_id": name, "result": outcome}) + b"\n"


def batch_object(batch: Batch) -> dict[str, Any]:
    """Anthropic's message batch. What its requests came to is counted while it goes on, too."""
    over = batch.status in ENDED
    asked = batch.total or int(batch.metadata.get("requests", "0"))
    left = max(0, asked - batch.completed - batch.failed)
    state = "ended" if over else "canceling" if batch.status == "cancelling" else "in_progress"
    counts = {
        "processing": 0 if over else left,
        "succeeded": batch.completed,
        "errored": batch.failed - batch.expired,
        "canceled": left if batch.status == "cancelled" else 0,
        "expired": batch.expired,
    }
    if batch.status == "failed":  # whatever has no answer stands in the results as an error
        counts["errored"] = asked - batch.completed - batch.expired
    name = _theirs(batch.id)
    return {
        "id": name,
        "type": "message_batch",
        "processing_status": state,
        "request_counts": counts,
        "created_at": _moment(batch.created_ns),
        "expires_at": _moment(batch.expires_ns),
        "ended_at": _moment(batch.ended_ns),
        "cancel_initiated_at": _moment(batch.cancelling_ns),
        "archived_at": None,
        "results_url": f"{PREFIX}/{name}/results" if over else None,
    }


def _moment(at_ns: int | None) -> str | None:
    return None if at_ns is None else datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat().replace("+00:00", "Z")


def _theirs(id: str) -> str:
    return f"msg{id}"


def _ours(id: str) -> str:
    return id.removeprefix("msg")
