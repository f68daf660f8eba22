"""Asks upstreams whether they are there while no turn tells: what answers gets its trials sooner, what is found dead is
known before a turn is sent there. Only upstreams with `probe_s`; off every turn's path, at jittered intervals.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping

from zhongshu.core.clock import Clock
from zhongshu.core.ports import Upstream
from zhongshu.core.problems import Fault
from zhongshu.upstreams.dispatch.board import Board

_TICK_S = 0.1
_JITTER = 0.2
_MOST_S = 10.0


class Prober:
    """Probes one worker's upstreams. `upstreams` gives them as they are now."""

    def __init__(self, board: Board, upstreams: Callable[[], Mapping[str, Upstream]], clock: Clock) -> None:
        self._board = board
        self._upstreams = upstreams
        self._clock = clock
        self._due_ns: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._probing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin. Upstreams that are to be probed are looked for anew all the time: settings may change."""
        self._task = asyncio.create_task(self._run(), name="probes")

    async def aclose(self) -> None:
        """Stop."""
        tasks = [task for task in (self._task, *self._probing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def probe(self, name: str, upstream: Upstream) -> None:
        """Ask one now. No answer counts against its breaker; an answer closes nothing, but lets trials begin."""
        host = self._board.host(name)
        try:
            async with asyncio.timeout(_MOST_S):
                await upstream.check()
        except (Fault, TimeoutError) as silent:
            code = silent.problem.code if isinstance(silent, Fault) else "upstream_timeout"
            trial = host.breaker.state == "half-open"
            host.breaker.failure(code, self._clock.steady_ns(), trial=trial)
            return
        host.breaker.in_a_row = 0
        host.breaker.heard()
        for replica in host.replicas:
            if replica.why != "upstream_rate_limited":  # being there is no sign of room
                replica.breaker.heard()

    async def _run(self) -> None:
        while True:
            probed = {name: limits.probe_s for name, limits in self._board.rules.hosts.items() if limits.probe_s}
            await asyncio.sleep(_TICK_S if probed else 1.0)
            for name, every_s in probed.items():
                self._look(name, every_s)

    def _look(self, name: str, every_s: float) -> None:
        now_ns = self._clock.steady_ns()
        upstream = self._upstreams().get(name)
        if upstream is None or now_ns < self._due_ns.setdefault(name, now_ns + _jittered_ns(every_s)):
            return
        self._due_ns[name] = now_ns + _jittered_ns(every_s)
        task = asyncio.create_task(self.probe(name, upstream), name=f"probe {name}")
        self._probing.add(task)
        task.add_done_callback(self._probing.discard)


def _jittered_ns(every_s: float) -> int:
    return int(every_s * random.uniform(1 - _JITTER, 1 + _JITTER) * 1e9)
