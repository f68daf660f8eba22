"""Third stage: the release answers. Usage the upstream did not give is estimated and flagged."""

from __future__ import annotations

from zhongshu.core.answers import Answer, Embeddings, Fold, Passed, Usage
from zhongshu.core.ports import Hit
from zhongshu.pipeline.estimate import usage_of
from zhongshu.pipeline.stages import Answered, Rooms, Routed, Work


async def generate(rooms: Rooms, routed: Routed) -> Answered:
    """The whole answer, the vectors, or what is handed on. When nobody can answer, the last one's Fault is raised."""
    if routed.work is not None:
        return await _worked(rooms, routed, routed.work)
    asking = routed.asking
    match asking.turn.kind:
        case "chat" | "completion":
            return with_usage(rooms, routed, await rooms.dispatcher.complete(asking))
        case "embedding":
            return with_usage(rooms, routed, await rooms.dispatcher.embed(asking))
        case _:
            return with_usage(rooms, routed, await rooms.dispatcher.hand_on(asking))


async def _worked(rooms: Rooms, routed: Routed, work: Work) -> Answered:
    """An assistant's answer: its events, joined."""
    fold = Fold()
    events = await work.begin()
    try:
        async for batch in events.batches():
            for event in batch:
                fold.add(event)
    finally:
        await events.aclose()
    return with_usage(rooms, routed, fold.answer())


def with_usage(rooms: Rooms, routed: Routed, answer: Answer | Embeddings | Passed) -> Answered:
    """The answer with its tokens and their cost."""
    if routed.work is not None:
        return Answered(routed.work.told(routed), answer, *routed.work.spent())
    usage = answer.usage
    if usage is None:
        usage = usage_of(routed.asking.turn, answer if isinstance(answer, Answer) else None)
    return Answered(routed, answer, usage, cost_of(rooms, routed, usage))


def again(routed: Routed, hit: Hit) -> Answered:
    """An answer given before: its tokens are told, and nothing is charged."""
    return Answered(routed, hit.answer, hit.usage, 0, hit)


def cost_of(rooms: Rooms, routed: Routed, usage: Usage) -> int:
    """In billionths of the price's currency, at the price of who answered, which may go by the time of day."""
    price = routed.asking.offer.card.price
    return price.cost_nano(usage, rooms.clock.now_ns()) if price.timed else price.cost_nano(usage)
