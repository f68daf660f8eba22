"""A stream of any wire format that comes as server-sent events: the transport's bytes -> events, by the format's reader.
Cancels the upstream when closed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from zhongshu.core.answers import Event
from zhongshu.core.ports import Take
from zhongshu.core.problems import Fault, fault
from zhongshu.upstreams.sse import EventTooLarge, SseParser
from zhongshu.upstreams.transport import Opened, drain


class PayloadReader(Protocol):
    """Turns the data of one piece of a stream after another into Events. `done`: the end mark has come."""

    done: bool

    def read(self, payload: bytes) -> Event | None: ...
    def finish(self) -> Event | None: ...


class SseStream:
    """An EventStream over an open reply. `batches` gives all events of one network read together: one send for them
    all is cheaper than one each."""

    __slots__ = ("_ahead", "_broken", "_drained", "_opened", "_over", "_parser", "_reader", "_upstream")

    def __init__(self, opened: Opened, reader: PayloadReader, upstream: str, event_bytes: int) -> None:
        self._opened = opened
        self._reader = reader
        self._parser = SseParser(event_bytes)
        self._upstream = upstream
        self._over = False
        self._drained = False
        self._broken: Fault | None = None
        self._ahead: tuple[Event, ...] = ()

    async def batch(self) -> tuple[Event, ...]:
        """The events of the next network read that completes any. StopAsyncIteration at the end.

        Raises Fault, after the events before it have been given.
        """
        if self._ahead:
            events, self._ahead = self._ahead, ()
            return events
        while not self._over:
            if self._broken is not None:
                await self.aclose()
                raise self._broken
            try:
                events = self._events(await self._opened.read())
            except Fault as broken:  # kept until those before it have been given
                self._broken = broken
            else:
                if events:
                    return events
        await self._drain()
        raise StopAsyncIteration

    async def flow(self, take: Take) -> int:
        """See core.ports.Flowing."""
        handed = 0
        parser, most = self._parser, self._parser.limit
        straight: Callable[[bytes], Event | None] = getattr(self._reader, "straight", _nothing)

        def arrived(chunk: bytes) -> bool:
            nonlocal handed
            if parser.clean and len(chunk) <= most and (event := straight(chunk)) is not None:
                handed += 1
                return take((event,))
            try:
                events = self._events(chunk)
            except Fault as broken:
                self._broken = broken
                return False
            if self._over or self._broken is not None:
                self._ahead = events
                return False
            if not events:
                return True
            handed += 1
            return take(events)

        if not self._over and self._broken is None:
            await self._opened.flow(arrived)
        return handed

    def batches(self) -> AsyncIterator[tuple[Event, ...]]:
        """Every batch to the end."""
        return _Batches(self)

    async def __aiter__(self) -> AsyncIterator[Event]:
        async for events in self.batches():
            for event in events:
                yield event

    async def aclose(self) -> None:
        """Leave: the upstream's connection is reset at once, unless the stream has been read to its end."""
        self._over = self._drained = True
        await self._opened.aclose()

    def _events(self, chunk: bytes) -> tuple[Event, ...]:
        """The events of one network read; of its end, where it is empty. What breaks is kept until those before it
        have been given."""
        try:
            payloads = self._parser.feed(chunk) if chunk else self._parser.finish()
        except EventTooLarge as limit:
            why = f"one event is over {limit} bytes"
            raise fault("upstream_malformed", upstream=self._upstream, why=why) from None
        events: list[Event] = []
        try:
            self._read(payloads, events)
            if self._reader.done or not chunk:
                self._end(events)
        except Fault as broken:
            # an event that is not whole when the connection ends was cut, not malformed
            cut = not chunk and broken.problem.code == "upstream_malformed"
            self._broken = fault("upstream_cut", upstream=self._upstream) if cut else broken
        return tuple(events)

    async def _drain(self) -> None:
        """Once, after the last event was given: what ends the body may still be on its way."""
        if not self._drained:
            self._drained = True
            await drain(self._opened)

    def _read(self, payloads: list[bytes], events: list[Event]) -> None:
        for payload in payloads:
            event = self._reader.read(payload)
            if event is None:
                return
            events.append(event)

    def _end(self, events: list[Event]) -> None:
        last = self._reader.finish()
        if last is not None:
            events.append(last)
        self._over = True


def _nothing(sent: bytes) -> Event | None:
    """Of a reader that reads everything in one way."""
    del sent
    return None


class _Batches:
    """A stream's batches, at the price of one call each."""

    __slots__ = ("_following",)

    def __init__(self, stream: SseStream) -> None:
        self._following = stream.batch

    def __aiter__(self) -> _Batches:
        return self

    def __anext__(self) -> Awaitable[tuple[Event, ...]]:
        return self._following()
