"""A child process that is kept running: started, told things line by line, started again when it dies, stopped.

The child reads JSON lines on standard input (the first one boots it; end of input means its parent is gone) and
prints the line `ready` once it works; what else it prints is heard line by line. What it logs goes to our standard error. One that ends with TRY_AGAIN before it
is ready found its place still taken, by the child of a parent that was killed: it is started again until that one has
gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable

log = logging.getLogger("zhongshu.supervisor")

READY = b"ready"
TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 10.0
# One that worked died of something that happened then rather than of itself, and is missed: it is kept waiting less,
# and not at all after it has worked for a while.
_LONGEST_WORKED_PAUSE_S = 1.0
_STEADY_AFTER_S = 0.5


class NeverReady(Exception):
    """A child ended before it was ready for the first time; its own log says why."""


class Child:
    """One supervised process.

    boot: gives its first line, anew for each start. on_death: called after it died unasked, before it is started
    again. hear: called with each line that it prints beside `ready`, and with nothing when it says no more. grace_s: how
    long it may take to stop before it is killed.
    """

    def __init__(
        self,
        name: str,
        module: str,
        boot: Callable[[], bytes],
        *,
        pass_fd: int | None = None,
        grace_s: float = 10.0,
        on_death: Callable[[], None] | None = None,
        hear: Callable[[bytes], None] | None = None,
    ) -> None:
        self.name = name
        self._module = module
        self._boot = boot
        self._pass_fds = () if pass_fd is None else (pass_fd,)
        self._grace_s = grace_s
        self._on_death = on_death
        self._hear = hear
        self._hearing: asyncio.Task[None] | None = None
        self._process: Process | None = None
        self._ready_s: float | None = None
        self._watch: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """The process id, while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises NeverReady, or OSError when the system has no room for it."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._grace_s
        while not await self._spawn():
            assert self._process is not None
            if await self._process.wait() != TRY_AGAIN or loop.time() > until_s:
                raise NeverReady(self.name)
            await asyncio.sleep(_FIRST_PAUSE_S)
        self._watch = asyncio.create_task(self._keep())

    def tell(self, line: bytes) -> bool:
        """Send it a line; whether it is there to be told. One that is being restarted will boot with the newest anyway."""
        if self._process is None or self._process.stdin is None or self.pid is None:
            return False
        self._process.stdin.write(line)
        return True

    async def stop(self) -> None:
        """Ask it to end (SIGTERM), wait, then insist (SIGKILL)."""
        self._stopping = True
        if self._watch is not None:
            self._watch.cancel()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._grace_s)
        except TimeoutError:
            log.warning("%s did not stop in %s s and is killed", self.name, self._grace_s)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _spawn(self) -> bool:
        self._ready_s = None
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=self._pass_fds,
            start_new_session=True,  # Ctrl-C is for the parent, which ends its children in order
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(self._boot())
        while (line := await process.stdout.readline()).strip() != READY:
            if not line:
                return False
            self._heard(line)
        if self._hear is not None:
            self._hearing = asyncio.create_task(self._listen(process.stdout))
        self._ready_s = asyncio.get_running_loop().time()
        log.info("%s ready, pid %d", self.name, process.pid)
        return True

    async def _listen(self, printed: asyncio.StreamReader) -> None:
        while line := await printed.readline():
            self._heard(line)
        self._heard(b"")

    def _heard(self, line: bytes) -> None:
        if self._hear is not None:
            self._hear(line)

    async def _keep(self) -> None:
        """Wait for it to die, and start it again after a pause that doubles while it keeps dying early."""
        pause_s = _FIRST_PAUSE_S
        while not self._stopping:
            assert self._process is not None
            code = await self._process.wait()
            pause_s = self._next_pause_s(pause_s)
            log.warning("%s ended with %s; starting it again in %.1f s", self.name, code, pause_s)
            await self._settle()
            await asyncio.sleep(pause_s)
            try:
                await self._spawn()
            except OSError as error:
                log.error("%s cannot be started, will try again: %s", self.name, error.strerror)

    def _next_pause_s(self, last_s: float) -> float:
        if self._ready_s is None:
            return min(last_s * 2, _LONGEST_PAUSE_S)
        if asyncio.get_running_loop().time() - self._ready_s > _STEADY_AFTER_S:
            return _FIRST_PAUSE_S
        return min(last_s * 2, _LONGEST_WORKED_PAUSE_S)

    async def _settle(self) -> None:
        if self._on_death is None:
            return
        try:
            await asyncio.to_thread(self._on_death)
        except Exception as error:  # noqa: BLE001 - a border: what cannot be settled must not keep it from starting again
            log.error("the death of %s could not be settled: %s", self.name, type(error).__name__)
