"""Third stage: the release answers. Usage the upstream did not give is estimated and flagged."""

from __future__ import annotations

from zhongshu.core.answers import Answer, Embeddings, Fold, Passed, Usage
from zhongshu.core.ports import Asking, Hit
from zhongshu.core.records import Attempt
from zhongshu.pipeline.estimate import told_apart, usage_of
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
    elif not usage.thinking and isinstance(answer, Answer):
        usage = told_apart(usage, answer)
    return Answered(routed, answer, usage, cost_of(rooms, routed, usage))


def again(routed: Routed, hit: Hit) -> Answered:
    """An answer given before: its tokens are told, and nothing is charged."""
    return Answered(routed, hit.answer, hit.usage, 0, hit)


def cost_of(rooms: Rooms, routed: Routed, usage: Usage) -> int:
    """In billionths of the price's currency, at the price of who answered, which may go by the time of day; with what
    who was outrun may have cost."""
    asking = routed.asking
    price = asking.offer.card.price
    if price.free:
        cost_nano = 0
    else:
        cost_nano = price.cost_nano(usage, rooms.clock.now_ns()) if price.timed else price.cost_nano(usage)
    return cost_nano if len(asking.attempts) < 2 else cost_nano + outrun_nano(rooms, asking)


def outrun_nano(rooms: Rooms, asking: Asking) -> int:
    """What the losers of hedged tries may have cost, in the currency of who answered: they were asked, and are billed."""
    exchange, currency, at_ns = rooms.exchange, asking.offer.card.price.currency, asking.turn.arrived_ns
    total = 0
    for attempt in asking.attempts:
        if not attempt.cost_nano:
            continue
        theirs = _currency_of(attempt, asking)
        if theirs == currency or exchange is None:
            total += attempt.cost_nano
        else:
            total += exchange.from_home(exchange.to_home(attempt.cost_nano, theirs, at_ns), currency, at_ns)
    return total


def _currency_of(attempt: Attempt, asking: Asking) -> str:
    for tier in asking.tiers:
        for offer in tier:
            if (offer.release.upstream, offer.release.upstream_model) == (attempt.upstream, attempt.model):
                return offer.card.price.currency
    return asking.offer.card.price.currency
