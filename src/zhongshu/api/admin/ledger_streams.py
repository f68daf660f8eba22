"""The ledger's long replies: verification, told as it goes on, and export."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from zhongshu.api.admin.door import note
from zhongshu.api.admin.given import Parts
from zhongshu.api.admin.turns import TurnFilter
from zhongshu.core.problems import fault
from zhongshu.ledger.export import export
from zhongshu.ledger.findings import Report
from zhongshu.ledger.index import Index, Shown, open_index
from zhongshu.ledger.reader import journal_bytes
from zhongshu.ledger.verify import verify

NDJSON = "application/x-ndjson"
PIECE_BYTES = 64 * 1024
TELL_S = 0.5
_TYPES = {"jsonl": NDJSON, "csv": "text/csv; charset=utf-8"}

router = APIRouter(prefix="/ledger", tags=["ledger"])


class ExportQuery(TurnFilter):
    """What to export, and how. With text, every answer carries its AI label."""

    format: Annotated[Literal["jsonl", "csv"], Field(description="JSON Lines or CSV.")] = "jsonl"
    text: Annotated[bool, Field(description="Decrypt prompts and answers (journalled).")] = False


class _Stopped(Exception):
    """Nobody waits for this verification any more."""


class _Run:
    """One verification in its thread: what it has read, and whether anybody still waits."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.done_bytes = 0
        self.stopped = False

    def __call__(self) -> Report:
        tolerance_s = self._parts.ledger.clock_tolerance_s
        return verify(self._parts.home, tolerance_s=tolerance_s, progress=self._progress)

    def _progress(self, read_bytes: int) -> None:
        self.done_bytes += read_bytes
        if self.stopped:
            raise _Stopped


@router.post(
    "/verify",
    response_class=StreamingResponse,
    summary="Verify the whole ledger; progress, then the report",
    openapi_extra={"x-summary-zh": "校验整个账本：先报进度，后给结论"},
    responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}}, "description": "Lines of JSON."}},
)
async def verify_ledger(request: Request, parts: Parts) -> StreamingResponse:
    """Lines of JSON: `{"progress": {"done_bytes", "total_bytes"}}` twice a second, at last `{"report": {...}}`, where
    `ok` is false when there are `findings` of tampering or damage. It stops when the client leaves."""
    running: asyncio.Lock = request.app.state.verifying
    if running.locked():
        raise fault("overloaded", retry_after_s=10.0)
    return StreamingResponse(_verification(running, parts), media_type=NDJSON)


async def _verification(running: asyncio.Lock, parts: Parts) -> AsyncIterator[bytes]:
    async with running:
        total = await asyncio.to_thread(journal_bytes, parts.home)
        run = _Run(parts)
        working = asyncio.create_task(asyncio.to_thread(run))
        try:
            while not (await asyncio.wait((working,), timeout=TELL_S))[0]:
                yield _line({"progress": {"done_bytes": run.done_bytes, "total_bytes": total}})
            yield _line({"progress": {"done_bytes": run.done_bytes, "total_bytes": total}})
            yield _line({"report": msgspec.to_builtins(working.result())})
        finally:
            run.stopped = True


def _line(value: dict[str, Any]) -> bytes:
    return msgspec.json.encode(value) + b"\n"


@router.get(
    "/export",
    response_class=StreamingResponse,
    summary="Download turns as JSON Lines or CSV",
    openapi_extra={"x-summary-zh": "导出请求记录（JSON Lines 或 CSV）"},
    responses={
        200: {
            "content": {NDJSON: {"schema": {"type": "string"}}, "text/csv": {"schema": {"type": "string"}}},
            "description": "The turns, oldest first.",
        }
    },
)
async def export_turns(request: Request, parts: Parts, query: Annotated[ExportQuery, Query()]) -> StreamingResponse:
    """One turn a line, in the record's own names. A download that breaks off was cut: it has no last line break."""
    if query.text:
        await note(request.scope, parts, "texts_exported")
    turns = _whole(open_index(parts.ledger, parts.home), query)
    pieces = _pieces(export(turns, query.format, parts.label_words()))
    name = f"zhongshu-ledger.{query.format}"
    return StreamingResponse(
        _in_one_thread(pieces),
        media_type=_TYPES[query.format],
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def _whole(ledger: Index, query: ExportQuery) -> Iterator[Shown]:
    """Each turn with its record; one that retention has just taken is left out, a text that does not open stays shut."""
    for row in ledger.each(query.filter()):
        try:
            yield ledger.whole(row, text=query.text)
        except LookupError:
            continue
        except ValueError:
            yield ledger.whole(row, text=False)


def _pieces(lines: Iterator[bytes]) -> Generator[bytes]:
    held: list[bytes] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= PIECE_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


async def _in_one_thread(pieces: Generator[bytes]) -> AsyncIterator[bytes]:
    """Draw from a blocking generator as fast as the client reads, always in the same thread, as SQLite wants it."""
    loop = asyncio.get_running_loop()
    thread = ThreadPoolExecutor(1, thread_name_prefix="export")
    try:
        while (piece := await loop.run_in_executor(thread, next, pieces, None)) is not None:
            yield piece
    finally:
        thread.submit(pieces.close)
        thread.shutdown(wait=False)
