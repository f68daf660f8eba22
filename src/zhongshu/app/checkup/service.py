"""What can be reached: the port, the running server, its upstreams."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from pyreqwest.client import SyncClientBuilder
from pyreqwest.exceptions import PyreqwestError

from zhongshu.app import paths, running, standing
from zhongshu.app.checkup.finding import Finding, fail, ok, warn
from zhongshu.app.complaints import Complaint
from zhongshu.app.settings import Settings
from zhongshu.upstreams.probe import probe
from zhongshu.upstreams.settings import UpstreamSettings

_PATIENCE = timedelta(seconds=10)


def check_service(settings: Settings) -> Iterator[Finding]:
    """Every check of this part."""
    server = running.find(settings.home)
    if server is None:
        yield _port(settings.server.host, settings.server.port)
    else:
        yield _health(server)
        yield from _workers(settings.home)
        yield from _own_key(server, paths.cli_key_file(settings.home))
    yield from asyncio.run(_upstreams(settings))


def _port(host: str, port: int) -> Finding:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return fail(
                "port",
                f"{host}:{port} cannot be listened on: {error.strerror}",
                f"无法监听 {host}:{port}：{error.strerror}",
                "Stop what uses it (ss -ltnp), or choose another: server.port or `zhongshu up --port`.",
                "请停止占用它的程序（ss -ltnp），或另选端口：server.port 或 `zhongshu up --port`。",
            )
    return ok("port", f"{host}:{port} is free; no server is running", f"{host}:{port} 空闲；没有运行中的服务")


def _health(server: running.Running) -> Finding:
    status, body = _get(f"{server.url}/readyz", {})
    if status == 200:
        return ok(
            "server", f"{server.url} is ready (process {server.pid})", f"{server.url} 已就绪（进程 {server.pid}）"
        )
    if status == 0:
        return fail(
            "server",
            f"{server.url} does not answer (process {server.pid})",
            f"{server.url} 没有响应（进程 {server.pid}）",
            f"Look at its log; stop it with `kill {server.pid}` and start it again.",
            f"请查看日志；可用 `kill {server.pid}` 停止后重新启动。",
        )
    parts: dict[str, Any] = body.get("parts") or {}
    bad = ", ".join(f"{name}: {state}" for name, state in parts.items() if state != "ok")
    return fail(
        "server",
        f"{server.url} is not ready: {bad}",
        f"{server.url} 未就绪：{bad}",
        "Mend the parts named; the lines beside this one say how.",
        "请修复所列部分；做法见其他各行。",
    )


def _workers(home: Path) -> Iterator[Finding]:
    """Whether all workers run the settings in force, and whether the newest were refused."""
    now = standing.read(home)
    if now is None:  # a server of an older version
        return
    for worker in now.apart:
        runs = worker.generation
        en = f"runs generation {runs}" if runs else "is not ready"
        zh = f"运行第 {runs} 代设置" if runs else "未就绪"
        why, why_zh = _why(worker.refused)
        yield fail(
            "workers",
            f"{worker.name} {en}, generation {now.generation} is in force{why}",
            f"{worker.name} {zh}，生效的是第 {now.generation} 代{why_zh}",
            "Look at the server's log; `zhongshu config reload` asks it again.",
            "请查看服务日志；`zhongshu config reload` 可再次请求。",
        )
    if now.refused:
        why, why_zh = _why(now.refused)
        yield warn(
            "workers",
            f"the newest settings were refused, generation {now.generation} goes on{why}",
            f"最近一次设置被拒绝，继续使用第 {now.generation} 代{why_zh}",
            "Mend what is named, then `zhongshu config reload`.",
            "请修正所指之处，再运行 `zhongshu config reload`。",
        )
    elif not now.apart:
        count, number = len(now.workers), now.generation
        yield ok("workers", f"{count} run generation {number}", f"{count} 个，运行第 {number} 代设置")


def _why(refused: tuple[Complaint, ...]) -> tuple[str, str]:
    """In English and Chinese, to be put behind a sentence."""
    en, zh = (" | ".join(one.sentence(chinese=chinese) for one in refused) for chinese in (False, True))
    return (f": {en}", f"：{zh}") if refused else ("", "")


def _own_key(server: running.Running, file: Path) -> Iterator[Finding]:
    if not file.is_file():
        return
    status, _ = _get(f"{server.url}/v1/models", {"authorization": f"Bearer {file.read_text().strip()}"})
    if status in (401, 403):
        yield warn(
            "key",
            "the key of this machine's command line is refused",
            "本机命令行的密钥被拒绝",
            f"Delete {file} and start the server again, or set ZHONGSHU_KEY.",
            f"请删除 {file} 并重启服务，或设置 ZHONGSHU_KEY。",
        )
    elif status == 200:
        yield ok("key", "the key of this machine's command line works", "本机命令行的密钥可用")


async def _upstreams(settings: Settings) -> list[Finding]:
    """Each upstream that a model uses, asked at once."""
    used = {row.upstream for row in settings.models}
    rows = (row for row in settings.upstreams if row.name in used or row.models)
    return list(await asyncio.gather(*(_upstream(row) for row in rows)))


async def _upstream(row: UpstreamSettings) -> Finding:
    name = row.name
    try:
        found = await asyncio.wait_for(probe(row), _PATIENCE.total_seconds())
    except TimeoutError:
        late = f"{name}: no answer in {_PATIENCE.seconds} s", f"{name}：{_PATIENCE.seconds} 秒内无响应"
        return fail("upstreams", *late, "Check its address and the network.", "请检查地址与网络。")
    if not found.ok and not found.missing:
        return fail("upstreams", f"{name}: {found.why}", f"{name}：{found.why_zh}", found.mend, found.mend_zh)
    said = f"{name} answers in {found.kept_ms} ms", f"{name} 可用，{found.kept_ms} 毫秒响应"
    return warn("upstreams", *said, found.mend, found.mend_zh) if found.missing else ok("upstreams", *said)


def _get(url: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Status and JSON; status 0 when nothing answers."""
    try:
        with SyncClientBuilder().no_proxy().timeout(_PATIENCE).build() as client:
            reply = client.get(url).headers(headers).build().send()
            return reply.status, msgspec.json.decode(bytes(reply.bytes()), type=dict[str, Any])
    except (PyreqwestError, msgspec.DecodeError):
        return 0, {}
