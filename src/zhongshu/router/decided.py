"""What was decided about a turn of `auto`, and on what grounds: the values that decision.py makes, and others put into
words (saying.py, explaining.py)."""

from __future__ import annotations

import msgspec

from zhongshu.core.dials import Dial
from zhongshu.core.models import Offer
from zhongshu.core.turns import Effort
from zhongshu.router.estimate import Hardness
from zhongshu.router.settings import least_dial


class Candidate(msgspec.Struct, frozen=True):
    """One way to answer. quality: the expected chance of a right answer; cost_nano: expected, in billionths; seconds:
    expected, None where its speed was not measured yet."""

    offer: Offer
    effort: Effort | None
    quality: float
    cost_nano: int
    seconds: float | None = None

    @property
    def thinks(self) -> bool:
        """Whether it is asked to think."""
        return self.effort not in (None, "off")


class Decision(msgspec.Struct, frozen=True):
    """What was decided about a turn of `auto`, and on what grounds.

    hard: whether deep thought was found worth it. weighed: by which dial and ceilings, and who said them; least_gain:
    what the dial asked for. ceiling_nano: of the cost, None for none; stopped: a ceiling ("cost", "seconds") that kept a
    hard turn from the reasoning model; over: which one that model would pass, wanted or not. twin: where there is but one
    model, itself with thought instead of without, or the other way round; None where it has no choice. stays: a close
    decision that is as it was for the question before. enough: the most that a dial may ask for, for this turn to be hard;
    only of one that is explained. rule: as in core.models.Route.
    """

    chosen: Candidate
    candidates: tuple[Candidate, ...]
    hardness: Hardness
    hard: bool
    weighed: Dial
    least_gain: float
    rule: str
    ceiling_nano: int | None = None
    stopped: str = ""
    stays: bool = False
    over: str = ""
    twin: Candidate | None = None
    enough: float | None = None

    @property
    def dial(self) -> float:
        """Quality against cost, 0 to 1."""
        return self.weighed.quality or 0.0

    @property
    def other(self) -> Candidate | None:
        """The way that was not taken, by the other kind of model or by the same one; None where there was but one."""
        return next((one for one in self.candidates if one is not self.chosen), self.twin)

    @property
    def reasoning(self) -> Candidate | None:
        """The reasoning model's way, where there are two kinds; None where there is but one."""
        return self.candidates[1] if len(self.candidates) == 2 else None

    @property
    def flips_at(self) -> float | None:
        """The dial, to four places, at which the decision turns round: hard from there on. None where none does, as deep
        thought promises nothing."""
        gain = self.hardness.gain
        return least_dial(gain if self.enough is None else self.enough) if gain > 0 else None
