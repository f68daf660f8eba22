"""The `zhongshu` object: what we add to a response, whatever protocol it leaves by."""

from __future__ import annotations

import msgspec

from zhongshu.core.answers import Usage
from zhongshu.core.dials import NO_DIAL, Dial
from zhongshu.core.labels import Label
from zhongshu.core.money import money_text
from zhongshu.core.ports import Hit
from zhongshu.core.records import Attempt
from zhongshu.pipeline.stages import Routed

_encode = msgspec.json.Encoder().encode


class RouteExtra(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which release answered, and why. dial: what it was weighed by, where it was."""

    release: str
    upstream: str
    rule: str
    reason: str
    reason_zh: str
    effort: str | None
    dial: Dial = NO_DIAL


class CostExtra(msgspec.Struct, frozen=True):
    """Money, as an exact decimal text."""

    amount: str
    currency: str


class UsageExtra(msgspec.Struct, frozen=True):
    """Tokens as we count them; `estimated` when the upstream did not say."""

    prompt: int
    completion: int
    cached: int
    thinking: int
    estimated: bool


class Extra(msgspec.Struct, frozen=True, omit_defaults=True):
    """The `zhongshu` object of a response. What did not happen is left out: cache and similarity of an answer that was
    not given before, dropped where every field could be carried, attempts and queued_ms when the first was at once,
    thought_ended and answer_ended where the model ended them itself or a limit did, read where nothing was made into text."""

    trace: str
    route: RouteExtra
    label: Label | None
    usage: UsageExtra
    cost: CostExtra
    overhead_ms: float
    cache: str = ""
    similarity: float = 0.0
    saved: str = ""
    dropped: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    queued_ms: float = 0.0
    thought_ended: str = ""
    answer_ended: str = ""
    read: tuple[str, ...] = ()


def extra_of(
    routed: Routed, label: Label | None, usage: Usage, cost_nano: int, overhead_ms: float, hit: Hit | None = None
) -> Extra:
    """Gather what we add to a response."""
    route, asking = routed.route, routed.asking
    release, price = asking.offer.release, asking.offer.card.price
    said = RouteExtra(
        release.name, release.upstream, route.rule, route.reason, route.reason_zh, route.effort, route.dial
    )
    used = UsageExtra(usage.prompt, usage.completion, usage.cached, usage.thinking, usage.estimated)
    cost = CostExtra(money_text(cost_nano), price.currency)
    tried = asking.attempts
    ended, broken, read = asking.thought_ended, asking.answer_ended, routed.admitted.arrived.read
    told = hit is not None or read or asking.dropped or asking.queued_us or len(tried) > 1 or ended or broken
    if not told:
        return Extra(asking.turn.trace, said, label, used, cost, overhead_ms)
    return Extra(
        asking.turn.trace,
        said,
        label,
        used,
        cost,
        overhead_ms,
        cache=hit.kind if hit else "",
        similarity=hit.similarity if hit else 0.0,
        saved=money_text(hit.cost_nano) if hit else "",
        dropped=asking.dropped,
        attempts=tuple(tried) if len(tried) > 1 else (),
        queued_ms=asking.queued_us / 1000,
        thought_ended=ended,
        answer_ended=broken,
        read=read,
    )


def splice(wire: bytes, extra: Extra) -> bytes | None:
    """`wire` with our object as its last field; None when that would not be plain (it already has one, is empty)."""
    trimmed = wire.rstrip()
    fields = trimmed[:-1]
    if not trimmed.endswith(b"}") or trimmed.find(b'"zhongshu"') >= 0 or fields.rstrip().endswith(b"{"):
        return None
    return b'%b,"zhongshu":%b}' % (fields, _encode(extra))
