"""Third stage: the release answers. Usage the upstream did not give is estimated and flagged."""

from __future__ import annotations

from zhongshu.core.answers import Answer, Embeddings, Usage
from zhongshu.core.ports import Call
from zhongshu.pipeline.estimate import usage_of
from zhongshu.pipeline.stages import Answered, Routed


def call_of(routed: Routed) -> Call:
    """What the upstream is asked."""
    return Call(routed.admitted.arrived.turn, routed.route.offer, routed.route.effort)


async def generate(routed: Routed) -> Answered:
    """The whole answer, or the vectors. A failing upstream raises its Fault."""
    call = call_of(routed)
    if call.turn.kind == "embedding":
        return with_usage(routed, await routed.upstream.embed(call))
    return with_usage(routed, await routed.upstream.complete(call))


def with_usage(routed: Routed, answer: Answer | Embeddings) -> Answered:
    """The answer with its tokens and their cost."""
    usage = answer.usage
    if usage is None:
        usage = usage_of(routed.admitted.arrived.turn, answer if isinstance(answer, Answer) else None)
    return Answered(routed, answer, usage, cost_of(routed, usage))


def cost_of(routed: Routed, usage: Usage) -> int:
    """In billionths of the price's currency."""
    return routed.route.offer.card.price.cost_nano(usage)
