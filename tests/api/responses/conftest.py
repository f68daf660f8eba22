"""The whole HTTP surface in memory over two scripted upstreams on real sockets, one of each wire format, with a real store
of turns. Two tenants, by their keys."""

import json

import pytest

from tests.api.exchange import exchange
from tests.holding import HELD, Holding
from tests.waiting import eventually
from zhongshu.access.fake import FakeGate
from zhongshu.api.endpoint import Bounds, Load
from zhongshu.api.openai.errors import send_problem
from zhongshu.api.responses.background import Background
from zhongshu.api.surface import Remembering, surface
from zhongshu.catalog.catalog import ModelCatalog, offer_of
from zhongshu.catalog.releases import TrafficPlans
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.access import Caller
from zhongshu.core.clock import SystemClock
from zhongshu.core.problems import Refusal, problem
from zhongshu.ledger.fake import FakeJournal
from zhongshu.pipeline.stages import Assumptions, Rooms
from zhongshu.router.decision import Decider
from zhongshu.safety.label import AiLabeller
from zhongshu.safety.settings import LabelSettings
from zhongshu.sessions.sessions import open_sessions
from zhongshu.sessions.settings import SessionsSettings
from zhongshu.upstreams.dispatch.dispatcher import UpstreamDispatcher
from zhongshu.upstreams.registry import open_upstreams
from zhongshu.upstreams.scripted.script import SHIPPED
from zhongshu.upstreams.scripted.serve import serving
from zhongshu.upstreams.settings import UpstreamSettings

TENANTS = {b"acme": Caller("acme", "k1"), b"globex": Caller("globex", "k2"), b"acme-2": Caller("acme", "k3")}


class Gate(FakeGate):
    async def identify(self, credential):
        return TENANTS.get(credential) or Refusal("admit", problem("invalid_api_key"))


@pytest.fixture(scope="session")
def served():
    with serving(Holding()) as running:
        yield running


@pytest.fixture
async def unheld(served):
    """Nobody of an earlier test is being answered any more, and `held` holds again."""
    await eventually(lambda: served.app.stats.in_flight == 0)
    served.app.hold()
    return served


class Reply:
    """What came back over ASGI: JSON, or events."""

    def __init__(self, messages):
        self.status = messages[0]["status"]
        self.headers = {k.decode(): v.decode() for k, v in messages[0]["headers"]}
        self.body = b"".join(m.get("body", b"") for m in messages[1:])

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]

    @property
    def events(self):
        found = []
        for block in self.body.decode().split("\n\n"):
            if block:
                name, data = block.split("\n")
                event = json.loads(data.removeprefix("data: "))
                assert name == f"event: {event['type']}"
                found.append(event)
        assert [event["sequence_number"] for event in found] == list(range(len(found)))
        return found


class House:
    def __init__(self, served, home, *, label="flag", keep=True, hidden=()):
        clock = SystemClock()
        there = {"base_url": served.base_url, "kind": "openai-compatible", "key": "none"}
        self.served = served
        self.upstreams = open_upstreams(
            [UpstreamSettings(name="chat", **there), UpstreamSettings(name="resp", wire="responses", **there)]
        )
        rows = [
            ModelSettings(
                name=f"{prefix}{name}", upstream=upstream, upstream_model=name, thinking="switch",
                abilities=("chat", "tools", "json", "schema", "vision", "thinking"),
            )
            for prefix, upstream in (("", "chat"), ("r-", "resp"))
            for name in (*SHIPPED, HELD)
        ]  # fmt: skip
        self.journal, self.load = FakeJournal(), Load()
        rooms = Rooms(
            gate=Gate(), catalog=ModelCatalog([offer_of(row) for row in rows]), router=Decider(),
            dispatcher=UpstreamDispatcher(self.upstreams, clock), releases=TrafficPlans(),
            labeller=AiLabeller(LabelSettings(text=label)), journal=self.journal, observer=self, clock=clock,
            assume=Assumptions(thoughts_hidden_from=frozenset(hidden)),
        )  # fmt: skip
        self.sessions = open_sessions(SessionsSettings(keep=keep), home, clock)
        self.background = Background(self.sessions, lambda: rooms, self.load)
        remembering = Remembering(self.sessions, self.background)

        async def nothing(scope, receive, send):
            await send_problem(scope, send, problem("not_found"))

        self.app = surface(lambda: rooms, Bounds(), self.load, dict, lambda: b"", nothing, remembering=remembering)

    def observe(self, record):
        pass

    async def aclose(self):
        await self.background.aclose()
        await self.sessions.aclose()
        for upstream in self.upstreams.values():
            await upstream.aclose()

    async def send(self, method, path, body=None, *, key="acme", leave_after=None):
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        sent = json.dumps(body).encode() if body is not None else b""
        return Reply(await exchange(self.app, method, path, sent, headers, leave_after=leave_after))

    async def ask(self, input="hello", *, model="mock", key="acme", leave_after=None, **fields):
        """POST /v1/responses."""
        body = {"model": model, "input": input, **fields}
        return await self.send("POST", "/v1/responses", body, key=key, leave_after=leave_after)

    def sent(self):
        """The body the upstream got last."""
        return json.loads(self.served.app._last)


@pytest.fixture
async def house(unheld, tmp_path):
    opened = House(unheld, tmp_path)
    yield opened
    await opened.aclose()


@pytest.fixture
async def open_house(unheld, tmp_path):
    """Makes houses with other settings."""
    opened = []

    def make(**settings):
        opened.append(House(unheld, tmp_path / str(len(opened)), **settings))
        return opened[-1]

    yield make
    for each in opened:
        await each.aclose()
