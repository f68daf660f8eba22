"""The commands against a real HTTP server: the surface of tests/api with a scripted upstream, on a port of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from typer.testing import CliRunner, Result

from tests.api.conftest import House
from tests.waiting import until


class Running:
    """A served House."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._server = uvicorn.Server(
            uvicorn.Config(house.app, port=0, log_level="error", lifespan="off", interface="asgi3")
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Running:
        self._thread.start()
        until(lambda: self._server.started)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(60)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory of the test's own, English, and no settings from outside."""
    for name in ("ZHONGSHU_URL", "ZHONGSHU_KEY", "ZHONGSHU_CONFIG", "ZHONGSHU_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZHONGSHU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZHONGSHU_LANG", "en")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def serve(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Running]]:
    """`serve(reply)` starts a server that ZHONGSHU_URL points at."""
    running: list[Running] = []

    def start(reply: Any, **more: Any) -> Running:
        server = Running(House(reply, **more)).__enter__()
        running.append(server)
        monkeypatch.setenv("ZHONGSHU_URL", server.url)
        monkeypatch.setenv("ZHONGSHU_KEY", "zs_test")
        return server

    yield start
    for server in running:
        server.__exit__()


@pytest.fixture
def run(home: Path) -> Callable[..., Result]:
    """`run(app, "check", input=...)` runs a command in this process."""
    return lambda app, *args, **more: CliRunner().invoke(app, list(args), **more)
