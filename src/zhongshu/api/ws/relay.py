"""Between the workers of one machine: a client that comes back to another worker than its turn's is handed the turn's
pieces through a local socket. Each worker listens on one of its own, in a folder that only its user may enter.

Frames are a length in four bytes and MessagePack: first what is wanted, then pieces; an empty frame ends them.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from pathlib import Path

import msgspec

from zhongshu.api.ws.tape import Lost, Piece
from zhongshu.api.ws.turns import LiveTurn, LiveTurns
from zhongshu.core.access import Caller

_SOCKETS = "ws-*.sock"
_LENGTH = struct.Struct(">I")
_ANSWER_S = 2.0
_CANCEL = b"c"

_encode = msgspec.msgpack.Encoder().encode


class Wanted(msgspec.Struct, frozen=True, array_like=True):
    """What another worker's client wants."""

    tenant: str
    key_id: str
    trace: str
    after: int


class _Batch(msgspec.Struct, frozen=True, array_like=True):
    """Pieces of a turn; lost: they are not kept any more."""

    pieces: list[Piece]
    lost: bool = False


_wanted = msgspec.msgpack.Decoder(Wanted).decode
_batch = msgspec.msgpack.Decoder(_Batch).decode


class Relay:
    """This worker's end. `folder` is that of all workers' sockets, `slot` this one's name."""

    def __init__(self, folder: Path, slot: str, turns: LiveTurns) -> None:
        self._folder = folder
        self._own = folder / f"ws-{slot}.sock"
        self._turns = turns
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen, in place of an earlier worker of this slot."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._own.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self._own)

    async def aclose(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._own.unlink(missing_ok=True)
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def find(self, caller: Caller, trace: str, after: int) -> FarTurn | None:
        """The turn of this caller that another worker has; None where none does."""
        wanted = _encode(Wanted(caller.tenant, caller.key_id, trace, after))
        for path in sorted(self._folder.glob(_SOCKETS)):
            if path != self._own:
                with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                    found = await _ask(path, wanted, trace)
                    if found is not None:
                        return found
        return None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            wanted = _wanted(await _read(reader))
            turn = self._turns.find(Caller(wanted.tenant, wanted.key_id), wanted.trace)
            if turn is not None:
                writer.write(_frame(b"y"))
                await self._give(turn, wanted.after, reader, writer)
        except (OSError, asyncio.IncompleteReadError, msgspec.DecodeError):
            pass  # the other worker is gone, or is none
        finally:
            self._serving.discard(task)
            writer.close()

    async def _give(
        self, turn: LiveTurn, after: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Hand the pieces over until the turn ends or the other worker goes; it may say to cancel."""
        giving = asyncio.create_task(self._pieces(turn, after, writer))
        self._turns.attach(turn, giving)
        hearing = asyncio.create_task(_hear(turn, reader))
        try:
            await asyncio.wait((giving, hearing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (giving, hearing):
                task.cancel()
            await asyncio.gather(giving, hearing, return_exceptions=True)
            self._turns.detach(turn, giving)

    async def _pieces(self, turn: LiveTurn, after: int, writer: asyncio.StreamWriter) -> None:
        try:
            while pieces := await turn.tape.after(after):
                writer.write(_frame(_encode(_Batch(pieces))))
                await writer.drain()
                after = pieces[-1].seq
            writer.write(_frame(_encode(_Batch([]))))
        except Lost:
            writer.write(_frame(_encode(_Batch([], lost=True))))
        await writer.drain()


class FarTurn:
    """A turn of another worker, read through its relay: a tape and a way to cancel it."""

    def __init__(self, trace: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.trace = trace
        self.tape = self
        self._reader = reader
        self._writer = writer

    async def after(self, seq: int) -> list[Piece]:
        """The next pieces; empty at the end. They come in order, so `seq` is where the last ones ended."""
        del seq
        try:
            batch = _batch(await _read(self._reader))
        except (OSError, asyncio.IncompleteReadError):
            raise Lost from None
        if batch.lost:
            raise Lost
        return batch.pieces

    def cancel(self) -> None:
        """Stop it there."""
        self._writer.write(_CANCEL)

    def close(self) -> None:
        """This client is gone: the turn is kept there for a while."""
        self._writer.close()


async def _ask(path: Path, wanted: bytes, trace: str) -> FarTurn | None:
    async with asyncio.timeout(_ANSWER_S):
        reader, writer = await asyncio.open_unix_connection(path)
        try:
            writer.write(_frame(wanted))
            if await _read(reader):
                return FarTurn(trace, reader, writer)
        except BaseException:
            writer.close()
            raise
    return None


async def _hear(turn: LiveTurn, reader: asyncio.StreamReader) -> None:
    """Until the other worker hangs up."""
    while said := await reader.read(1):
        if said == _CANCEL:
            turn.cancel()


def _frame(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data


async def _read(reader: asyncio.StreamReader) -> bytes:
    (size,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    return await reader.readexactly(size)
