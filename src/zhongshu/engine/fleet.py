"""Which models are loaded: on demand, within the memory budget, restarted after a crash, unloaded when idle.

Lives in the supervisor's event loop. A Seat is one model's place; its users are the connections of workers that hold
it (door.py). Knows processes and bytes, not turns.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path

from zhongshu.core.problems import Fault, Problem
from zhongshu.engine.budget import budget_bytes, estimate_bytes
from zhongshu.engine.damage import unusable_file
from zhongshu.engine.messages import Address, EngineStatus, Gone, ModelStatus, Recall, State, unavailable
from zhongshu.engine.running import Running, StartFailed, launch
from zhongshu.engine.settings import EngineSettings, EngineSpec

_log = logging.getLogger(__name__)
_GIB = 1024**3

Notify = Callable[[Gone | Recall], None]


class Seat:
    """One model's place: its process when there is one, who uses it, and how it has fared."""

    def __init__(self, spec: EngineSpec) -> None:
        self.spec = spec
        self.running: Running | None = None
        self.loading: asyncio.Task[None] | None = None
        self.examining: asyncio.Task[None] | None = None
        self.holders: set[Notify] = set()
        self.generation = 0
        self.counted_bytes = 0
        self.used_at = time.monotonic()
        self.requests = 0
        self.restarts = 0
        self.crashes: deque[float] = deque()
        self.not_before = 0.0
        self.why = ""

    @property
    def state(self) -> State:
        if self.running is not None:
            return "ready"
        if self.loading is not None:
            return "loading"
        return "failing" if self.not_before > time.monotonic() else "unloaded"

    def tell(self, message: Gone | Recall) -> None:
        """Send to all who hold it."""
        for notify in tuple(self.holders):
            notify(message)


