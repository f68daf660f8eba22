"""Starts the real thing for journeys and fault tests: `zhongshu up` in its own home, over the scripted upstream."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from zhongshu.engine.models import rows, sources
from zhongshu.engine.models.pull import pull
from zhongshu.engine.models.settings import ModelSourceSettings

KEY = "zs-test-first-key-0123456789abcdef"
SMOL, E5 = "smollm2-135m", "multilingual-e5-small"


class _Silent:
    """A listener that says nothing."""

    def start(self, total: int, done: int = 0) -> None: ...
    def advance(self, n: int) -> None: ...
    def note(self, en: str, zh: str) -> None: ...
    def done(self) -> None: ...


def model_here(name: str) -> None:
    """Bring a shipped model into the user's cache, once, by the product's own way."""
    settings = ModelSourceSettings()
    row = rows.find(name)
    assert row is not None
    pull(row, sources.build(settings), settings.folder(), _Silent())


class Platform:
    """A running installation."""

    def __init__(self, home: Path, settings: Path, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.home = home
        self.settings = settings
        self.url = url
        self.process = process
        self.log = log

    @property
    def environ(self) -> dict[str, str]:
        return environment(self.home, self.settings)

    def cli(self, *arguments: str, stdin: str | None = None, check: bool = True, timeout: float = 120) -> str:
        """Run a `zhongshu` command against it; its standard output."""
        done = subprocess.run(
            [sys.executable, "-m", "zhongshu.cli", *arguments],
            env=self.environ, input=stdin, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"zhongshu {' '.join(arguments)} -> {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def ask(self, path: str, body: object = None, *, key: str = KEY, method: str | None = None, timeout: float = 180):
        """One HTTP exchange: status, headers, decoded JSON (or text)."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                return reply.status, dict(reply.headers), _decoded(reply.read())
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), _decoded(error.read())

    def chat(self, model: str, text: str = "hello", *, key: str = KEY, **fields: object):
        """One plain chat turn."""
        body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        return self.ask("/v1/chat/completions", body, key=key)

    def children(self) -> dict[str, list[int]]:
        """Process ids of what the supervisor started, by module name."""
        found: dict[str, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                    command = (entry / "cmdline").read_bytes().split(b"\0")
                    if int(stat[1]) == self.process.pid and stat[0] != "Z":
                        name = next((c.decode() for c in command if c.startswith(b"zhongshu.")), "?")
                        found.setdefault(name, []).append(int(entry.name))
        return found

    def wait_ready(self, seconds: float = 60) -> None:
        """Until /readyz says so."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                if self.ask("/readyz")[0] == 200:
                    return
            time.sleep(0.05)
        raise AssertionError("not ready again: " + self.log.read_text()[-2000:])


def free_port() -> int:
    """A port that stays free between two servers that are to listen at it: the system gives none of this range away."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(10_000, first)
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port


def _decoded(body: bytes):
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def environment(home: Path, settings: Path) -> dict[str, str]:
    """A clean environment: nothing of the caller's ZHONGSHU_* but the model cache. Compiled modules are kept, as they
    are on a user's machine: without them a process takes twice as long to start."""
    dropped = {name for name in os.environ if name.startswith("ZHONGSHU_")} - {"ZHONGSHU_MODELS"}
    dropped.add("PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {
        **kept,
        "ZHONGSHU_HOME": str(home),
        "ZHONGSHU_CONFIG": str(settings),
        "ZHONGSHU_FIRST_KEY": KEY,
        "ZHONGSHU_LANG": "en",
        "NO_COLOR": "1",
    }


@contextlib.contextmanager
def platform(
    folder: Path, settings: str, environ: Mapping[str, str] | None = None, port: int = 0
) -> Iterator[Platform]:
    """Start an installation with these settings (TOML); stop it by SIGTERM at the end. port: 0 lets the system choose."""
    folder.mkdir(parents=True, exist_ok=True)
    home, file, log = folder / "home", folder / "zhongshu.toml", folder / "log.txt"
    file.write_text(settings)
    with log.open("wb") as lines:
        process = subprocess.Popen(
            [sys.executable, "-m", "zhongshu.cli", "up", "--no-pull", "--json", "--port", str(port)],
            env={**environment(home, file), **(environ or {})}, stdout=subprocess.PIPE, stderr=lines,
        )  # fmt: skip
    try:
        yield Platform(home, file, _announced(process, log), process, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(90)
            except subprocess.TimeoutExpired:
                process.kill()
        process.stdout.close()


def _announced(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address, once it is announced (one JSON document over several lines)."""
    text = b""
    while line := process.stdout.readline():
        text += line
        with contextlib.suppress(ValueError):
            return json.loads(text)["url"]
    process.wait(60)
    raise AssertionError("it did not start: " + log.read_text()[-3000:])


# Tests that share an upstream break it on purpose, one after the other: what one breaks must not change how the next
# one's is asked. How failures are met is tried in tests/upstreams/dispatch and test_dispatch_faults.py.
ONE_TRY = "[dispatch]\nretries = 0\nbreaker = false\n"


def over(port: int, models: Mapping[str, str], extra: str = "", profile: str = "none", dispatch: str = ONE_TRY) -> str:
    """Settings with one upstream, the scripted one at `port`, and models name -> name there."""
    rows_of_models = "".join(
        f'[[models]]\nname = "{name}"\nupstream = "scripted"\nupstream_model = "{there}"\n'
        'abilities = ["chat", "completion", "tools", "json", "schema", "vision", "embedding", "thinking"]\n'
        'price = { input = 2.0, output = 8.0, currency = "CNY" }\n'
        for name, there in models.items()
    )
    return (
        f'profile = "{profile}"\n{extra}\n{dispatch}'
        f'[[upstreams]]\nname = "scripted"\nkind = "openai-compatible"\nbase_url = "http://127.0.0.1:{port}/v1"\nkey = "none"\n'
        + rows_of_models
    )
