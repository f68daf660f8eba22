"""The decision of `auto`: which model answers a turn, how deep it thinks, and why, with the figures. Pure: no clock, no
randomness, and work that is bounded whatever the text.

A turn goes to the reasoning model when deep thought is expected to raise the chance of a right answer by at least what
the dial asks for, and is expected to cost no more than the ceiling. Knows no release's measured speed; health only as
far as it is told which offers rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from zhongshu.core.models import ModelCard, Offer, Route
from zhongshu.core.money import Exchange
from zhongshu.core.problems import Refusal, Said, problem
from zhongshu.core.turns import Effort, Turn
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.difficulty.linear import load
from zhongshu.router.estimate import Hardness, cost_nano, hardness
from zhongshu.router.modality import able as able_for
from zhongshu.router.settings import RouterSettings, dial_of, threshold_of
from zhongshu.router.task import NAMES_ZH

AUTO = "auto"
_NANO = 1_000_000_000


class Candidate(msgspec.Struct, frozen=True):
    """One way to answer. quality: the expected chance of a right answer; cost_nano: expected, in billionths."""

    offer: Offer
    effort: Effort | None
    quality: float
    cost_nano: int


class Decision(msgspec.Struct, frozen=True):
    """What was decided about a turn of `auto`, and on what grounds.

    hard: whether deep thought was found worth it. least_gain: what the dial asked for. ceiling_nano: of the cost, None
    for none; stopped: the ceiling kept a hard turn from the reasoning model. rule: as in core.models.Route.
    """

    chosen: Candidate
    candidates: tuple[Candidate, ...]
    hardness: Hardness
    hard: bool
    dial: float
    least_gain: float
    rule: str
    ceiling_nano: int | None = None
    stopped: bool = False

    @property
    def flips_at(self) -> float | None:
        """The dial at which the decision turns round; None where none does, as deep thought promises nothing."""
        gain = self.hardness.gain
        return dial_of(gain) if gain > 0 else None


class Decider:
    """Routes by one set of settings. cards: every configured model, to name those that could. resting: whether an
    offer's upstream is left alone now. exchange: where prices are in several currencies; `currency` is the home one."""

    def __init__(
        self,
        settings: RouterSettings | None = None,
        judge: Judge | None = None,
        cards: Sequence[ModelCard] = (),
        resting: Callable[[Offer], bool] | None = None,
        exchange: Exchange | None = None,
    ) -> None:
        self._settings = settings or RouterSettings()
        self._judge = judge or Judge(load())
        self._cards = cards
        self._resting = resting
        self._exchange = exchange

    def route(self, turn: Turn, offers: tuple[Offer, ...]) -> Route | Refusal:
        """Choose among `offers` (not empty) the release for this turn. A named model is itself."""
        if turn.model != AUTO and turn.kind in offers[0].card.abilities:
            return Route(offers[0], turn.effort, "named", "The caller named this model.", "调用方指定了该模型。")
        able = tuple([offer for offer in offers if turn.kind in offer.card.abilities])
        if not able:
            return _cannot(turn, offers[0])
        if turn.kind not in ("chat", "completion"):
            why = "It is the first model that can do this.", "它是首个具备此能力的模型。"
            return Route(able[0], None, "only", *why)
        decided = self.decide(turn, able)
        if isinstance(decided, Refusal):
            return decided
        said = said_of(decided, self._currency(decided.chosen.offer))
        return Route(decided.chosen.offer, decided.chosen.effort, decided.rule, said.en, said.zh)

    def decide(self, turn: Turn, offers: tuple[Offer, ...], *, explained: bool = False) -> Decision | Refusal:
        """The decision about a turn of `auto` that writes text, with its grounds. offers: that answer such turns.
        explained: with the weightiest features, which take a little longer to name."""
        able = able_for(turn, offers, self._cards or [offer.card for offer in offers])
        if isinstance(able, Refusal):
            return able
        found = hardness(turn, self._judge, explained=explained)
        wishes, settings = turn.wishes, self._settings
        dial = settings.dial if wishes.quality is None else wishes.quality
        most = settings.max_cost if wishes.max_cost is None else wishes.max_cost
        ceiling = round(most * _NANO) if most or wishes.max_cost is not None else None
        least_gain = threshold_of(dial)
        hard = found.gain > 0 and found.gain >= least_gain
        wanted, rule = _wanted(turn, hard)
        general, reasoning = self._candidates(turn, able, found, hard, ceiling)
        both = tuple([one for one in (general, reasoning) if one is not None])
        chosen, stopped = _chosen(general, reasoning, wanted, ceiling)
        if ceiling is not None and chosen.cost_nano > ceiling:
            return _too_dear(chosen.cost_nano)
        if len(both) == 1:
            rule = "only"
        return Decision(chosen, both, found, hard, dial, least_gain, "ceiling" if stopped else rule, ceiling, stopped)

    def _candidates(
        self, turn: Turn, able: tuple[Offer, ...], found: Hardness, hard: bool, ceiling: int | None
    ) -> tuple[Candidate | None, Candidate | None]:
        """The general and the reasoning way, each by the first offer in the settings' order that is well and, where
        there is a ceiling, below it."""
        deep = [offer for offer in able if offer.card.tier == "reasoning"]
        plain = [offer for offer in able if offer.card.tier == "general"] or ([] if deep else list(able))
        general = self._first(turn, plain, found, ceiling, deep=hard and not deep)
        return general, self._first(turn, deep, found, ceiling, deep=hard or bool(plain))

    def _first(
        self, turn: Turn, offers: list[Offer], found: Hardness, ceiling: int | None, *, deep: bool
    ) -> Candidate | None:
        if len(offers) > 1 and self._resting is not None:
            offers = [offer for offer in offers if not self._resting(offer)] or offers
        cheapest: Candidate | None = None
        for offer in offers:
            made = self._candidate(turn, offer, found, deep=deep)
            if ceiling is None or made.cost_nano <= ceiling:
                return made
            if cheapest is None or made.cost_nano < cheapest.cost_nano:
                cheapest = made
        return cheapest

    def _candidate(self, turn: Turn, offer: Offer, found: Hardness, *, deep: bool) -> Candidate:
        effort = _effort(turn, offer.card, found, deep=deep)
        thinks = deep and (offer.card.tier == "reasoning" or effort not in (None, "off"))
        quality = found.reasoned if thinks else 1 - found.chance
        return Candidate(offer, effort, quality, cost_nano(turn, offer, found, effort, self._exchange))

    def _currency(self, offer: Offer) -> str:
        return self._exchange.home if self._exchange else offer.card.price.currency


