"""From a call to the events of its choices: think if asked to, then answer in words, in a shape, or with tool calls.

Each choice is one walk through the phases, every phase continuing the prompt of the one before, so that the process
finds all it has read in its cache. Several choices run at once, one slot each.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from msgspec import Raw

from zhongshu.core.answers import Delta, Event, LogprobsDelta, Stop, StopDelta, TextDelta, Usage
from zhongshu.core.ports import Call
from zhongshu.core.turns import Sampling
from zhongshu.upstreams.embedded.link import Link, Piece, Token
from zhongshu.upstreams.embedded.messages import rendered
from zhongshu.upstreams.embedded.options import Body, drawing, wanted_logprobs

_STOPS: dict[str, Stop] = {"limit": "length"}


class Tally:
    """Tokens used by all choices of a call. The prompt counts once, however many choices and phases read it."""

    def __init__(self) -> None:
        self.prompt = 0
        self.cached = 0
        self.completion = 0
        self.thinking = 0

    def read(self, piece: Piece) -> None:
        """The last piece of a prompt's first phase."""
        self.prompt += piece.timings.prompt_n + piece.timings.cache_n
        self.cached += piece.timings.cache_n

    def usage(self) -> Usage:
        return Usage(prompt=self.prompt, completion=self.completion, cached=self.cached, thinking=self.thinking)


async def choices(link: Link, call: Call, tally: Tally) -> AsyncGenerator[Event, None]:
    """Every choice of the call; several run side by side."""
    turn = call.turn
    prompts = list(turn.prompts)
    if turn.kind == "chat":
        prompts = [await link.render(rendered(turn, turn.model))]
    walks = [
        _walk(link, call, prompt, index * turn.sampling.n + n, n == 0, tally)
        for index, prompt in enumerate(prompts)
        for n in range(turn.sampling.n)
    ]
    events = walks[0] if len(walks) == 1 else _side_by_side(walks)
    async with aclosing(events):
        async for event in events:
            yield event


async def _walk(
    link: Link, call: Call, prompt: str, index: int, counts_prompt: bool, tally: Tally
) -> AsyncGenerator[Event, None]:
    """One choice, beginning to end."""
    sampling = call.turn.sampling
    body: Body = {"prompt": prompt, **drawing(sampling, index), **wanted_logprobs(sampling), "stop": sampling.stop}
    if sampling.max_tokens is not None:
        body["n_predict"] = sampling.max_tokens
    async with aclosing(link.generate(body)) as pieces:
        async for piece in pieces:
            deltas: list[Delta] = []
            if piece.content:
                deltas.append(TextDelta(index, piece.content))
            if piece.completion_probabilities:
                deltas.append(_logprobs(index, piece.completion_probabilities, sampling))
            if piece.stop:
                if counts_prompt:
                    tally.read(piece)
                tally.completion += piece.tokens_predicted
                deltas.append(StopDelta(index, _STOPS.get(piece.stop_type, "stop")))
            if deltas:
                yield Event(tuple(deltas))


def _logprobs(index: int, tokens: list[Token], sampling: Sampling) -> LogprobsDelta:
    top = sampling.top_logprobs or 0
    return LogprobsDelta(
        index,
        tuple(
            Raw(msgspec.json.encode(msgspec.structs.replace(token, top_logprobs=token.top_logprobs[:top])))
            for token in tokens
        ),
    )


async def _side_by_side(walks: list[AsyncGenerator[Event, None]]) -> AsyncGenerator[Event, None]:
    """The events of several walks as they come. The first failure ends all."""
    queue: asyncio.Queue[Event | None] = asyncio.Queue(maxsize=64)

    async def drain(walk: AsyncGenerator[Event, None]) -> None:
        async with aclosing(walk):
            async for event in walk:
                await queue.put(event)

    async def drain_all() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for walk in walks:
                    group.create_task(drain(walk))
        finally:
            await queue.put(None)

    draining = asyncio.create_task(drain_all())
    try:
        while (event := await queue.get()) is not None:
            yield event
        await draining
    except* Exception as group:
        raise group.exceptions[0] from None
    finally:
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
