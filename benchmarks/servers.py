"""Processes a benchmark starts: pinned to a core, waited for, logged to a file, ended with all that they started."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from benchmarks import machine

ROOT = Path(__file__).parent.parent
NATIVE = Path(__file__).parent / "native"


class Unavailable(Exception):
    """Something a row needs is not here; the message says how to get it. The row is skipped with it."""


def cache() -> Path:
    """Where compiled tools and throw-away environments are kept between runs; safe to delete."""
    folder = Path(os.environ.get("ZHONGSHU_BENCH_CACHE") or ROOT / ".benchmarks")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def compiled(name: str) -> Path:
    """The native tool `name`, compiled from native/NAME.c if that changed."""
    source = NATIVE / f"{name}.c"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    binary = cache() / f"{name}-{digest}"
    if not binary.exists():
        if not shutil.which("gcc"):
            raise Unavailable("gcc is missing: apt-get install gcc libc6-dev")
        # a name of its own: other threads and processes may be compiling the same tool
        with tempfile.TemporaryDirectory(dir=cache()) as folder:
            fresh = Path(folder) / name
            subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", str(fresh), str(source)], check=True)
            fresh.rename(binary)
    return binary


def program(name: str, package: str) -> str:
    """The path of an installed program, or Unavailable naming the Debian package that has it."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if not path:
        raise Unavailable(f"{name} is missing: apt-get install {package}")
    return path


def own_program(name: str) -> str:
    """The project's own command, from the environment that runs this benchmark."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise Unavailable(f"{name} is not installed beside {Path(sys.executable).name}: run make install")
    return str(path)


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A process under test or beside it, running while the `with` block does.

    `ready` is a path that must answer 200 (None: the port need only accept). The log goes to `log`.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        core: int,
        port: int,
        ready: str | None = None,
        environ: Mapping[str, str] | None = None,
        wait_s: float = 60.0,
    ) -> None:
        self.name = name
        self.port = port
        self.log = Path(tempfile.mkdtemp(prefix="zhongshu-bench-")) / "log"
        self._command = machine.pinned(core, command)
        self._ready = ready
        self._environ = {**os.environ, **(environ or {})}
        self._wait_s = wait_s
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server is running inside its with block only"
        return self._process.pid

    def __enter__(self) -> Server:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environ,
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(15)
        self._signal(signal.SIGKILL)
        self._process.wait(15)
        if kind is None or not issubclass(kind, Unavailable):
            shutil.rmtree(self.log.parent, ignore_errors=True)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _wait(self) -> None:
        end = time.monotonic() + self._wait_s
        while time.monotonic() < end:
            assert self._process is not None
            if self._process.poll() is not None:
                raise Unavailable(f"{self.name} ended at start ({self._ending()}); its last words: {self.last_words()}")
            if self._answers():
                return
            time.sleep(0.1)
        raise Unavailable(f"{self.name} was not ready within {self._wait_s:g} s; its last words: {self.last_words()}")

    def _ending(self) -> str:
        assert self._process is not None
        code = self._process.returncode
        return signal.Signals(-code).name if code < 0 else f"status {code}"

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            if self._ready is None:
                connection.connect()
                return True
            connection.request("GET", self._ready)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def last_words(self, size: int = 160) -> str:
        """The end of the log: its last line that says something."""
        text = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1][:size] if lines else "none"

    def quiesce(self, limit_s: float = 60.0) -> float:
        """Wait until the server has no more work of its own (indexing, say); the seconds that took.

        Without this the work one server left behind would slow down the next.
        """
        start = time.monotonic()
        before = machine.cpu_s(self.pid)
        while time.monotonic() - start < limit_s:
            time.sleep(0.5)
            after = machine.cpu_s(self.pid)
            if after - before <= 0.03:
                break
            before = after
        return max(0.0, time.monotonic() - start - 0.5)


def mock(core: int, *, interval_ms: float = 20.0, port: int = 0, name: str = "mock") -> Server:
    """The mock upstream of native/mock.c. name: what it calls itself where it echoes."""
    port = port or free_port()
    command = [str(compiled("mock")), "--port", str(port), "--interval-ms", f"{interval_ms:g}", "--name", name]
    return Server("mock upstream", command, core=core, port=port, ready="/stats")


def python_environment(name: str, requirement: str, limit_s: float = 600.0) -> Path:
    """The interpreter of a throw-away environment holding `requirement`, made once."""
    folder = cache() / name
    python = folder / "bin" / "python"
    done = folder / ".installed"
    if done.exists() and done.read_text() == requirement:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if uv:
        commands = [
            [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--quiet", "--python", str(python), requirement],
        ]
    else:
        commands = [
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement],
        ]
    for command in commands:
        _install(command, requirement, limit_s)
    done.write_text(requirement)
    return python


def node_package(requirement: str, limit_s: float = 300.0) -> Path:
    """The folder `node_modules` of a throw-away install of one npm package, made once."""
    program("node", "nodejs")
    npm = program("npm", "npm")
    folder = cache() / requirement.rpartition("/")[2].replace("@", "-")
    done = folder / ".installed"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _install(
            [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), requirement],
            requirement,
            limit_s,
        )
        done.write_text(requirement)
    return folder / "node_modules"


def _install(command: list[str], what: str, limit_s: float) -> None:
    print(f"  installing {what} ...", file=sys.stderr, flush=True)
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{what} did not install within {limit_s:g} s") from None
    except subprocess.CalledProcessError as error:
        words = " | ".join(error.stderr.decode("utf-8", "replace").strip().splitlines()[-2:])
        raise Unavailable(f"{what} did not install: {words[:300]}") from None
