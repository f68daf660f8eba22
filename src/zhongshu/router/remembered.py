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

from zhongshu.core.dials import NO_DIAL, Dial
from zhongshu.core.models import Offer, Route
from zhongshu.core.turns import NO_WISHES, Turn
from zhongshu.router.conversation import CHANGES, STAYS
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.estimate import Hardness, hardness, hardness_of, stands_alone
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

    def hardness(self, turn: Turn, text: str, first: bool) -> Hardness:
        """As `estimate.hardness` finds it. text, first: its `newest`."""
        name = hash(text)
        found = self._found.get(name)
        if found is None:
            found = hardness_of(text, self._judge)
            if len(self._found) >= _AT_MOST:
                self._found.clear()
                self._standing.clear()
            self._found[name] = found
        return found if first or self._stands(text, found) else hardness(turn, self._judge)

    def _stands(self, text: str, found: Hardness) -> bool:
        """Whether a question has nothing to do with those before it."""
        if hash(text) in self._standing:
            return True
        stands = text.strip() != "" and not is_follow_up(text) and stands_alone(text, found)
        if stands:
            self._standing.add(hash(text))
        return stands


class Place:
    """Where the route of turns that are alike is kept: None before it was decided. close: that is decided by so little
    that a conversation may turn it round."""

    __slots__ = ("close", "route")

    def __init__(self, close: bool) -> None:
        self.route: Route | None = None
        self.close = close


class Remembered:
    """The routes of one decider, for the offers of `auto`. resting: as in Decider. least_gain: what the settings' dial
    asks for."""

    def __init__(self, resting: Callable[[Offer], bool] | None, least_gain: float) -> None:
        self._resting = resting
        self._least_gain = least_gain
        self._offers: tuple[Offer, ...] = ()
        self._watched: tuple[Offer, ...] = ()
        self._places: dict[Hashable, Place] = {}

    def place(self, turn: Turn, offers: tuple[Offer, ...], found: Hardness, dial: Dial, first: bool) -> Place | None:
        """That of this turn; None where its route depends on more than places are told apart by. first: whether nothing was
        said before."""
        if found.learnt or dial is not NO_DIAL:
            return None
        wishes = turn.wishes
        if wishes is not NO_WISHES and (
            wishes.quality is not None or wishes.max_cost is not None or wishes.max_seconds is not None
        ):
            return None
        if offers is not self._offers:
            self._know(offers)
        rests = self._which_rest() if self._watched else ()
        alike = (
            found.task, found.weightiest, found.follow_up, rests,
            turn.kind, turn.effort, turn.thinking_tokens, needs(turn),
        )  # fmt: skip
        place = self._places.get(alike) or self._make(alike, found)
        return place if first or not place.close else None

    def _which_rest(self) -> tuple[bool, ...]:
        resting = self._resting
        return tuple([resting(offer) for offer in self._watched]) if resting else ()

    def _make(self, alike: Hashable, found: Hardness) -> Place:
        gain, least = found.gain, self._least_gain
        if len(self._places) >= _AT_MOST:
            self._places.clear()
        place = self._places[alike] = Place(not found.follow_up and least * STAYS <= gain < least * CHANGES)
        return place

    def _know(self, offers: tuple[Offer, ...]) -> None:
        """Other offers: nothing of before holds. Which rest matters only where there is a choice."""
        self._places.clear()
        tiers = [offer.card.tier for offer in offers]
        self._watched = tuple([offer for offer in offers if tiers.count(offer.card.tier) > 1])
        self._offers = offers
