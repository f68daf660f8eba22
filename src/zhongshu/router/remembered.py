"""What was found and decided before, kept where everything it depends on is the same. Holds no text of a turn.

Questions come again: each call of a run of tool calls brings the question that began it, and programs ask the same of
many texts. How hard such a question is was found the first time.

Most turns are judged by their kind of task alone. The decision about such a turn follows from that kind, its marks, what
the caller asked for and the models at hand, of which there are few combinations; working it out and putting it into words
takes longer than looking it up. Turns of which more matters (a learnt difficulty, a ceiling, a dial of their own, a
conversation that a close decision stays with) are decided anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from zhongshu.core.dials import NO_DIAL, Dial
from zhongshu.core.models import Offer, Route
from zhongshu.core.turns import Turn
from zhongshu.router.conversation import CHANGES, STAYS
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.estimate import Hardness, hardness_of, newest, question_of, stands_alone, within
from zhongshu.router.modality import needs
from zhongshu.router.task import is_follow_up

_AT_MOST = 1000


class Judged:
    """How hard turns are by one judge. Questions that stand by themselves are known again by the hash of their text."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._found: dict[int, Hardness] = {}

    def hardness(self, turn: Turn) -> Hardness:
        """As `estimate.hardness` finds it."""
        text = newest(turn)
        known = self._found.get(hash(text))
        if known is not None:
            return known
        judge = self._judge
        question, follows = question_of(turn)
        found = hardness_of(question, judge, follow_up=follows)
        if follows:
            return found
        if not stands_alone(question, found):
            return within(turn, judge, found)
        if text.strip() and not is_follow_up(text):
            if len(self._found) >= _AT_MOST:
                self._found.clear()
            self._found[hash(text)] = found
        return found


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
        if wishes.quality is not None or wishes.max_cost is not None or wishes.max_seconds is not None:
            return None
        if offers is not self._offers:
            self._know(offers)
        resting = self._resting
        rests = tuple([resting(offer) for offer in self._watched]) if resting and self._watched else ()
        of_turn = turn.kind, turn.effort, turn.thinking_tokens, needs(turn)
        return found.task, found.weightiest, found.follow_up, rests, of_turn

    def get(self, key: Hashable) -> Route | None:
        """The route of such a turn, if there was one."""
        return self._routes.get(key)

    def keep(self, key: Hashable, route: Route, found: Hardness) -> None:
        """For the turns to come; unless a conversation may stay with what was decided before."""
        gain, least = found.gain, self._least_gain
        if not found.follow_up and least * STAYS <= gain < least * CHANGES:
            return
        if len(self._routes) >= _AT_MOST:
            self._routes.clear()
        self._routes[key] = route

    def _know(self, offers: tuple[Offer, ...]) -> None:
        """Other offers: nothing of before holds. Which rest matters only where there is a choice."""
        self._routes.clear()
        tiers = [offer.card.tier for offer in offers]
        self._watched = tuple([offer for offer in offers if tiers.count(offer.card.tier) > 1])
        self._offers = offers
