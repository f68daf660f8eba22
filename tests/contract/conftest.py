"""One installation for the whole matrix: the scripted upstream behind each of the four wire formats."""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.parse
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from tests.contract import anthropic, chat, gemini, responses
from tests.contract.words import Ask, Heard, Said
from tests.running import KEY, ONE_TRY, platform
from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import SHIPPED, Behaviour, Script
from zhongshu.upstreams.scripted.serve import serving

PROTOCOLS = {protocol.NAME: protocol for protocol in (chat, responses, anthropic, gemini)}
WIRES = {"openai": chat, "responses": responses, "anthropic": anthropic, "gemini": gemini}
_BASES = {"openai": "/v1", "responses": "/v1", "anthropic": "", "gemini": "/v1beta"}

# Everything at once, cut into pieces in many ways.
CHUNKINGS: dict[str, dict[str, Any]] = {
    "one-by-one": {"piece_characters": 1},
    "fives": {},
    "packed": {"piece_characters": 3, "pack": 4},
    "comments": {"piece_characters": 2, "line_end": "\r\n", "comments": True},
    "at-once": {"piece_characters": 1000, "role_only": False},
}


def _all(**how: Any) -> Behaviour:
    tools = SHIPPED["mock-tools"]
    return Behaviour(
        text=tools.text + " 😀", thought=SHIPPED["mock-thought"].thought, tool_calls=tools.tool_calls, **how
    )


# How each wire format says that a prompt is too long.
TOO_LONG = {
    "openai": SHIPPED["mock-context"].body,
    "responses": SHIPPED["mock-context"].body,
    "anthropic": '{"type":"error","error":{"type":"invalid_request_error",'
    '"message":"prompt is too long: 5000 tokens > 4096 maximum"}}',
    "gemini": '{"error":{"code":400,"status":"INVALID_ARGUMENT","message":'
    '"The input token count (5000) exceeds the maximum number of tokens allowed (4096)."}}',
}
MODELS = {
    **{f"all-{name}": _all(**how) for name, how in CHUNKINGS.items()},
    "stop-text": Behaviour(text="One, two", finish_reason="stop_sequence"),
    **{f"too-long-{wire}": Behaviour(status=400, body=body) for wire, body in TOO_LONG.items()},
}
NAMES = [*SHIPPED, *MODELS]
# A model that answers, fails once and answers again, one for each protocol; another answers in its place.
CHAINS = [f"chain-{name}" for name in PROTOCOLS]
_CHAIN = Behaviour(sequence=("all-fives", "mock-500", "all-fives"))


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def dropped(self) -> list[str]:
        return [name for name in self.headers.get("x-zhongshu-dropped", "").split(", ") if name]


class Cell:
    """One protocol in front of one wire format."""

    def __init__(self, house: House, protocol: ModuleType, wire: str) -> None:
        self.house = house
        self.protocol = protocol
        self.wire = wire

    def send(self, ask: Ask, stream: bool = False) -> Reply:
        ask = ask.to(f"{self.wire}/{ask.model}")
        return self.post(ask.model, self.protocol.body_of(ask, stream), stream)

    def post(self, model: str, body: dict[str, Any], stream: bool = False) -> Reply:
        return self.house.post(
            self.protocol.path_of(model, stream), self.protocol.headers_of(KEY), json.dumps(body).encode()
        )

    def said(self, ask: Ask, stream: bool = False) -> Said:
        reply = self.send(ask, stream)
        assert reply.status == 200, reply.body
        return (self.protocol.streamed if stream else self.protocol.whole)(reply.body)

    def heard(self) -> Heard:
        return WIRES[self.wire].heard(self.house.last())


class House:
    """The installation, and the upstream behind it. Connections are not kept: tests of other files may run for longer than
    a server keeps an idle one."""

    def __init__(self, url: str, upstream: int) -> None:
        self._address = urllib.parse.urlsplit(url).netloc
        self._upstream = f"127.0.0.1:{upstream}"

    def post(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        with contextlib.closing(http.client.HTTPConnection(self._address, timeout=60)) as connection:
            connection.request("POST", path, body, headers | {"content-type": "application/json"})
            reply = connection.getresponse()
            return Reply(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())

    def last(self) -> bytes:
        """The exact body of what the upstream was asked last."""
        with contextlib.closing(http.client.HTTPConnection(self._upstream, timeout=60)) as connection:
            connection.request("GET", "/v1/last")
            return connection.getresponse().read()


def settings_of(port: int, names: list[str]) -> str:
    """An installation with every one of these behaviours behind each wire format."""
    lines = [f'profile = "none"\n{ONE_TRY}']
    for wire, base in _BASES.items():
        lines.append(
            f'[[upstreams]]\nname = "{wire}"\nkind = "openai-compatible"\nwire = "{wire}"\n'
            f'base_url = "http://127.0.0.1:{port}{base}"\nkey = "none"\n'
        )
        lines += [
            f'[[models]]\nname = "{wire}/{name}"\nupstream = "{wire}"\nupstream_model = "{name}"\nthinking = "switch"\n'
            'abilities = ["chat", "tools", "json", "schema", "vision", "thinking"]\n'
            for name in names
        ]
    return "\n".join([*lines, *[_second(port, wire, base) for wire, base in _BASES.items()]])


def _second(port: int, wire: str, base: str) -> str:
    """Another provider of the same wire format: the same server, by another name."""
    return (
        f'[[upstreams]]\nname = "second-{wire}"\nwire = "{wire}"\nbase_url = "http://localhost:{port}{base}"\nkey = "none"\n'
        f'[[models]]\nname = "second-{wire}/all-fives"\nupstream = "second-{wire}"\nupstream_model = "all-fives"\n'
        'thinking = "switch"\nabilities = ["chat", "tools", "thinking"]\n'
    )


def _chains() -> str:
    return "\n".join(
        f'[[models]]\nname = "{name}"\nupstream = "anthropic"\nupstream_model = "{name}"\nthinking = "switch"\n'
        'fallbacks = ["openai/all-fives"]\nabilities = ["chat", "tools", "thinking"]\n'
        for name in CHAINS
    )


@pytest.fixture(scope="session")
def matrix(tmp_path_factory):
    with (
        serving(ScriptedApp(Script(models=MODELS | dict.fromkeys(CHAINS, _CHAIN)))) as upstream,
        platform(tmp_path_factory.mktemp("matrix"), settings_of(upstream.port, NAMES) + _chains()) as running,
    ):
        yield House(running.url, upstream.port)


@pytest.fixture(params=WIRES)
def wire(request) -> str:
    return request.param


@pytest.fixture(params=PROTOCOLS)
def cell(request, wire, matrix) -> Cell:
    return Cell(matrix, PROTOCOLS[request.param], wire)
