"""A dispatcher over upstreams that do as they are told, on a clock moved by hand."""

import pytest

from zhongshu.core.access import Caller
from zhongshu.core.answers import Answer, Choice, Event, StopDelta, TextDelta, Usage, UsageDelta
from zhongshu.core.clock import FakeClock
from zhongshu.core.models import ModelCard, Offer, Release
from zhongshu.core.ports import Asking
from zhongshu.core.problems import Fault, fault
from zhongshu.core.turns import Message, Turn, Wishes
from zhongshu.upstreams.dispatch.board import Board, Rules
from zhongshu.upstreams.dispatch.dispatcher import UpstreamDispatcher
from zhongshu.upstreams.dispatch.settings import DispatchSettings

FAST = DispatchSettings(backoff_s=0.0, backoff_max_s=0.0)


def error(name="a", **facts):
    return fault("upstream_error", upstream=name, upstream_status=facts.pop("status", 500), **facts)


def offer(upstream, model="m", context=None, weight=1.0, version="1", there=""):
    release = Release(model=model, version=version, upstream=upstream, upstream_model=there or model, weight=weight)
    return Offer(release, ModelCard(name=model, context=context))


class Stream:
    """Plays batches; a Fault among them is raised, a number is waited for."""

    def __init__(self, owner, script):
        self.owner = owner
        self.script = script
        self.closed = False

    async def batches(self):
        for piece in self.script:
            if isinstance(piece, Fault):
                raise piece
            if isinstance(piece, int | float):
                await self.owner.pause(piece)
                continue
            yield (Event(tuple(piece)),)

    async def aclose(self):
        if not self.closed:
            self.closed = True
            self.owner.closed += 1


SAYS = ([TextDelta(0, "hi")], [StopDelta(0, "stop"), UsageDelta(Usage(3, 1))])


class Actor:
    """An upstream that plays `script`, one entry a call, the last one for ever: a Fault, a number of seconds, an Answer,
    or a tuple of batches. Answers and streams say the upstream's name."""

    def __init__(self, name, *script):
        self.name = name
        self.script = list(script) or ["ok"]
        self.calls = []
        self.closed = 0
        self.cancelled = 0
        self.checks = "ok"

    async def pause(self, seconds):
        import asyncio

        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def _next(self, call):
        self.calls.append(call)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Fault):
            raise step
        if isinstance(step, int | float):
            await self.pause(step)
            return "ok"
        return step

    async def complete(self, call):
        step = await self._next(call)
        if isinstance(step, Answer):
            return step
        return Answer((Choice(0, self.name),), Usage(3, 4), self.name)

    async def stream(self, call):
        step = await self._next(call)
        return Stream(self, SAYS if step == "ok" else step)

    async def embed(self, call):
        return await self._next(call)

    hand_on = embed

    async def check(self):
        if isinstance(self.checks, Fault):
            raise self.checks

    async def aclose(self):
        pass


class Desk:
    """A dispatcher, its board and what it is asked."""

    def __init__(self, *actors, rules=FAST, **more):
        self.clock = FakeClock()
        self.actors = {actor.name: actor for actor in actors}
        self.board = Board(self.clock, Rules(dispatch=rules, **more))
        self.dispatcher = UpstreamDispatcher(self.actors, self.clock, self.board)

    def asking(
        self, *tiers, text="hello", tenant="t", priority="normal", body_bytes=100, most=None, first=False, **fields
    ):
        messages = fields.pop("messages", (Message("user", text),))
        turn = Turn(
            "t" * 32, 1, "chat", "openai.chat", "m", messages=messages, body_bytes=body_bytes,
            wishes=Wishes(priority=priority), **fields,
        )  # fmt: skip
        told = tiers or (tuple(map(offer, self.actors)),)
        return Asking(turn, Caller(tenant, "k", priority=most, first=first), told, None)

    async def complete(self, asking):
        return (await self.dispatcher.complete(asking)).choices[0].text

    def replica(self, name, model="m"):
        return self.board.replica(name, model)

    @property
    def busy(self):
        return sum(host.in_flight for host in self.board.hosts.values())


@pytest.fixture
def desk():
    made = []

    def make(*actors, **how):
        made.append(Desk(*actors, **how))
        return made[-1]

    yield make
    assert not [one.busy for one in made if one.busy], "every place was given back"


def codes(asking):
    return [(attempt.upstream, attempt.error, attempt.why) for attempt in asking.attempts]
