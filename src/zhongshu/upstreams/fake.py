"""A deterministic upstream in memory, for other rooms' tests: echoes, streams word by word, fails when told to.

Ships beside the real ones because it is part of the design: what is built on Upstream is tried on this.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator

from zhongshu.core.answers import (
    Answer,
    Delta,
    Embeddings,
    Event,
    Fold,
    Passed,
    StopDelta,
    TextDelta,
    Usage,
    UsageDelta,
)
from zhongshu.core.ports import Call, EventStream
from zhongshu.core.problems import Fault

_WORD = re.compile(r"\s*\S+\s*")
_DIMENSIONS = 8


class FakeModel:
    """Answers each choice with `says`, or with the last message. A word is a token, in and out.

    fails: raised by every call, before anything is sent. breaks: raised in a stream (and so in a whole answer) after
    `breaks_after` words. pause_s: waited before each word. calls: what was asked, in order. left: streams that were
    closed before their end.
    """

    def __init__(
        self,
        name: str = "fake",
        *,
        says: str | None = None,
        fails: Fault | None = None,
        breaks: Fault | None = None,
        breaks_after: int = 0,
        pause_s: float = 0.0,
    ) -> None:
        self.name = name
        self.says = says
        self.fails = fails
        self.breaks = breaks
        self.breaks_after = breaks_after
        self.pause_s = pause_s
        self.calls: list[Call] = []
        self.left = 0

    async def complete(self, call: Call) -> Answer:
        """The whole answer: the stream, joined."""
        stream = await self.stream(call)
        fold = Fold()
        async for batch in stream.batches():
            for event in batch:
                fold.add(event)
        return fold.answer(self.name)

    async def stream(self, call: Call) -> EventStream:
        """The answer, a word an event."""
        self._begin(call)
        return _FakeStream(self, self._events(call))

    async def embed(self, call: Call) -> Embeddings:
        """Vectors drawn from each text's hash: the same text, the same vector."""
        self._begin(call)
        vectors = tuple(_vector(text) for text in call.turn.prompts)
        return Embeddings(vectors, Usage(prompt=sum(map(_words, call.turn.prompts))), self.name)

    async def hand_on(self, call: Call) -> Passed:
        """The request's own bytes come back."""
        self._begin(call)
        return Passed(b"{}", "application/json", Usage(prompt=1))

    async def check(self) -> None:
        """Raise `fails`, if set."""
        if self.fails is not None:
            raise self.fails

    async def aclose(self) -> None:
        """Nothing to close."""

    def _begin(self, call: Call) -> None:
        self.calls.append(call)
        if self.fails is not None:
            raise self.fails

    async def _events(self, call: Call) -> AsyncGenerator[Event, None]:
        turn = call.turn
        asked = turn.prompts or (turn.messages[-1].text() if turn.messages else "",)
        sent = 0
        for index in range(len(asked) * turn.sampling.n):
            text = asked[index // turn.sampling.n] if self.says is None else self.says
            for word in _WORD.findall(text):
                if self.breaks is not None and sent >= self.breaks_after:
                    raise self.breaks
                await asyncio.sleep(self.pause_s)
                sent += 1
                yield _event(TextDelta(index, word))
            yield _event(StopDelta(index, "stop"))
        read = sum(map(_words, turn.prompts)) + sum(_words(message.text()) for message in turn.messages)
        yield _event(UsageDelta(Usage(prompt=read, completion=sent)))


class _FakeStream:
    def __init__(self, owner: FakeModel, events: AsyncGenerator[Event, None]) -> None:
        self._owner = owner
        self._events = events
        self._over = False

    async def batches(self) -> AsyncIterator[tuple[Event, ...]]:
        async for event in self._events:
            yield (event,)
        self._over = True

    async def aclose(self) -> None:
        if not self._over:
            self._over = True
            self._owner.left += 1
        await self._events.aclose()


def _event(delta: Delta) -> Event:
    return Event((delta,))


def _words(text: str) -> int:
    return len(_WORD.findall(text))


def _vector(text: str) -> tuple[float, ...]:
    """Unit length."""
    numbers = [byte / 255 - 0.5 for byte in hashlib.sha256(text.encode()).digest()[:_DIMENSIONS]]
    length = sum(number * number for number in numbers) ** 0.5 or 1.0
    return tuple(number / length for number in numbers)
