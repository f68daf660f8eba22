"""A worker's side of the engine: where a model answers, kept for as long as it is wanted. Knows no wire of the model.

An address once given stays good for `linger_s` after its last use, so that a busy worker asks the manager once, not
once a request; the manager may ask for it back earlier, and says so when the process behind it has gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from pathlib import Path
from types import TracebackType

import msgspec

from zhongshu.core.problems import Fault, Problem
from zhongshu.engine.messages import (
    Acquire,
    Address,
    AskStatus,
    EngineStatus,
    Failed,
    FromManager,
    FromWorker,
    Gone,
    Granted,
    Recall,
    Refused,
    Release,
    Told,
    unavailable,
)

_LINE_LIMIT = 1024 * 1024


class Lease:
    """An address that this worker holds."""

    __slots__ = ("address", "model", "recalled", "timer", "users", "uses")

    def __init__(self, model: str, address: Address) -> None:
        self.model = model
        self.address = address
        self.users = 0
        self.uses = 0
        self.recalled = False
        self.timer: asyncio.TimerHandle | None = None


class Use:
    """`async with client.use(model) as address:` holds the model for one request."""

    __slots__ = ("_client", "_lease", "_model")

    def __init__(self, client: EngineClient, model: str) -> None:
        self._client = client
        self._model = model
        self._lease: Lease | None = None

    async def __aenter__(self) -> Address:
        lease = self._lease = await self._client.lease(self._model)
        return lease.address

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lease is not None:
            self._client.leave(self._lease)


class EngineClient:
    """Connects to the manager's socket when first used, and again after the manager was restarted."""

    def __init__(self, socket_path: Path, linger_s: float = 2.0) -> None:
        self._path = socket_path
        self._linger_s = linger_s
        self._leases: dict[str, Lease] = {}
        self._acquiring: dict[str, asyncio.Task[None]] = {}
        self._answers: dict[int, asyncio.Future[Address | EngineStatus]] = {}
        self._ids = itertools.count(1)
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()

    def use(self, model: str) -> Use:
        """Hold `model` for a request; entering loads it if need be and raises Fault("engine_unavailable")."""
        return Use(self, model)

    async def status(self) -> EngineStatus:
        """Every model as the manager sees it."""
        answer = await self._ask("", AskStatus(next(self._ids)))
        assert isinstance(answer, EngineStatus)
        return answer

    def report_failure(self, model: str) -> None:
        """The model did not answer: forget its address, and have the manager look after it."""
        lease = self._leases.pop(model, None)
        if lease is not None:
            self._send(Failed(model, lease.address.generation))
            self._give_back(lease)

    async def aclose(self) -> None:
        """Give back what is held and close the connection."""
        for lease in self._leases.values():
            self._give_back(lease)
        self._leases.clear()
        for task in self._acquiring.values():
            task.cancel()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    # ---- leases

    async def lease(self, model: str) -> Lease:
        """Count one more request among the model's users. For Use only."""
        while (lease := self._leases.get(model)) is None:
            task = self._acquiring.get(model)
            if task is None:
                task = self._acquiring[model] = asyncio.create_task(self._acquire(model))
                task.add_done_callback(lambda task: self._acquired(model, task))
            await asyncio.shield(task)
        if lease.timer is not None:
            lease.timer.cancel()
            lease.timer = None
        lease.users += 1
        lease.uses += 1
        return lease

    def _acquired(self, model: str, task: asyncio.Task[None]) -> None:
        self._acquiring.pop(model, None)
        if not task.cancelled():
            task.exception()  # who asked may have left: then nobody else looks at it

    async def _acquire(self, model: str) -> None:
        address = await self._ask(model, Acquire(next(self._ids), model))
        assert isinstance(address, Address)
        lease = self._leases[model] = Lease(model, address)
        self._linger(lease)

    def leave(self, lease: Lease) -> None:
        """One request fewer. For Use only."""
        lease.users -= 1
        if lease.users == 0 and self._leases.get(lease.model) is lease:
            if lease.recalled:
                self._drop(lease)
            else:
                self._linger(lease)

    def _linger(self, lease: Lease) -> None:
        lease.timer = asyncio.get_running_loop().call_later(self._linger_s, self._drop, lease)

    def _drop(self, lease: Lease) -> None:
        if self._leases.get(lease.model) is lease and lease.users == 0:
            del self._leases[lease.model]
            self._give_back(lease)

    def _give_back(self, lease: Lease) -> None:
        if lease.timer is not None:
            lease.timer.cancel()
        self._send(Release(lease.model, lease.address.generation, lease.uses))

    # ---- the connection

    async def _ask(self, model: str, message: Acquire | AskStatus) -> Address | EngineStatus:
        await self._connect(model)
        answer = self._answers[message.id] = asyncio.get_running_loop().create_future()
        self._send(message)
        try:
            return await answer
        finally:
            self._answers.pop(message.id, None)

    async def _connect(self, model: str) -> None:
        async with self._connecting:
            if self._reading is not None and not self._reading.done():
                return
            try:
                reader, self._writer = await asyncio.open_unix_connection(self._path, limit=_LINE_LIMIT)
            except OSError:
                raise Fault(_no_manager(model)) from None
            self._reading = asyncio.create_task(self._read(reader, self._writer))

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = msgspec.json.Decoder(FromManager)
        try:
            while line := await reader.readline():
                self._handle(decoder.decode(line))
        except ConnectionError:
            pass
        finally:
            self._forget_all()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _handle(self, message: FromManager) -> None:
        match message:
            case Granted():
                self._settle(message.id, message.address)
            case Told():
                self._settle(message.id, message.status)
            case Refused():
                waiting = self._answers.get(message.id)
                if waiting is not None and not waiting.done():
                    waiting.set_exception(Fault(message.problem))
            case Gone():
                self._forget(message.model, message.generation)
            case Recall():
                self._recall(message.model, message.generation)

    def _settle(self, id: int, answer: Address | EngineStatus) -> None:
        waiting = self._answers.get(id)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _forget(self, model: str, generation: int) -> None:
        lease = self._leases.get(model)
        if lease is not None and lease.address.generation == generation:
            del self._leases[model]
            self._give_back(lease)

    def _recall(self, model: str, generation: int) -> None:
        lease = self._leases.get(model)
        if lease is not None and lease.address.generation == generation:
            lease.recalled = True
            self._drop(lease)

    def _forget_all(self) -> None:
        for lease in self._leases.values():
            if lease.timer is not None:
                lease.timer.cancel()
        self._leases.clear()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(Fault(_no_manager("")))

    def _send(self, message: FromWorker) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(msgspec.json.encode(message) + b"\n")


def _no_manager(model: str) -> Problem:
    return unavailable(
        model or "engine",
        "its supervisor is not running; start it with `zhongshu up`",
        "引擎管理进程未运行；请用 `zhongshu up` 启动",
        retry_after_s=1.0,
    )
