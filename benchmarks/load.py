"""Load: wrk for plain chat, native/streams.c for many streams at once, and one request to see that the answer is right.

Everything goes to loopback and is bounded in count and time.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from benchmarks import machine, servers

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"


class Plain(msgspec.Struct, frozen=True):
    """What wrk saw. Times in microseconds."""

    requests: int
    seconds: float
    p50_us: int
    p90_us: int
    p99_us: int
    max_us: int
    status_errors: int
    socket_errors: int

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0

    @property
    def errors(self) -> int:
        return self.status_errors + self.socket_errors


class Spread(msgspec.Struct, frozen=True):
    """Percentiles in milliseconds; None when there was no sample."""

    p50: float | None
    p90: float | None
    p99: float | None
    p999: float | None
    max: float | None


class Streams(msgspec.Struct, frozen=True):
    """What native/streams.c saw; the words are explained there."""

    count: int
    seconds: float
    chunks: int
    events: int
    bytes: int
    complete: int
    left: int
    cut: int
    refused: int
    failed: int
    timed_out: int
    delay: Spread
    jitter: Spread
    ending: Spread
    first: Spread
    interval_ms: float


class MockStats(msgspec.Struct, frozen=True):
    """What the mock upstream counted since its last reset: `left` streams were hung up on."""

    plain: int
    streams: int
    finished: int
    left: int
    open: int
    chunks: int
    bytes: int
    left_chunks: int
    left_unsent: int
    refused: int


class Door(msgspec.Struct, frozen=True):
    """Where and how a chat request enters a server."""

    port: int
    path: str = CHAT
    headers: Mapping[str, str] = {}
    model: str = "mock"


def chat_body(model: str, *, chunks: int | None = None, words: str = "") -> bytes:
    """A plain chat request, or a streaming one that asks for `chunks` tokens. `words` are added to the prompt."""
    body: dict[str, object] = {
        "model": model,
        "messages": [
            {"role": "system", "content": "You are a careful assistant. Answer in one paragraph."},
            {"role": "user", "content": f"Why is a record made durable before the reply ends? {words}".strip()},
        ],
        "temperature": 0.2,
    }
    if chunks is not None:
        body |= {"stream": True, "stream_options": {"include_usage": True}, "max_tokens": chunks}
    return msgspec.json.encode(body)


NEW = "Think of @@@@@@."
"""Words that make each of wrk's requests another question (native/chat.lua)."""


class BodyOf(Protocol):
    """Writes a streaming request for `chunks` tokens."""

    def __call__(self, model: str, *, chunks: int, words: str) -> bytes: ...


def message_body(model: str, *, chunks: int, words: str = "") -> bytes:
    """The same question by Anthropic's protocol, streaming."""
    body = {
        "model": model,
        "system": "You are a careful assistant. Answer in one paragraph.",
        "messages": [
            {"role": "user", "content": f"Why is a record made durable before the reply ends? {words}".strip()}
        ],
        "temperature": 0.2,
        "max_tokens": chunks,
        "stream": True,
    }
    return msgspec.json.encode(body)


def ask(door: Door, body: bytes, timeout_s: float = 30.0) -> tuple[int, bytes]:
    """One request over its own connection: status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=timeout_s)
    try:
        connection.request("POST", door.path, body, {"content-type": "application/json", **door.headers})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def check_plain(name: str, door: Door) -> None:
    """Make sure that the server hands through the mock's plain answer; Unavailable if not."""
    check(name, door, chat_body(door.model), b"can always be found again")


def check_stream(name: str, door: Door) -> None:
    """Make sure that the server hands through a stream to its end; Unavailable if not."""
    check(name, door, chat_body(door.model, chunks=2), b"[DONE]")


def check(name: str, door: Door, body: bytes, mark: bytes) -> None:
    """Make sure that the server answers this with something that holds `mark`; Unavailable if not."""
    try:
        status, reply = ask(door, body)
    except OSError as error:
        raise servers.Unavailable(f"{name} does not answer: {error}") from None
    if status != 200 or mark not in reply:
        raise servers.Unavailable(f"{name} answers {status}: {reply[:200].decode('utf-8', 'replace')}")


def wrk_process(
    door: Door, body: Path, *, core: int, connections: int, seconds: float, delay_ms: float | None = None
) -> subprocess.Popen[bytes]:
    """wrk, started; `delay_ms` is a pause of each connection before each request."""
    command = [
        servers.program("wrk", "wrk"),
        "--threads=1",
        f"--connections={connections}",
        f"--duration={max(1, round(seconds))}s",
        "--timeout=10s",
        f"--script={servers.NATIVE / 'chat.lua'}",
        f"http://127.0.0.1:{door.port}{door.path}",
    ]
    environ = {
        **os.environ,
        "BENCH_BODY": str(body),
        "BENCH_HEADERS": "".join(f"{name}: {value}\n" for name, value in door.headers.items()),
        "BENCH_DELAY_MS": "" if delay_ms is None else f"{delay_ms:g}",
    }
    return subprocess.Popen(machine.pinned(core, command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ)


def wrk_result(process: subprocess.Popen[bytes], limit_s: float) -> Plain:
    """What a wrk process reports when it ends."""
    out, err = process.communicate(timeout=limit_s)
    for line in out.decode().splitlines():
        if line.startswith("BENCH "):
            return msgspec.json.decode(line[6:], type=Plain)
    raise servers.Unavailable(f"wrk failed: {(err or out).decode('utf-8', 'replace').strip()[-200:]}")


def plain(door: Door, *, core: int, connections: int, seconds: float, body: bytes = b"") -> Plain:
    """Plain chat, or another request, as fast as the connections allow, for a time."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "body.json"
        file.write_bytes(body or chat_body(door.model))
        process = wrk_process(door, file, core=core, connections=connections, seconds=seconds)
        return wrk_result(process, seconds + 30)


def streams(
    door: Door,
    *,
    core: int,
    count: int,
    chunks: int,
    interval_ms: float,
    limit_s: float = 60.0,
    leave_after: int = 0,
    settle_ms: float = 0.0,
    words: str = "",
    body_of: BodyOf | None = None,
) -> Streams:
    """`count` streams opened at once, `chunks` chunks each; every one left after `leave_after` chunks if that is given.

    body_of writes the request where it is not a chat of OpenAI's protocol. Delay and jitter are taken from `settle_ms`
    after the start until the first stream ends, `ending` from then on.
    """
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "body.json"
        pace = f"[[mock:interval={interval_ms:g}]]"
        body.write_bytes((body_of or chat_body)(door.model, chunks=chunks, words=f"{pace} {words}"))
        command = [str(servers.compiled("streams")), "--port", str(door.port), "--path", door.path, "--body", str(body)]
        command += ["--count", str(count), "--interval-ms", f"{interval_ms:g}", "--seconds", f"{limit_s:g}"]
        command += ["--leave-after", str(leave_after), "--settle-ms", f"{settle_ms:g}"]
        for name, value in door.headers.items():
            command += ["--header", f"{name}: {value}"]
        done = subprocess.run(machine.pinned(core, command), capture_output=True, check=True, timeout=limit_s + 30)
    return msgspec.json.decode(done.stdout, type=Streams)


def mock_stats(port: int) -> MockStats:
    """The mock upstream's counters."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/stats")
        return msgspec.convert(json.loads(connection.getresponse().read()), MockStats)
    finally:
        connection.close()


def reset_mock(port: int) -> None:
    """Set the mock upstream's counters to zero."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/reset", b"")
        connection.getresponse().read()
    finally:
        connection.close()
