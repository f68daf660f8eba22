"""/v1/batches: files of requests to be answered in the background, in OpenAI's form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from zhongshu.api.asgi import read_body
from zhongshu.api.decoding import BodyDecoder
from zhongshu.api.openai.resource import Resource, Visit, limit_of, listed, seconds
from zhongshu.batches.desk import BatchDesk
from zhongshu.batches.values import Batch, Mistake
from zhongshu.pipeline.stages import Rooms

_MOST_BODY_BYTES = 256 * 1024
_MOST_LISTED = 100
_USUALLY_LISTED = 20


class OutputExpiry(msgspec.Struct, frozen=True):
    """How long the files that a batch makes are kept."""

    seconds: Annotated[int, Meta(ge=3600, le=2_592_000)]
    anchor: Literal["created_at"] = "created_at"


class BatchRequest(msgspec.Struct, frozen=True):
    """POST /v1/batches."""

    input_file_id: Annotated[str, Meta(min_length=1, max_length=128)]
    endpoint: Annotated[str, Meta(min_length=1, max_length=128)]
    completion_window: Annotated[str, Meta(max_length=16)] = "24h"
    metadata: (
        Annotated[dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=16)]
        | None
    ) = None
    output_expires_after: OutputExpiry | None = None


decode = BodyDecoder(BatchRequest)


def batches_resource(desk: BatchDesk, rooms: Callable[[], Rooms], look: Callable[[], None]) -> Resource:
    """An ASGI callable for /v1/batches and what is under it. look: tells this worker's runner that something is new."""
    batches = _Batches(desk, look)
    return Resource(
        "/v1/batches",
        rooms,
        {
            ("POST", ""): batches.create,
            ("GET", ""): batches.list,
            ("GET", "*"): batches.show,
            ("POST", "*/cancel"): batches.cancel,
        },
    )


class _Batches:
    def __init__(self, desk: BatchDesk, look: Callable[[], None]) -> None:
        self._desk = desk
        self._look = look

    async def create(self, visit: Visit) -> None:
        asked = decode(await read_body(visit.receive, visit.headers, _MOST_BODY_BYTES))
        batch = await self._desk.create(
            visit.caller,
            endpoint=asked.endpoint,
            input_file=asked.input_file_id,
            window=asked.completion_window,
            metadata=asked.metadata or {},
            output_expires_s=asked.output_expires_after.seconds if asked.output_expires_after else None,
        )
        self._look()
        await visit.reply(batch_object(batch))

    async def list(self, visit: Visit) -> None:
        query = visit.query()
        limit = limit_of(query, _USUALLY_LISTED, _MOST_LISTED)
        rows = await self._desk.page(visit.caller.tenant, query.get("after"), limit + 1)
        await visit.reply(listed([batch_object(row) for row in rows], limit))

    async def show(self, visit: Visit) -> None:
        await visit.reply(batch_object(await self._desk.get(visit.caller.tenant, visit.rest[0])))

    async def cancel(self, visit: Visit) -> None:
        batch = await self._desk.cancel(visit.caller.tenant, visit.rest[0])
        self._look()
        await visit.reply(batch_object(batch))


def batch_object(batch: Batch) -> dict[str, Any]:
    """OpenAI's batch object."""
    ended = seconds(batch.ended_ns)
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": {"object": "list", "data": [_mistake(one) for one in batch.mistakes]} if batch.mistakes else None,
        "input_file_id": batch.input_file,
        "completion_window": batch.window,
        "status": batch.status,
        "output_file_id": batch.output_file,
        "error_file_id": batch.error_file,
        "created_at": seconds(batch.created_ns),
        "in_progress_at": seconds(batch.in_progress_ns),
        "expires_at": seconds(batch.expires_ns),
        "finalizing_at": seconds(batch.finalizing_ns),
        "completed_at": ended if batch.status == "completed" else None,
        "failed_at": ended if batch.status == "failed" else None,
        "expired_at": ended if batch.status == "expired" else None,
        "cancelling_at": seconds(batch.cancelling_ns),
        "cancelled_at": ended if batch.status == "cancelled" else None,
        "request_counts": {"total": batch.total, "completed": batch.completed, "failed": batch.failed},
        "metadata": dict(batch.metadata) or None,
    }


def _mistake(mistake: Mistake) -> dict[str, Any]:
    return {
        "code": mistake.code,
        "message": mistake.message,
        "message_zh": mistake.message_zh,
        "param": mistake.param,
        "line": mistake.line,
    }
