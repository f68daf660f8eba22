"""The decision of `auto`: which model answers a turn, how deep it thinks, and why, with the figures. Pure: no clock, no
randomness, and work that is bounded whatever the text.

A turn goes to the reasoning model when deep thought is expected to raise the chance of a right answer by at least what
the dial asks for, and is expected to cost and to take no more than the ceilings. Within a conversation a close decision
stays as it was. Health and speed are known only as far as it is told which offers rest, and how quick each was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from zhongshu.core.dials import NO_DIAL, Dial, Preference
from zhongshu.core.models import AUTO, ModelCard, Offer, Other, Route
from zhongshu.core.money import Exchange, ceiling_nano, money_about
from zhongshu.core.problems import Refusal, Said, problem
from zhongshu.core.turns import Effort, Turn
from zhongshu.router.conversation import CHANGES, STAYS
from zhongshu.router.decided import Candidate, Decision
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.estimate import Hardness, cost_nano, earlier, hardness, newest, tokens
from zhongshu.router.judges import judge_for
from zhongshu.router.modality import able as able_for
from zhongshu.router.remembered import Judged, Remembered
from zhongshu.router.saying import why_of, with_cost
from zhongshu.router.settings import RouterSettings, threshold_of

Speed = tuple[int, int]
"""Microseconds to the first content, and for each token after it; 0 where not measured."""


class Decider:
    """Routes by one set of settings. cards: every configured model, to name those that could. resting: whether an
    offer's upstream is left alone now; waits_out: whether a turn sent there waits for the end of its rest; speed: how quick
    it was. exchange: where prices are in several currencies; `currency` is the home one."""

    def __init__(
        self,
        settings: RouterSettings | None = None,
        judge: Judge | None = None,
        cards: Sequence[ModelCard] = (),
        resting: Callable[[Offer], bool] | None = None,
        exchange: Exchange | None = None,
        speed: Callable[[Offer], Speed | None] | None = None,
        waits_out: Callable[[Offer], bool] | None = None,
    ) -> None:
        self._speed = speed
        self._waits_out = waits_out
        self._settings = settings or RouterSettings()
        self._judge = judge or judge_for(cards, self._settings.model_file)
        self._judged = Judged(self._judge)
        self._cards = cards
        self._resting = resting
        self._exchange = exchange
        bounded = self._settings.max_cost or self._settings.max_seconds
        self._remembered = None if bounded else Remembered(resting, threshold_of(self._settings.dial))

    def judging_by(self, judge: Judge) -> Decider:
        """The same, by another judge."""
        return Decider(self._settings, judge, self._cards, self._resting, self._exchange, self._speed, self._waits_out)

    @property
    def judge(self) -> Judge:
        """What says how hard questions are."""
        return self._judge

    def away(self, offer: Offer) -> bool:
        """Whether an offer is left alone now, for longer than a turn sent there waits, as far as is known here."""
        rests = self._resting is not None and self._resting(offer)
        return rests and (self._waits_out is None or not self._waits_out(offer))

    @property
    def settings(self) -> RouterSettings:
        """What it goes by."""
        return self._settings

    def route(self, turn: Turn, offers: tuple[Offer, ...], dial: Dial = NO_DIAL) -> Route | Refusal:
        """Choose among `offers` (not empty) the release for this turn. A named model is itself. dial: what was said of
        quality, cost and time; the settings fill in the rest."""
        if turn.model != AUTO and turn.kind in offers[0].card.abilities:
            return Route(offers[0], turn.effort, "named", "The caller named this model.", "调用方指定了该模型。")
        if turn.kind not in ("chat", "completion"):
            return _first_able(turn, offers)
        text, first = newest(turn)
        found = self._judged.hardness(turn, text, first)
        place = None if self._remembered is None else self._remembered.place(turn, offers, found, dial, first)
        known = None if place is None else place.route
        if known is not None and (self._resting is None or not self._resting(known.offer)):
            return known if known.offer.card.price.free else self._priced(turn, known, found)
        able = tuple([offer for offer in offers if turn.kind in offer.card.abilities])
        if not able:
            return _cannot(turn, offers[0])
        decided = self.decide(turn, able, dial=dial, found=found)
        if isinstance(decided, Refusal):
            return decided
        (en, zh), chosen = why_of(decided), decided.chosen
        route = Route(chosen.offer, chosen.effort, decided.rule, f"{en}.", f"{zh}。", decided.weighed, _other(decided))
        if place is not None and decided.rule != "resting":
            place.route = route
        return route if route.offer.card.price.free else self._priced(turn, route, found)

    def _priced(self, turn: Turn, route: Route, found: Hardness) -> Route:
        """With what the answer is expected to cost, which differs from turn to turn."""
        nano = cost_nano(turn, route.offer, found, route.effort, self._exchange)
        said = with_cost(route.reason[:-1], route.reason_zh[:-1], nano, self._currency(route.offer))
        return msgspec.structs.replace(route, reason=said.en, reason_zh=said.zh)

    def decide(
        self,
        turn: Turn,
        offers: tuple[Offer, ...],
        *,
        dial: Dial = NO_DIAL,
        explained: bool = False,
        found: Hardness | None = None,
    ) -> Decision | Refusal:
        """The decision about a turn of `auto` that writes text, with its grounds. offers: that answer such turns.
        explained: with the weightiest features, which take a little longer to name. found: how hard it is, if known."""
        able = able_for(turn, offers, self._cards or [offer.card for offer in offers])
        if isinstance(able, Refusal):
            return able
        deep = [offer for offer in able if offer.card.tier == "reasoning"]
        plain = [offer for offer in able if offer.card.tier == "general"] or ([] if deep else list(able))
        found = found or hardness(turn, self._judge, explained=explained)
        decided = self.weigh(turn, plain, deep, dial, found)
        if not explained or isinstance(decided, Refusal):
            return decided
        return msgspec.structs.replace(decided, enough=self._enough(turn, found))

    def _enough(self, turn: Turn, found: Hardness) -> float:
        """The most that a dial may ask for, for the turn to be hard: see `_hard`."""
        before = None if found.gain <= 0 or found.follow_up else earlier(turn, self._judge)
        if before is None:
            return found.gain
        return max(found.gain / CHANGES, min(found.gain / STAYS, before.gain))

    def weigh(
        self,
        turn: Turn,
        plain: Sequence[Offer],
        deep: Sequence[Offer],
        dial: Dial,
        found: Hardness | None = None,
    ) -> Decision | Refusal:
        """The decision between general models (`plain`) and reasoning models (`deep`), not both empty. found: how hard
        the turn is, if known."""
        found = found or hardness(turn, self._judge)
        weighed = self._settings.filled(said_in(turn, dial))
        most = weighed.max_cost
        ceiling = None if most is None else ceiling_nano(most)
        least_gain = threshold_of(weighed.quality or 0.0)
        hard, stays = self._hard(turn, found, least_gain)
        wanted, rule = _wanted(turn, hard)
        bounds = _Bounds(ceiling, weighed.max_seconds)
        general = self._first(turn, plain, found, bounds, deep=hard and not deep)
        light = not found.wants_thought(least_gain)
        reasoning = self._first(turn, deep, found, bounds, deep=hard or bool(plain), light=light)
        both = tuple([one for one in (general, reasoning) if one is not None])
        chosen, stopped = _chosen(general, reasoning, wanted, bounds)
        spare = next((one for one in both if one is not chosen), None)
        if rule != "asked" and spare is not None and not bounds.passed(spare) and self._steps_in(spare, chosen):
            chosen, rule = spare, "resting"
        if ceiling is not None and chosen.cost_nano > ceiling:
            return _too_dear(chosen.cost_nano, weighed.max_cost_by)
        twin = None
        if len(both) == 1:
            rule = "only"
            twin = self._twin(turn, chosen, found)
        rule = "ceiling" if stopped else rule
        over = bounds.passed(reasoning) if reasoning else ""
        return Decision(chosen, both, found, hard, weighed, least_gain, rule, ceiling, stopped, stays, over, twin)

    def _steps_in(self, spare: Candidate, chosen: Candidate) -> bool:
        """Whether only the other kind of model can be asked now: the chosen one rests for long, and has no models of its
        own to fall back to. A caller who said how deep is told instead."""
        return self.away(chosen.offer) and not chosen.offer.card.fallbacks and not self.away(spare.offer)

    def _twin(self, turn: Turn, chosen: Candidate, found: Hardness) -> Candidate | None:
        """The same model with thought, or without; None where it cannot be told, or the caller has said."""
        if not _may_skip_thought(turn, chosen.offer.card):
            return None
        twin = self._candidate(turn, chosen.offer, found, deep=not chosen.thinks, light=False)
        return twin if twin.thinks is not chosen.thinks else None

    def _hard(self, turn: Turn, found: Hardness, least_gain: float) -> tuple[bool, bool]:
        """Whether deep thought is worth it, and whether that is so only because it was, or was not, for the question
        before."""
        gain = found.gain
        hard = gain > 0 and gain >= least_gain
        if gain <= 0 or found.follow_up or not least_gain * STAYS <= gain < least_gain * CHANGES:
            return hard, False
        before = earlier(turn, self._judge)
        if before is None:
            return hard, False
        was = before.gain > 0 and before.gain >= least_gain
        return was, was is not hard

    def _first(
        self,
        turn: Turn,
        offers: Sequence[Offer],
        found: Hardness,
        bounds: _Bounds,
        *,
        deep: bool,
        light: bool = False,
    ) -> Candidate | None:
        """By the first offer in the settings' order that is well and within the bounds; else by the one that passes them
        least. light: without thought, where that can be said and the caller says nothing."""
        if len(offers) > 1 and self._resting is not None:
            awake = [offer for offer in offers if not self._resting(offer)]
            offers = awake or [offer for offer in offers if not self.away(offer)] or offers
        nearest: Candidate | None = None
        for offer in offers:
            made = self._candidate(turn, offer, found, deep=deep, light=light)
            if not bounds.passed(made):
                return made
            if nearest is None or bounds.excess(made) < bounds.excess(nearest):
                nearest = made
        return nearest

    def _candidate(self, turn: Turn, offer: Offer, found: Hardness, *, deep: bool, light: bool) -> Candidate:
        effort = _effort(turn, offer.card, found, deep=deep)
        thinks = deep and (offer.card.tier == "reasoning" or effort not in (None, "off"))
        quality = found.reasoned if thinks else 1 - found.chance
        unthought = found.unthought if light and _may_skip_thought(turn, offer.card) else None
        if unthought is not None:
            effort, quality = "off", unthought
        seconds = self._seconds(turn, offer, found, effort)
        return Candidate(offer, effort, quality, cost_nano(turn, offer, found, effort, self._exchange), seconds)

    def _seconds(self, turn: Turn, offer: Offer, found: Hardness, effort: Effort | None) -> float | None:
        speed = None if self._speed is None else self._speed(offer)
        if speed is None or not any(speed):
            return None
        return round((speed[0] + speed[1] * tokens(turn, found, effort)) / 1e6, 3)

    def _currency(self, offer: Offer) -> str:
        return self._exchange.home if self._exchange else offer.card.price.currency


class _Bounds(msgspec.Struct, frozen=True):
    """The ceilings of a turn; None for none."""

    nano: int | None
    seconds: float | None

    def passed(self, made: Candidate) -> str:
        """Which of them is passed; empty for none."""
        if self.nano is not None and made.cost_nano > self.nano:
            return "cost"
        if self.seconds is not None and made.seconds is not None and made.seconds > self.seconds:
            return "seconds"
        return ""

    def excess(self, made: Candidate) -> tuple[int, float]:
        """By how much, for comparing."""
        return (made.cost_nano if self.nano is not None and made.cost_nano > self.nano else 0), made.seconds or 0.0


def said_in(turn: Turn, dial: Dial) -> Dial:
    """What was said of quality, cost and time; where nothing was handed in, by the request itself."""
    wishes = turn.wishes
    if dial != NO_DIAL or (wishes.quality is None and wishes.max_cost is None and wishes.max_seconds is None):
        return dial
    return NO_DIAL.or_else(Preference(wishes.quality, wishes.max_cost, wishes.max_seconds), "request")


def _other(decided: Decision) -> Other | None:
    other, found = decided.other, decided.hardness
    if other is None or decided.rule == "resting":
        return None
    chosen = decided.chosen
    went = chosen.thinks if other is decided.twin else chosen.offer.card.tier == "reasoning"
    return Other(other.offer, other.effort, went, found.gain, found.task)


def _wanted(turn: Turn, hard: bool) -> tuple[bool, str]:
    """Whether the reasoning model is wanted, and by which rule. What the caller says goes before what we find."""
    if turn.effort in ("off", "minimal"):
        return False, "asked"
    if turn.effort is not None or turn.thinking_tokens:
        return True, "asked"
    return hard, "hard" if hard else "simple"


def _chosen(
    general: Candidate | None, reasoning: Candidate | None, wanted: bool, bounds: _Bounds
) -> tuple[Candidate, str]:
    """The candidate, and which ceiling decided, if one did."""
    if general is None or reasoning is None:
        only = general or reasoning
        assert only is not None  # one of the able offers is always a candidate
        return only, ""
    if not wanted:
        return general, ""
    stopped = bounds.passed(reasoning)
    return (general if stopped else reasoning), stopped


def _effort(turn: Turn, card: ModelCard, found: Hardness, *, deep: bool) -> Effort | None:
    """How deep this model is to think: as the caller asks; else by difficulty. None leaves the model as it is."""
    if turn.effort is not None or turn.thinking_tokens:
        return turn.effort
    if card.thinking == "never":
        return "off" if card.tier == "reasoning" else None
    if not deep:
        return "off" if card.thinking == "switch" else None
    if found.chance < 0.3:
        return "low"
    return "medium" if found.chance < 0.65 else "high"


_WHOSE = {
    "key": Said("it is your key's", "该上限来自密钥"),
    "assistant": Said("it is the assistant's", "该上限来自助手"),
    "settings": Said("it is this installation's `router.max_cost`", "该上限为本系统设置的 `router.max_cost`"),
}


def _may_skip_thought(turn: Turn, card: ModelCard) -> bool:
    """Whether this model can be told not to think, and the caller has said nothing about it."""
    return card.thinking in ("switch", "prompted") and turn.effort is None and not turn.thinking_tokens


def _too_dear(nano: int, by: str) -> Refusal:
    amount = money_about(nano)
    why = Said(
        f"the cheapest model is expected to cost {amount}; raise it, or lower `max_tokens`",
        f"最便宜的模型预计费用为 {amount}；请调高它，或调低 `max_tokens`",
    )
    param = {"header": "x-zhongshu-max-cost", "request": "zhongshu.max_cost"}.get(by, "max_cost")
    whose = _WHOSE.get(by)
    if whose is not None:
        why = Said(f"{why.en} ({whose.en})", f"{why.zh}（{whose.zh}）")
    return Refusal("route", problem("invalid_value", param=param, field=param, why=why))


def _first_able(turn: Turn, offers: tuple[Offer, ...]) -> Route | Refusal:
    """For kinds of turns that are not weighed."""
    for offer in offers:
        if turn.kind in offer.card.abilities:
            why = "It is the first model that can do this.", "它是首个具备此能力的模型。"
            return Route(offer, None, "only", *why)
    return _cannot(turn, offers[0])


def _cannot(turn: Turn, offer: Offer) -> Refusal:
    remedy = Said("See GET /v1/models for models that can.", "支持的模型见 GET /v1/models。")
    refused = problem("model_cannot", param="model", model=offer.release.model, what=turn.kind, remedy=remedy)
    return Refusal("route", refused)
