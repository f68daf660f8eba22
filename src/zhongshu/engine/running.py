"""One model's process from the outside: started, watched, asked how busy it is, stopped. Knows no leases or budgets."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError

from zhongshu.engine.budget import resident_bytes
from zhongshu.engine.settings import ChildReady, ChildSpec, EngineSettings, EngineSpec, child_spec

_STOP_GRACE_S = 2.0
_PROBE_S = 5.0


class StartFailed(Exception):
    """The process did not come up. `why` and `why_zh` say it without any user text."""

    def __init__(self, why: str, why_zh: str) -> None:
        super().__init__(why)
        self.why = why
        self.why_zh = why_zh


class Load(msgspec.Struct, frozen=True):
    """Requests being answered, and those waiting for a slot."""

    busy: int
    waiting: int


class Running:
    """A started process. `exited` completes with its exit status however it ends."""

    def __init__(self, process: asyncio.subprocess.Process, spec: ChildSpec, url: str) -> None:
        self.url = url
        self.spec = spec
        self.pid = process.pid
        self.exited: asyncio.Task[int] = asyncio.create_task(process.wait())
        self._process = process
        self._client: Client = (
            ClientBuilder().timeout(timedelta(seconds=_PROBE_S)).no_proxy().default_headers(_bearer(spec.key)).build()
        )

    def rss(self) -> int:
        """Resident bytes now."""
        return resident_bytes(self.pid)

    async def healthy(self) -> bool:
        """Whether it answers at all."""
        try:
            response = await self._client.get(f"{self.url}/health").build().send()
        except PyreqwestError:
            return False
        return response.status == 200

    async def load(self) -> Load:
        """How busy it is; zeros when it does not answer."""
        try:
            response = await self._client.get(f"{self.url}/metrics").build().send()
            text = await response.text()
        except PyreqwestError:
            return Load(0, 0)
        return Load(_metric(text, "llamacpp:requests_processing"), _metric(text, "llamacpp:requests_deferred"))

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self) -> None:
        """Ask it to end by closing its input; kill it when it does not."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        await asyncio.wait({self.exited}, timeout=_STOP_GRACE_S)
        if not self.exited.done():
            self.kill()
            await self.exited
        await self._client.close()


async def launch(spec: EngineSpec, settings: EngineSettings, log: Path) -> Running:
    """Start the model's process and wait until it can answer. Start-up messages go to `log`. Raises StartFailed."""
    child = child_spec(spec, settings, key=secrets.token_urlsafe(24))
    with log.open("wb") as errors:
        log.chmod(0o600)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "zhongshu.engine.process",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    try:
        async with asyncio.timeout(settings.start_timeout_s):
            url = await _ready(process, msgspec.json.encode(child), log)
    except TimeoutError:
        await _abandon(process)
        limit = f"{settings.start_timeout_s:g}"
        raise StartFailed(
            f"it was not ready after {limit} s; raise `engine.start_timeout_s` or choose a smaller model",
            f"启动 {limit} 秒后仍未就绪；请调高 `engine.start_timeout_s` 或改用更小的模型",
        ) from None
    except BaseException:
        await _abandon(process)
        raise
    return Running(process, child, url)


async def _ready(process: asyncio.subprocess.Process, spec: bytes, log: Path) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(spec + b"\n")
    with contextlib.suppress(ConnectionError):
        await process.stdin.drain()
    line = await process.stdout.readline()
    if line:
        return msgspec.json.decode(line, type=ChildReady).url
    status = await process.wait()
    raise StartFailed(
        f"its process ended with status {status} while loading; see {log.name} in the run directory, "
        "and check the file with `zhongshu models verify`",
        f"加载时进程以状态 {status} 退出；请查看运行目录中的 {log.name}，并用 `zhongshu models verify` 检查模型文件",
    )


async def _abandon(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _metric(text: str, name: str) -> int:
    for line in text.splitlines():
        if line.startswith(name + " "):
            return int(float(line.split()[1]))
    return 0


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
