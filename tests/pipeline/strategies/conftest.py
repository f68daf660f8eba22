"""Two models in memory, an assistant over them, and turns through the pipeline."""

from __future__ import annotations

import msgspec
import pytest

from tests.pipeline.conftest import Path
from zhongshu.catalog.assistants import AssistantSettings
from zhongshu.catalog.catalog import ModelCatalog, offer_of
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.answers import (
    Event,
    ProgressDelta,
    StopDelta,
    TextDelta,
    ThoughtDelta,
    ToolCallArguments,
    ToolCallEnd,
    ToolCallStart,
    Usage,
    UsageDelta,
)
from zhongshu.core.models import Price
from zhongshu.pipeline.answer import answer, stream
from zhongshu.upstreams.dispatch.dispatcher import UpstreamDispatcher
from zhongshu.upstreams.fake import FakeModel

CHEAP, DEAR = Price(input=1, output=2), Price(input=10, output=20)
ABLE = ("chat", "tools", "json", "schema", "thinking", "logprobs")


class Stopped(str):
    """Words that end for a reason: `stop`."""

    stop = "stop"

    def __new__(cls, text, stop):
        made = super().__new__(cls, text)
        made.stop = stop
        return made


class Saying(FakeModel):
    """Says one thing after another; the last one stays. A Fault among them is raised instead. then: who answers the calls
    after the first."""

    then = None

    def __init__(self, name, *says, thinks="", **more):
        super().__init__(name, **more)
        self.lines = [*says]
        self.thinks = thinks

    def _begin(self, call):
        said = self.lines[0] if len(self.lines) == 1 else self.lines.pop(0)
        self.fails = said if isinstance(said, Exception) else None
        self.says = "" if self.fails else said
        super()._begin(call)

    async def _events(self, call):
        if self.then is not None and len(self.calls) > 1:
            async for event in self.then._events(call):
                yield event
            return
        if self.thinks:
            yield Event((ThoughtDelta(0, self.thinks, "proof"),))
        stop = getattr(self.says, "stop", "stop")
        async for event in super()._events(call):
            yield Event((StopDelta(0, stop),)) if isinstance(event.deltas[0], StopDelta) else event


class Calling(Saying):
    """Says something and calls a tool."""

    async def _events(self, call):
        yield Event((TextDelta(0, "looking"),))
        yield Event((ToolCallStart(0, 0, "call_1", "clock"), ToolCallArguments(0, 0, "{}"), ToolCallEnd(0, 0)))
        yield Event((StopDelta(0, "tool_calls"), UsageDelta(Usage(prompt=5, completion=5))))


class Judging:
    """A judge that says what it is told to."""

    class _Doubt(msgspec.Struct, frozen=True):
        chance: float

    def __init__(self, chance):
        self.chance = chance

    def of_pair(self, general, reasoning):
        return self

    def question(self, text):
        return self._Doubt(self.chance)

    def draft(self, question, answer):
        return self._Doubt(self.chance)


class Pair(Path):
    """An assistant "a" over a general model "g" and a reasoning model "r"."""

    def __init__(self, general, reasoning, strategy, chance=0.0, thinking="never", **of_assistant):
        super().__init__(general)
        self.general, self.reasoning = general, reasoning
        rows = [
            ModelSettings(name="g", upstream="g", price=CHEAP, abilities=ABLE),
            ModelSettings(name="r", upstream="r", price=DEAR, abilities=ABLE, thinking=thinking),
        ]
        names = {"general": "g", "reasoning": "r"} if strategy != "direct" else {"general": "g"}
        assistant = AssistantSettings(name="a", strategy=strategy, **{**names, **of_assistant})
        self.rooms = msgspec.structs.replace(
            self.rooms,
            catalog=ModelCatalog([offer_of(row) for row in rows], (assistant,)),
            dispatcher=UpstreamDispatcher({"g": general, "r": reasoning}, self.clock),
            judge=None if chance is None else Judging(chance),
        )

    async def asked(self, streamed=False, text="how much is 2 + 3?", **fields):
        """The answer's text, and the record."""
        arrived = self.arrived(text, model="a", stream=streamed, **fields)
        if not streamed:
            done = await answer(self.rooms, arrived)
            return done.answered.answer.choices[0].text, self.journal.records[0]
        self.deltas = await self.drained(await stream(self.rooms, arrived))
        said = "".join(delta.text for delta in self.deltas if isinstance(delta, TextDelta))
        return said, self.journal.records[0]

    async def drained(self, live):
        """Every delta that a client would see."""
        seen = []
        async for batch in live.batches():
            if isinstance(batch, tuple):
                seen += [delta for event in batch for delta in event.deltas]
        return seen

    @property
    def stages(self):
        return [delta.stage for delta in self.deltas if isinstance(delta, ProgressDelta)]

    @property
    def thoughts(self):
        return "".join(delta.text for delta in self.deltas if isinstance(delta, ThoughtDelta))

    @property
    def whys(self):
        return [attempt.why for attempt in self.journal.records[0].attempts]


@pytest.fixture(params=[False, True], ids=["plain", "stream"])
def streamed(request):
    return request.param
