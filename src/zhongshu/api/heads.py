"""The head of a reply to a turn, as header lines in one piece: our own server sends them as they are.

What never changes is written out, what a release and a route say is made once, and only the rest is filled in for each
turn. `pairs` gives what other servers, and whoever stands between, want instead.
"""

from __future__ import annotations

import functools

from zhongshu.api.asgi import JSON_TYPE, Headers
from zhongshu.core.answers import Usage
from zhongshu.core.ports import Hit, Permit
from zhongshu.pipeline.label import NOT_GENERATED
from zhongshu.pipeline.stages import Routed

_LIMITS = "x-ratelimit-limit-{0}: %d\r\nx-ratelimit-remaining-{0}: %d\r\nx-ratelimit-reset-{0}: %.3fs\r\n"
_REQUESTS, _TOKENS = _LIMITS.format("requests").encode(), _LIMITS.format("tokens").encode()
_JSON_LINE = b"%b: %b\r\n" % JSON_TYPE


def head_of(routed: Routed, content_type: tuple[bytes, bytes], hit: Hit | None) -> bytes:
    """What every reply to a turn says of itself, each line with its end."""
    asking, route = routed.asking, routed.route
    turn = asking.turn
    trace = turn.trace.encode()
    head = b"%bx-request-id: %b\r\nx-zhongshu-trace: %b\r\n%b" % (
        _JSON_LINE if content_type is JSON_TYPE else _line(*content_type),
        trace,
        trace,
        _chosen(asking.offer.release.name, route.rule, route.reason),
    )
    if turn.kind not in NOT_GENERATED:
        head += b"x-zhongshu-ai-generated: 1\r\n"
    if hit is not None:
        head += _line(b"x-zhongshu-cache", hit.kind.encode())
    if asking.dropped:
        head += _line(b"x-zhongshu-dropped", ", ".join(asking.dropped).encode("ascii", "replace"))
    return head + _limits(routed.admitted.permit)


def spent(overhead_ms: float, amount: str, currency: str, usage: Usage) -> bytes:
    """What a whole reply says besides, at its end: our own time, money and tokens."""
    return b"x-zhongshu-overhead-ms: %.3f\r\nx-zhongshu-cost: %b\r\nx-zhongshu-usage: prompt=%d; completion=%d\r\n" % (
        overhead_ms, f"{amount} {currency}".encode(), usage.prompt, usage.completion,
    )  # fmt: skip


def pairs(head: bytes) -> Headers:
    """The same as names and values."""
    lines = [line.partition(b": ") for line in head.split(b"\r\n") if line]
    return [(name, value) for name, _, value in lines]


@functools.lru_cache(maxsize=1024)
def _chosen(release: str, rule: str, reason: str) -> bytes:
    """Few releases and reasons come again and again."""
    return (
        _line(b"x-zhongshu-release", release.encode())
        + _line(b"x-zhongshu-route", rule.encode())
        + _line(b"x-zhongshu-reason", reason.encode("ascii", "replace"))
    )


@functools.lru_cache(maxsize=1024)
def _line(name: bytes, value: bytes) -> bytes:
    """Few come again and again."""
    if b"\n" in value or b"\r" in value:
        raise RuntimeError("a header holds a line break")
    return b"%b: %b\r\n" % (name, value)


def _limits(permit: Permit) -> bytes:
    """The standard rate-limit headers, for the limits that the caller has."""
    requests, tokens = permit.requests, permit.tokens
    told = b""
    if requests is not None:
        told = _REQUESTS % (requests.limit, requests.remaining, requests.reset_s)
    if tokens is not None:
        told += _TOKENS % (tokens.limit, tokens.remaining, tokens.reset_s)
    return told
