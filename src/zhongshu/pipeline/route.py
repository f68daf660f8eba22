"""Second stage: which release answers, how deep it thinks, and why."""

from __future__ import annotations

from zhongshu.core.problems import Refusal, problem
from zhongshu.pipeline.stages import Admitted, Rooms, Routed

STAGE = "route"


def route(rooms: Rooms, admitted: Admitted) -> Routed | Refusal:
    """Ask the router, and look up the upstream that holds the chosen release."""
    chosen = rooms.router.route(admitted.arrived.turn, admitted.offers)
    if isinstance(chosen, Refusal):
        return chosen
    name = chosen.offer.release.upstream
    upstream = rooms.upstreams.get(name)
    if upstream is None:
        return Refusal(STAGE, problem("upstream_unreachable", upstream=name))
    return Routed(admitted, chosen, upstream)
