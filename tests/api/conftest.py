"""The whole HTTP surface in memory: the real pipeline, router, catalogue, label and OpenAI upstream; only the network
below the upstream, the gate and the disk below the journal are replaced by their in-memory twins."""

from collections.abc import Mapping

import msgspec
import pytest

from tests.api.exchange import exchange
from zhongshu.access.fake import FakeGate
from zhongshu.api.endpoint import Bounds, Load
from zhongshu.api.openai.errors import send_problem
from zhongshu.api.responses.background import Background
from zhongshu.api.surface import Remembering, surface
from zhongshu.catalog.catalog import ModelCatalog, offer_of
from zhongshu.catalog.releases import TrafficPlans
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.clock import SystemClock
from zhongshu.core.models import Price
from zhongshu.core.problems import problem
from zhongshu.ledger.fake import FakeJournal
from zhongshu.pipeline.stages import Rooms
from zhongshu.router.decision import Decider
from zhongshu.safety.label import AiLabeller
from zhongshu.safety.settings import LabelSettings
from zhongshu.upstreams.dispatch.dispatcher import UpstreamDispatcher
from zhongshu.upstreams.memory import MemoryTransport, Reply
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.openai.upstream import OpenAIUpstream

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "served",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


class Response:
    """What came back over ASGI."""

    def __init__(self, messages):
        start = messages[0]
        self.status = start["status"]
        self.headers = {k.decode(): v.decode() for k, v in start["headers"]}
        self.pieces = [m.get("body", b"") for m in messages[1:]]
        self.body = b"".join(self.pieces)
        self.ended = not messages[-1].get("more_body", False)

    def json(self):
        return msgspec.json.decode(self.body)

    def events(self):
        return [line[6:] for line in self.body.decode().split("\n\n") if line.startswith("data: ")]


class House:
    """One running surface and what is behind it."""

    def __init__(self, reply, *, label=None, models=None, bounds=None, gate=None, rest=None, kept=None, sessions=None):
        self.transport = MemoryTransport(reply if callable(reply) else lambda _: reply)
        self.journal = FakeJournal()
        self.gate = gate or FakeGate()
        self.load = Load()
        self.seen = []
        rows = models or [
            ModelSettings(
                name="small", upstream="up", tier="general", price=Price(input=2, output=8), upstream_model="served"
            ),
            ModelSettings(name="vectors", upstream="up", abilities=("embedding",)),
        ]
        self.rooms = Rooms(
            gate=self.gate,
            catalog=ModelCatalog([offer_of(row) for row in rows]),
            router=Decider(),
            dispatcher=UpstreamDispatcher({"up": OpenAIUpstream("up", Manner(), self.transport)}, SystemClock()),
            releases=TrafficPlans(),
            labeller=AiLabeller(label or LabelSettings()),
            journal=self.journal,
            observer=self,
            clock=SystemClock(),
        )

        async def nothing(scope, receive, send):
            await send_problem(scope, send, problem("not_found"))

        remembering = sessions and Remembering(sessions, Background(sessions, lambda: self.rooms, self.load))
        self.app = surface(
            lambda: self.rooms,
            bounds or Bounds(),
            self.load,
            dict,
            lambda: b"",
            rest or nothing,
            kept=kept,
            remembering=remembering,
        )

    def observe(self, record):
        self.seen.append(record)

    async def send(self, method, path, body=b"", headers: Mapping[str, str] | None = None, *, leave_after=None):
        """One request. leave_after: the client goes away after that many messages of the reply."""
        given = {"authorization": "Bearer zs_test", "content-type": "application/json", **(headers or {})}
        out = await exchange(self.app, method, path, body, given, leave_after=leave_after)
        return Response(out) if out else None

    async def chat(self, leave_after=None, headers=None, **fields):
        body = {"model": "small", "messages": [{"role": "user", "content": "hello"}], **fields}
        return await self.send(
            "POST", "/v1/chat/completions", msgspec.json.encode(body), headers, leave_after=leave_after
        )


def whole(body=ANSWER, status=200, **headers):
    return Reply(
        status=status, headers={"content-type": "application/json", **headers}, chunks=(msgspec.json.encode(body),)
    )


def streamed(*chunks, done=True):
    """An SSE reply: dicts become chunks; Faults and pauses stay."""
    out = [b"data: %b\n\n" % msgspec.json.encode(c) if isinstance(c, dict) else c for c in chunks]
    if done:
        out.append(b"data: [DONE]\n\n")
    return Reply(headers={"content-type": "text/event-stream"}, chunks=tuple(out))


def chunk(delta=None, finish=None, **fields):
    choices = [] if delta is None and finish is None else [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "served",
        "choices": choices,
        **fields,
    }


@pytest.fixture
def house():
    return House
