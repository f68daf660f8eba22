"""What was found and decided before, kept where everything it depends on is the same. Holds no text of a turn.

Questions come again: each call of a run of tool calls brings the question that began it, and programs ask the same of
many texts. How hard such a question is was found the first time.

Most turns are judged by their kind of task alone. The decision about such a turn follows from that kind, its marks, what
the caller asked for and the models at hand, of which there are few combinations; working it out and putting it into words
takes longer than looking it up. Turns of which more matters (a learnt difficulty, a ceiling, a dial of their own, a
conversation that a close decision may stay with) are decided anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

import msgspec

from zhongshu.core.dials import NO_DIAL, Dial
from zhongshu.core.models import Offer, Route
from zhongshu.core.turns import NO_WISHES, Turn
from zhongshu.router.conversation import CHANGES, STAYS
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.estimate import Hardness, Newest, hardness, hardness_of, stands_alone
from zhongshu.router.modality import needs
from zhongshu.router.task import is_follow_up

_AT_MOST = 1000


class Judged:
    """How hard turns are by one judge. Questions are known again by the hash of their text: what they are by themselves, and
    which of them stand by themselves in any conversation."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._found: dict[int, Hardness] = {}
        self._standing: set[int] = set()

    def hardness(self, turn: Turn, said: Newest) -> Hardness:
        """As `estimate.hardness` finds it. said: what was said last in it."""
        text = said.text
        name = hash(text)
        found = self._found.get(name)
        if found is None:
            found = hardness_of(text, self._judge)
            if len(self._found) >= _AT_MOST:
                self._found.clear()
                self._standing.clear()
            self._found[name] = found
        return found if said.first or self._stands(text, found) else hardness(turn, self._judge)

    def _stands(self, text: str, found: Hardness) -> bool:
        """Whether a question has nothing to do with those before it."""
        if hash(text) in self._standing:
            return True
        stands = text.strip() != "" and not is_follow_up(text) and stands_alone(text, found)
        if stands:
            self._standing.add(hash(text))
        return stands


class _Kept(msgspec.Struct, frozen=True, gc=False):
    """A route. close: it was decided by so little that a conversation may turn it round."""

    route: Route
    close: bool


class Remembered:
    """The routes of one decider, for the offers of `auto`. resting: as in Decider. least_gain: what the settings' dial
    asks for."""

    def __init__(self, resting: Callable[[Offer], bool] | None, least_gain: float) -> None:
        self._resting = resting
        self._least_gain = least_gain
        self._offers: tuple[Offer, ...] = ()
        self._watched: tuple[Offer, ...] = ()
        self._routes: dict[Hashable, _Kept] = {}

    def key(self, turn: Turn, offers: tuple[Offer, ...], found: Hardness, dial: Dial) -> Hashable | None:
        """What the route of this turn depends on; None where that is more than is kept."""
        if found.learnt or dial is not NO_DIAL:
            return None
        wishes = turn.wishes
        if wishes is not NO_WISHES and (
            wishes.quality is not None or wishes.max_cost is not None or wishes.max_seconds is not None
        ):
            return None
        if offers is not self._offers:
            self._know(offers)
        resting = self._resting
        rests = tuple([resting(offer) for offer in self._watched]) if self._watched and resting else ()
        return (
            found.task, found.weightiest, found.follow_up, rests,
            turn.kind, turn.effort, turn.thinking_tokens, needs(turn),
        )  # fmt: skip

    def get(self, key: Hashable, said: Newest) -> Route | None:
        """The route of such a turn, if there was one; where the decision is close, only of a turn with nothing before it."""
        known = self._routes.get(key)
        return None if known is None or (known.close and not said.first) else known.route

    def keep(self, key: Hashable, said: Newest, route: Route, found: Hardness) -> None:
        """For the turns to come; unless a conversation may have stayed with what was decided before."""
        gain, least = found.gain, self._least_gain
        close = not found.follow_up and least * STAYS <= gain < least * CHANGES
        if close and not said.first:
            return
        if len(self._routes) >= _AT_MOST:
            self._routes.clear()
        self._routes[key] = _Kept(route, close)

    def _know(self, offers: tuple[Offer, ...]) -> None:
        """Other offers: nothing of before holds. Which rest matters only where there is a choice."""
        self._routes.clear()
        tiers = [offer.card.tier for offer in offers]
        self._watched = tuple([offer for offer in offers if tiers.count(offer.card.tier) > 1])
        self._offers = offers
