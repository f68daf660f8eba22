"""Second stage: which release answers, how deep it thinks, and why; and who answers when it cannot."""

from __future__ import annotations

import msgspec

from zhongshu.core.models import AUTO, Offer, Route
from zhongshu.core.ports import Asking
from zhongshu.core.problems import Refusal
from zhongshu.pipeline.stages import Admitted, Arrived, Rooms, Routed
from zhongshu.pipeline.weighing import dial_of, unfit


def route(rooms: Rooms, admitted: Admitted) -> Routed | Refusal:
    """Ask the router for a model, and the model's releases which of them takes this turn."""
    arrived = admitted.arrived
    turn, caller = arrived.turn, arrived.caller
    if turn.model == AUTO:
        dial = dial_of(arrived)
        chosen = dial if isinstance(dial, Refusal) else rooms.router.route(turn, admitted.offers, dial)
    else:
        chosen = unfit(arrived) or rooms.router.route(turn, admitted.offers)
    if not isinstance(chosen, Route):
        return chosen
    if arrived.read:
        chosen = _after_reading(chosen, arrived.read)
    if not chosen.offer.card.fallbacks and _alone(rooms, chosen.offer, admitted.offers):
        return Routed(admitted, chosen, Asking(turn, caller, ((chosen.offer,),), chosen.effort))
    offers, split, shadow = _release(rooms, admitted, chosen)
    if offers[0] is not chosen.offer:
        chosen = msgspec.structs.replace(chosen, offer=offers[0])
    tiers = (offers, *_fallbacks(rooms, arrived, offers[0]))
    return Routed(admitted, chosen, Asking(turn, caller, tiers, chosen.effort), split, shadow)


def _alone(rooms: Rooms, chosen: Offer, offers: tuple[Offer, ...]) -> bool:
    """Whether it is the only offer of its model: no replica, no other release."""
    return len(offers) == 1 or len(rooms.catalog.find(chosen.release.model)) == 1


def _after_reading(chosen: Route, read: tuple[str, ...]) -> Route:
    """With what was made into text first."""
    made = ", ".join(read)
    en, zh = f"Made into text first ({made}). {chosen.reason}", f"先转为文字（{made}）。{chosen.reason_zh}"
    return msgspec.structs.replace(chosen, reason=en, reason_zh=zh)


def _release(rooms: Rooms, admitted: Admitted, chosen: Route) -> tuple[tuple[Offer, ...], str, tuple[Offer, ...]]:
    """The chosen release's offers (its replicas), the rule that chose it, and its shadow. Releases that cannot do what
    is asked have no part in it."""
    release, arrived = chosen.offer.release, admitted.arrived
    kind = arrived.turn.kind
    same = tuple([o for o in admitted.offers if o.release.model == release.model and kind in o.card.abilities])
    if len(same) == 1 or all(offer.release.version == release.version for offer in same):
        return same, "", ()
    split = rooms.releases.split(arrived.turn, arrived.caller, arrived.headers, same)
    return split.offers, split.rule, split.shadow


def tiers_of(rooms: Rooms, arrived: Arrived, name: str) -> tuple[tuple[Offer, ...], ...]:
    """Who answers this turn for a model of the catalogue: its release that has the turn, then what it falls back to."""
    turn = arrived.turn
    able = tuple([offer for offer in rooms.catalog.find(name) if turn.kind in offer.card.abilities])
    if len({offer.release.version for offer in able}) > 1:
        able = rooms.releases.split(turn, arrived.caller, arrived.headers, able).offers
    return (able, *_fallbacks(rooms, arrived, able[0]))


def _fallbacks(rooms: Rooms, arrived: Arrived, first: Offer) -> list[tuple[Offer, ...]]:
    """The release of each model to fall back to that has this turn, of those the key may ask and that can do it."""
    turn, caller, headers = arrived.turn, arrived.caller, arrived.headers
    tiers: list[tuple[Offer, ...]] = []
    for name in first.card.fallbacks:
        if caller.models and name not in caller.models:
            continue
        able = tuple([offer for offer in rooms.catalog.find(name) if turn.kind in offer.card.abilities])
        if len({offer.release.version for offer in able}) > 1:
            able = rooms.releases.split(turn, caller, headers, able).offers
        if able:
            tiers.append(able)
    return tiers
