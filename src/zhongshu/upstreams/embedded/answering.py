"""From a call to the events of all its choices. Each choice is a Walk; several run side by side, a slot each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from zhongshu.core.answers import Event
from zhongshu.core.ports import Call
from zhongshu.core.problems import Fault, fault
from zhongshu.core.turns import Turn
from zhongshu.upstreams.embedded.briefs import brief
from zhongshu.upstreams.embedded.link import Link
from zhongshu.upstreams.embedded.walk import Events, Tally, Walk

_QUEUED_EVENTS = 64


async def choices(link: Link, call: Call, tally: Tally, *, guarded: bool = False) -> AsyncGenerator[Event, None]:
    """Every choice of the call: `n` for each prompt, numbered as OpenAI numbers them. guarded: they are watched."""
    turn, n = call.turn, call.turn.sampling.n
    asked = brief(call, link.address.context_tokens, guarded=guarded)
    prompts = turn.prompts if turn.kind == "completion" else (await link.render(asked.messages),)
    tried = await link.try_schemas(prompts[0], asked.schemas())
    if not tried.follows:
        raise _cannot_follow(turn)
    if tried.timings is not None:
        tally.read(tried.timings)
    walks = [
        Walk(
            link, asked, turn.sampling, prompt, place * n + i, tally, first_of_prompt=i == 0 and tried.timings is None
        ).events()
        for place, prompt in enumerate(prompts)
        for i in range(n)
    ]
    async with aclosing(walks[0] if len(walks) == 1 else _side_by_side(walks)) as events:
        async for event in events:
            yield event


async def counted(link: Link, call: Call) -> int:
    """The tokens of a chat turn's prompt."""
    asked = brief(call, link.address.context_tokens)
    return await link.count(await link.render(asked.messages))


def _cannot_follow(turn: Turn) -> Fault:
    field = "tools" if turn.tools else "response_format"
    return fault(
        "invalid_value",
        param=field,
        field=field,
        why="the local engine cannot keep to its JSON Schema; leave out `not`, look-around in patterns, remote "
        "references and the like",
    )


async def _side_by_side(walks: list[Events]) -> Events:
    """The events of several walks as they come. The first failure ends all and is raised."""
    queue: asyncio.Queue[Event | Exception | None] = asyncio.Queue(_QUEUED_EVENTS)
    draining = [asyncio.create_task(_drain(walk, queue)) for walk in walks]
    left = len(draining)
    try:
        while left:
            match await queue.get():
                case Event() as event:
                    yield event
                case None:
                    left -= 1
                case Exception() as error:
                    raise error
    finally:
        for task in draining:
            task.cancel()
        await asyncio.gather(*draining, return_exceptions=True)


async def _drain(walk: Events, queue: asyncio.Queue[Event | Exception | None]) -> None:
    """Hand on a walk's events, then its failure or None."""
    try:
        async with aclosing(walk):
            async for event in walk:
                await queue.put(event)
    except Exception as error:  # noqa: BLE001 - raised again by the reader of the queue
        await queue.put(error)
    else:
        await queue.put(None)
