"""Routes that have been decided before, kept where everything they depend on is the same. Knows no text of a turn.

Most turns are judged by their kind of task alone. The decision about such a turn follows from that kind, its marks, what
the caller asked for and the models at hand, of which there are few combinations; working it out and putting it into words
takes longer than looking it up. Turns of which more matters (a learnt difficulty, a ceiling, a dial of their own, a
conversation that a close decision stays with, abilities beyond words) are decided anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from zhongshu.core.dials import NO_DIAL, Dial
from zhongshu.core.models import Offer, Route
from zhongshu.core.turns import Turn
from zhongshu.router.conversation import CHANGES, STAYS
from zhongshu.router.estimate import Hardness
from zhongshu.router.modality import needs

_AT_MOST = 1000


class Remembered:
    """The routes of one decider, for the offers of `auto`. resting: as in Decider. least_gain: what the settings' dial
    asks for."""

    def __init__(self, resting: Callable[[Offer], bool] | None, least_gain: float) -> None:
        self._resting = resting
        self._least_gain = least_gain
        self._offers: tuple[Offer, ...] = ()
        self._watched: tuple[Offer, ...] = ()
        self._routes: dict[Hashable, Route] = {}

    def key(self, turn: Turn, offers: tuple[Offer, ...], found: Hardness, dial: Dial) -> Hashable | None:
        """What the route of this turn depends on; None where that is more than is kept."""
        if found.learnt or dial is not NO_DIAL:
            return None
        wishes = turn.wishes
        if wishes.quality is not None or wishes.max_cost is not None or wishes.max_seconds is not None or needs(turn):
            return None
        gain, least = found.gain, self._least_gain
        if not found.follow_up and least * STAYS <= gain < least * CHANGES:
            return None
        if offers is not self._offers:
            self._know(offers)
        resting = self._resting
        rests = tuple([resting(offer) for offer in self._watched]) if resting and self._watched else ()
        return turn.kind, found.task, found.weightiest, found.follow_up, turn.effort, turn.thinking_tokens, rests

    def get(self, key: Hashable) -> Route | None:
        """The route of such a turn, if there was one."""
        return self._routes.get(key)

    def keep(self, key: Hashable, route: Route) -> None:
        """For the turns to come."""
        if len(self._routes) >= _AT_MOST:
            self._routes.clear()
        self._routes[key] = route

    def _know(self, offers: tuple[Offer, ...]) -> None:
        """Other offers: nothing of before holds. Which rest matters only where there is a choice."""
        self._routes.clear()
        tiers = [offer.card.tier for offer in offers]
        self._watched = tuple([offer for offer in offers if tiers.count(offer.card.tier) > 1])
        self._offers = offers
