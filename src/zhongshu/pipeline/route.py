"""Second stage: which release answers, how deep it thinks, and why; and who answers when it cannot."""

from __future__ import annotations

import msgspec

from zhongshu.core.access import Caller
from zhongshu.core.models import Offer, Route
from zhongshu.core.ports import Asking
from zhongshu.core.problems import Refusal
from zhongshu.core.turns import Turn
from zhongshu.pipeline.stages import Admitted, Rooms, Routed


def route(rooms: Rooms, admitted: Admitted) -> Routed | Refusal:
    """Ask the router for a model, and the model's releases which of them takes this turn."""
    arrived = admitted.arrived
    turn, caller = arrived.turn, arrived.caller
    chosen = rooms.router.route(turn, admitted.offers)
    if isinstance(chosen, Refusal):
        return chosen
    if len(admitted.offers) == 1 and not chosen.offer.card.fallbacks:
        return Routed(admitted, chosen, Asking(turn, caller, ((chosen.offer,),), chosen.effort))
    offers, split, shadow = _release(rooms, admitted, chosen)
    if offers[0] is not chosen.offer:
        chosen = msgspec.structs.replace(chosen, offer=offers[0])
    tiers = (offers, *_fallbacks(rooms, turn, caller, offers[0]))
    return Routed(admitted, chosen, Asking(turn, caller, tiers, chosen.effort), split, shadow)


def _release(rooms: Rooms, admitted: Admitted, chosen: Route) -> tuple[tuple[Offer, ...], str, tuple[Offer, ...]]:
    """The chosen release's offers (its replicas), the rule that chose it, and its shadow."""
    release = chosen.offer.release
    same = tuple([offer for offer in admitted.offers if offer.release.model == release.model])
    if all(offer.release.version == release.version for offer in same):
        return same, "", ()
    arrived = admitted.arrived
    split = rooms.releases.split(arrived.turn, arrived.caller, arrived.headers, same)
    return split.offers, split.rule, split.shadow


def _fallbacks(rooms: Rooms, turn: Turn, caller: Caller, first: Offer) -> list[tuple[Offer, ...]]:
    """The first release of each model to fall back to, of those the key may ask and that can do this."""
    tiers: list[tuple[Offer, ...]] = []
    for name in first.card.fallbacks:
        if caller.models and name not in caller.models:
            continue
        able = [offer for offer in rooms.catalog.find(name) if turn.kind in offer.card.abilities]
        if able:
            tiers.append(tuple([offer for offer in able if offer.release.version == able[0].release.version]))
    return tiers