class Fleet:
    """Loads and unloads models. Call `start` once in the loop it is to live in, `aclose` at the end.

    specs: the models there are. run_dir: for the processes' start-up logs (engine-<model>.log, 0600).
    """

    def __init__(self, settings: EngineSettings, specs: Iterable[EngineSpec], run_dir: Path) -> None:
        self._settings = settings
        self._run_dir = run_dir
        self._seats = {spec.model: Seat(spec) for spec in specs}
        self._retired: set[Seat] = set()
        self._making_room = asyncio.Lock()
        self._freed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.budget_bytes = budget_bytes(settings)

    async def start(self) -> None:
        """Begin to look after idle models."""
        self._spawn(self._unload_idle())

    async def aclose(self) -> None:
        """Stop every process."""
        seats = (*self._seats.values(), *self._retired)
        for task in (*self._tasks, *(seat.loading for seat in seats if seat.loading)):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(seat.loading for seat in seats if seat.loading), return_exceptions=True)
        await asyncio.gather(*(self._unload(seat) for seat in seats))

    def replace_specs(self, specs: Iterable[EngineSpec]) -> None:
        """Take other models from now on. A model whose spec changed or went is unloaded once nobody uses it."""
        new = {spec.model: spec for spec in specs}
        for model, seat in tuple(self._seats.items()):
            if new.get(model) == seat.spec:
                new.pop(model)
                continue
            del self._seats[model]
            self._retired.add(seat)
            seat.tell(Recall(model, seat.generation))
            self._spawn(self._unload_retired(seat))
        self._seats.update((model, Seat(spec)) for model, spec in new.items())

    # ---- leases

    async def acquire(self, model: str, holder: Notify) -> Address:
        """The model's address, loading it first if need be; `holder` keeps it loaded until `release`.

        Raises Fault("engine_unavailable") with the reason and the remedy.
        """
        seat = self._seats.get(model)
        if seat is None:
            raise Fault(
                unavailable(
                    model,
                    "it is not among the local models; add it to `models` in the settings",
                    "它不在本地模型之列；请把它加入设置中的 `models`",
                )
            )
        while seat.running is None or seat.examining is not None:
            if seat.loading is None and seat.examining is None:
                self._refuse_while_failing(seat)
                self._begin_loading(seat)
            waiting_for = seat.examining or seat.loading
            assert waiting_for is not None
            await asyncio.shield(waiting_for)
        seat.holders.add(holder)
        seat.used_at = time.monotonic()
        child = seat.running.spec
        return Address(seat.running.url, child.key, seat.generation, child.context_tokens, child.slots)

    def release(self, model: str, generation: int, uses: int, holder: Notify) -> None:
        """`holder` made `uses` requests and does not need the model any more."""
        for seat in (self._seats.get(model), *self._retired):
            if seat is not None and seat.spec.model == model:
                seat.requests += uses
                if seat.generation == generation:
                    seat.holders.discard(holder)
                    seat.used_at = time.monotonic()
                    self._freed.set()

    def release_all(self, holder: Notify) -> None:
        """`holder` is gone."""
        for seat in (*self._seats.values(), *self._retired):
            seat.holders.discard(holder)
        self._freed.set()

    def report_failure(self, model: str, generation: int) -> None:
        """A user of the model got no answer: see whether it still lives, and end it when it does not answer."""
        seat = self._seats.get(model)
        if seat is None or seat.running is None or seat.examining is not None or seat.generation != generation:
            return
        seat.examining = self._spawn(self._examine(seat, seat.running))

    async def status(self) -> EngineStatus:
        """Every model as it stands."""
        models = await asyncio.gather(*(self._describe(seat) for seat in self._seats.values()))
        return EngineStatus(self.budget_bytes, tuple(models))

    # ---- loading

    def _begin_loading(self, seat: Seat) -> asyncio.Task[None]:
        seat.loading = asyncio.create_task(self._load(seat))
        # Who asked may have left by then; the next to ask hears of it.
        seat.loading.add_done_callback(lambda task: task.cancelled() or task.exception())
        return seat.loading

    async def _load(self, seat: Seat) -> None:
        try:
            await asyncio.sleep(max(0.0, seat.not_before - time.monotonic()))
            await self._make_room(seat)
            running = await launch(seat.spec, self._settings, self._run_dir / f"engine-{_plain(seat.spec)}.log")
            seat.running = running
        except StartFailed as failure:
            self._count_crash(seat, failure.why)
            raise Fault(unavailable(seat.spec.model, failure.why, failure.why_zh)) from failure
        finally:
            seat.loading = None
            if seat.running is None:
                seat.counted_bytes = 0
                self._freed.set()
        seat.generation += 1
        seat.used_at = time.monotonic()
        seat.why = ""
        _log.info("engine %s ready, pid %d", seat.spec.model, running.pid)
        self._spawn(self._watch(seat, running))

    async def _make_room(self, seat: Seat) -> None:
        """Count the model's memory against the budget, unloading idle models, least recently used first."""
        need = self._need(seat)
        deadline = time.monotonic() + self._settings.room_wait_s
        async with self._making_room:
            while self._counted() + need > self.budget_bytes:
                loaded = sorted((s for s in self._loaded() if s is not seat), key=lambda s: s.used_at)
                idle = next((s for s in loaded if not s.holders), None)
                if idle is not None:
                    await self._unload(idle)
                    continue
                self._freed.clear()
                for other in loaded:
                    other.tell(Recall(other.spec.model, other.generation))
                if not await _signalled(self._freed, deadline - time.monotonic()):
                    raise Fault(_busy(seat.spec.model, need, self.budget_bytes, self._settings.room_wait_s))
            seat.counted_bytes = need

    def _need(self, seat: Seat) -> int:
        model = seat.spec.model
        try:
            need = estimate_bytes(seat.spec, self._settings)
        except OSError:
            raise Fault(
                unavailable(
                    model,
                    f"its file is not there; fetch it with `zhongshu models pull {model}`",
                    f"模型文件不存在；请用 `zhongshu models pull {model}` 获取",
                )
            ) from None
        except Fault as fault:
            raise Fault(unusable_file(seat.spec)) from fault
        if need > self.budget_bytes:
            raise Fault(_too_large(model, need, self.budget_bytes))
        return need

    def _loaded(self) -> list[Seat]:
        return [seat for seat in (*self._seats.values(), *self._retired) if seat.running is not None]

    def _counted(self) -> int:
        return sum(seat.counted_bytes for seat in (*self._seats.values(), *self._retired))

    # ---- unloading

    async def _unload(self, seat: Seat) -> None:
        running, seat.running = seat.running, None
        if running is None:
            return
        seat.tell(Gone(seat.spec.model, seat.generation))
        seat.holders.clear()
        await running.stop()
        seat.counted_bytes = 0
        self._freed.set()
        _log.info("engine %s unloaded", seat.spec.model)

    async def _unload_idle(self) -> None:
        limit = self._settings.idle_unload_s
        while limit:
            await asyncio.sleep(min(5.0, limit / 4))
            for seat in tuple(self._seats.values()):
                if seat.running and not seat.holders and time.monotonic() - seat.used_at >= limit:
                    await self._unload(seat)

    async def _unload_retired(self, seat: Seat) -> None:
        if seat.loading is not None:
            await asyncio.wait({seat.loading})
        while seat.holders:
            self._freed.clear()
            await self._freed.wait()
        await self._unload(seat)
        self._retired.discard(seat)

    # ---- crashes

    async def _watch(self, seat: Seat, running: Running) -> None:
        """Notice that the process ended by itself, tell its users, and start it again when it was in use."""
        await asyncio.wait({running.exited})  # not awaited itself: cancelling this task must not cancel that one
        status = running.exited.result()
        if seat.running is not running:
            return
        seat.running = None
        seat.counted_bytes = 0
        seat.restarts += 1
        _log.error("engine %s, pid %d, ended with status %d", seat.spec.model, running.pid, status)
        seat.tell(Gone(seat.spec.model, seat.generation))
        wanted = bool(seat.holders)
        seat.holders.clear()
        self._freed.set()
        await running.stop()
        self._count_crash(seat, f"its process ended with status {status}")
        if not wanted or seat in self._retired or len(seat.crashes) >= self._settings.crash_limit:
            return
        if seat.running is None and seat.loading is None:
            await asyncio.wait({self._begin_loading(seat)})

    def _count_crash(self, seat: Seat, why: str) -> None:
        """Note a crash, and when the next start may be."""
        now = time.monotonic()
        seat.why = why
        seat.crashes.append(now)
        while seat.crashes[0] < now - self._settings.crash_window_s:
            seat.crashes.popleft()
        earlier = len(seat.crashes) - 1
        if earlier == 0:
            return
        ceiling = self._settings.backoff_max_s
        pause = ceiling
        if len(seat.crashes) < self._settings.crash_limit:
            pause = min(ceiling, self._settings.backoff_s * 2 ** (earlier - 1))
        seat.not_before = now + pause

    def _refuse_while_failing(self, seat: Seat) -> None:
        """After too many crashes, say so instead of trying; after a few, `_load` waits out the pause."""
        wait = seat.not_before - time.monotonic()
        times = len(seat.crashes)
        if wait > 0 and times >= self._settings.crash_limit:
            raise Fault(
                unavailable(
                    seat.spec.model,
                    f"it failed {times} times in a row ({seat.why}); the next try is in {wait:.1f} s, "
                    "see `zhongshu doctor`",
                    f"它已连续失败 {times} 次（{seat.why}），将在 {wait:.1f} 秒后重试，参见 `zhongshu doctor`",
                    retry_after_s=wait,
                )
            )

    async def _examine(self, seat: Seat, running: Running) -> None:
        """See whether it answers; when not, end it and let `_watch` do the rest. Who asks for the model waits."""
        try:
            if not running.exited.done() and not await running.healthy():
                _log.error("engine %s, pid %d, does not answer; ending it", seat.spec.model, running.pid)
                running.kill()
                await asyncio.wait({running.exited})
            while running.exited.done() and seat.running is running:
                await asyncio.sleep(0)
        finally:
            seat.examining = None

    # ---- odds and ends

    async def _describe(self, seat: Seat) -> ModelStatus:
        spec, running = seat.spec, seat.running
        if running is None:
            return ModelStatus(
                model=spec.model,
                state=seat.state,
                kind=spec.kind,
                requests=seat.requests,
                restarts=seat.restarts,
                problem=seat.why,
            )
        load = await running.load()
        return ModelStatus(
            model=spec.model,
            state="ready",
            kind=spec.kind,
            pid=running.pid,
            rss_bytes=running.rss(),
            estimated_bytes=seat.counted_bytes,
            context_tokens=running.spec.context_tokens,
            slots=running.spec.slots,
            slots_busy=load.busy,
            waiting=load.waiting,
            requests=seat.requests,
            restarts=seat.restarts,
        )

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _signalled(event: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            return await event.wait()
    return False


def _plain(spec: EngineSpec) -> str:
    return "".join(char if char.isalnum() or char in "-." else "_" for char in spec.model)


def _too_large(model: str, need: int, budget: int) -> Problem:
    need_gib, budget_gib = f"{need / _GIB:.2f}", f"{budget / _GIB:.2f}"
    return unavailable(
        model,
        f"it needs about {need_gib} GiB but `engine.memory_bytes` allows {budget_gib} GiB; raise that, "
        "lower `engine.slots` or `engine.context_tokens`, or ask for a smaller model",
        f"它约需 {need_gib} GiB 内存，而 `engine.memory_bytes` 只允许 {budget_gib} GiB；请调高该值、"
        "调低 `engine.slots` 或 `engine.context_tokens`，或改用更小的模型",
    )


def _busy(model: str, need: int, budget: int, waited_s: float) -> Problem:
    need_gib, budget_gib = f"{need / _GIB:.2f}", f"{budget / _GIB:.2f}"
    return unavailable(
        model,
        f"it needs about {need_gib} GiB of the {budget_gib} GiB that `engine.memory_bytes` allows, and the models "
        f"in use left none for {waited_s:g} s; try again shortly or raise the limit",
        f"它约需 {need_gib} GiB（`engine.memory_bytes` 共允许 {budget_gib} GiB），而使用中的模型在 {waited_s:g} 秒内"
        "未让出内存；请稍后重试或调高上限",
        retry_after_s=max(1.0, waited_s),
    )