def said_of(decided: Decision, currency: str) -> Said:
    """The reason, in one sentence of each language. Never holds text of the user's."""
    en, zh = _why(decided)
    dear = decided.chosen.cost_nano
    if dear:
        amount = f"{dear / _NANO:.6f}".rstrip("0").rstrip(".")
        en, zh = f"{en}; expected cost {amount} {currency}", f"{zh}；预计费用 {amount} {currency}"
    return Said(f"{en}.", f"{zh}。")


def _why(decided: Decision) -> tuple[str, str]:
    found, general = decided.hardness, 1 - decided.hardness.chance
    zh_task = NAMES_ZH[found.task]
    again, again_zh = (" (it goes on from an earlier question)", "（承接前面的问题）") if found.follow_up else ("", "")
    marks = "".join(f", {en}" for en, _, _ in found.weightiest[:2] if not found.learnt)
    marks_zh = "".join(f"、{zh}" for _, zh, _ in found.weightiest[:2] if not found.learnt)
    en = f"This is {_ARTICLES.get(found.task, 'a ' + found.task)}{marks}{again}: deep thought is expected to move the chance of a right answer from {general:.2f} to {found.reasoned:.2f}"
    zh = f"这是{zh_task}{marks_zh}{again_zh}：深度思考预计使答对的可能从 {general:.2f} 变为 {found.reasoned:.2f}"
    asks = f"the {decided.least_gain:.2f} that dial {decided.dial:.2f} asks for"
    asks_zh = f"档位 {decided.dial:.2f} 所要求的 {decided.least_gain:.2f}"
    match decided.rule:
        case "asked":
            effort = decided.chosen.effort or "deep"
            return f"The caller asked for {effort} thought; {_lower(en)}", f"调用方要求 {effort} 级思考；{zh}"
        case "ceiling":
            return f"{en}, but it would cost more than the ceiling", f"{zh}，但预计费用超过上限"
        case "only":
            tier = decided.chosen.offer.card.tier
            return (
                f"Only a {tier} model can answer; {_lower(en)}",
                f"只有{'推理' if tier == 'reasoning' else '通用'}模型可用；{zh}",
            )
        case "hard":
            return f"{en}, at least {asks}", f"{zh}，不低于{asks_zh}"
        case _:
            return f"{en}, less than {asks}", f"{zh}，低于{asks_zh}"


_ARTICLES = {
    "mathematics": "mathematics", "code": "code", "writing": "writing", "chat": "small talk", "lookup": "a plain question",
    "transform": "work on a given text", "planning": "planning", "diagnosis": "diagnosis", "choice": "a choice question",
}  # fmt: skip


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _wanted(turn: Turn, hard: bool) -> tuple[bool, str]:
    """Whether the reasoning model is wanted, and by which rule. What the caller says goes before what we find."""
    if turn.effort in ("off", "minimal"):
        return False, "asked"
    if turn.effort is not None or turn.thinking_tokens:
        return True, "asked"
    return hard, "hard" if hard else "simple"


def _chosen(
    general: Candidate | None, reasoning: Candidate | None, wanted: bool, ceiling: int | None
) -> tuple[Candidate, bool]:
    """The candidate, and whether the ceiling decided."""
    if general is None or reasoning is None:
        only = general or reasoning
        assert only is not None  # one of the able offers is always a candidate
        return only, False
    if not wanted:
        return general, False
    stopped = ceiling is not None and reasoning.cost_nano > ceiling
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


def _too_dear(nano: int) -> Refusal:
    amount = f"{nano / _NANO:.6f}".rstrip("0").rstrip(".")
    why = Said(
        f"the cheapest model is expected to cost {amount}; raise it, or lower `max_tokens`",
        f"最便宜的模型预计费用为 {amount}；请调高它，或调低 `max_tokens`",
    )
    return Refusal("route", problem("invalid_value", param="zhongshu.max_cost", field="zhongshu.max_cost", why=why))


def _cannot(turn: Turn, offer: Offer) -> Refusal:
    remedy = Said("See GET /v1/models for models that can.", "支持的模型见 GET /v1/models。")
    refused = problem("model_cannot", param="model", model=offer.release.model, what=turn.kind, remedy=remedy)
    return Refusal("route", refused)
