"""Until a stream has brought content, its upstream can still be exchanged: this reads that far and no further.

Content is what a reader would see, thoughts and tool calls included. A role, usage or an end alone is none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from zhongshu.core.answers import Answer, Delta, Event, StopDelta, TextDelta, ToolCallEnd, UsageDelta
from zhongshu.core.ports import EventStream, Flowing, Take
from zhongshu.core.problems import Problem
from zhongshu.core.records import Attempt
from zhongshu.core.turns import Turn
from zhongshu.upstreams.dispatch.moves import status_of
from zhongshu.upstreams.dispatch.replicas import Replica

Batch = tuple[Event, ...]
_WRITTEN = ("chat", "completion")
# A reply of more tokens than an end mark said something, if only in a form that is passed on unread.
_NOTHING = 1


class EmptyReply(Exception):
    """An upstream said that it was done without having said anything. `reply` is that reply, should nobody do better."""

    def __init__(self, reply: Answer | BegunStream) -> None:
        super().__init__("empty")
        self.reply = reply


class BegunStream:
    """A stream whose first content is here. It costs its reader one call a batch.

    Counts at its replica as in flight until `over` is told how it ended.
    """

    __slots__ = ("_attempt", "_began_ns", "_first_ns", "_held", "_next", "_pieces", "_replica", "_stream")

    def __init__(self, stream: EventStream, following: Callable[[], Awaitable[Batch]], held: list[Batch]) -> None:
        self._stream = stream
        self._next = following
        held.reverse()
        self._held = held
        self._pieces = 0
        self._replica: Replica | None = None

    def batches(self) -> BegunStream:
        """All of it: what was read ahead first."""
        return self

    def __aiter__(self) -> BegunStream:
        return self

    def __anext__(self) -> Awaitable[Batch]:
        if self._held:
            return _given(self._held.pop())
        self._pieces += 1
        return self._next()

    async def aclose(self) -> None:
        """Leave: cancels the upstream at once, unless it has ended."""
        await self._stream.aclose()

    async def flow(self, take: Take) -> int:
        """See core.ports.Flowing. What was read ahead has to be asked for."""
        if self._held or not hasattr(self._stream, "flow"):
            return 0
        handed = await cast("Flowing", self._stream).flow(take)
        self._pieces += handed
        return handed

    def counts_at(self, replica: Replica, trial: bool, attempt: Attempt, began_ns: int, first_ns: int) -> None:
        """It is in flight there, by this attempt; clock: steady."""
        if trial:  # it has shown that it answers; nobody waits for the end of a long stream to hear that
            replica.trial_passed()
        self._replica, self._attempt = replica, attempt
        self._began_ns, self._first_ns = began_ns, first_ns

    def over(self, problem: Problem | None, attempts: list[Attempt], now_ns: int) -> None:
        """It has ended: well, with this problem, or ("left") because its reader went away."""
        replica, self._replica = self._replica, None
        if replica is None:
            return
        if problem is None:
            first_us = (self._first_ns - self._began_ns) // 1000
            token_us = (now_ns - self._first_ns) // 1000 // self._pieces if self._pieces else 0
            replica.answered_in(first_us, token_us, trial=False)
        else:
            _mark(attempts, self._attempt, problem)
            if problem.code != "left":
                replica.failed_with(problem, trial=False)
        replica.leave(trial=False)


def _mark(attempts: list[Attempt], mine: Attempt, problem: Problem) -> None:
    """What broke a stream belongs to the attempt that began it."""
    for number, attempt in enumerate(attempts):
        if attempt is mine:
            status = status_of(problem) or mine.status
            attempts[number] = Attempt(mine.upstream, mine.model, status, problem.code, mine.took_us, mine.why)


async def _given(batch: Batch) -> Batch:
    return batch


async def begin(stream: EventStream, turn: Turn) -> BegunStream:
    """Read until the first content. Raises the stream's Fault if it breaks before that, EmptyReply if it ends. Of sound,
    pictures and the like every event is content."""
    following = stream.batches().__aiter__().__anext__
    held: list[Batch] = []
    meant = bool(turn.sampling.stop)
    written = turn.kind in _WRITTEN
    try:
        while True:
            batch = await following()
            held.append(batch)
            if not written:
                return BegunStream(stream, following, held)
            for event in batch:
                for delta in event.deltas:
                    if _is_content(delta):
                        return BegunStream(stream, following, held)
                    meant = meant or _is_reason(delta)
    except StopAsyncIteration:
        ended = BegunStream(stream, following, held)
        if meant:
            return ended
        raise EmptyReply(ended) from None
    except BaseException:
        await stream.aclose()
        raise


def _is_content(delta: Delta) -> bool:
    if isinstance(delta, TextDelta):
        return bool(delta.text)
    return not isinstance(delta, StopDelta | UsageDelta | ToolCallEnd)


def _is_reason(delta: Delta) -> bool:
    """Whether this says why there is nothing to read."""
    if isinstance(delta, StopDelta):
        return delta.reason != "stop" or delta.by is not None
    return isinstance(delta, UsageDelta) and delta.usage.completion > _NOTHING


def is_empty(answer: Answer, turn: Turn) -> bool:
    """Whether an upstream was done without having said anything, and without a reason to."""
    for choice in answer.choices:
        if choice.text or choice.tool_calls or choice.thought or choice.refusal or choice.thoughts:
            return False
        if choice.stop != "stop" or choice.stopped_by is not None:
            return False
    return not turn.sampling.stop and (answer.usage is None or answer.usage.completion <= _NOTHING)
