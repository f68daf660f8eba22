"""Looking back at how `auto` routed: what was done in a period and whether it paid, why one turn went where it went, and
the dial for a target. Reads the ledger's index, samples and scores; knows no command line and no HTTP.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import msgspec

from zhongshu.catalog.changing import ReleaseDesk
from zhongshu.catalog.samples import Sample, SampleBook
from zhongshu.core.answers import Usage
from zhongshu.core.clock import Clock
from zhongshu.core.dials import Dial
from zhongshu.core.models import AUTO, Assistant, ModelCard, Offer
from zhongshu.core.money import NANO, Exchange
from zhongshu.core.problems import Problem, Refusal, Said, fault
from zhongshu.core.turns import Turn
from zhongshu.ledger.index import Index, Shown
from zhongshu.ledger.rows import Filter, TurnRow
from zhongshu.router.decided import Decision
from zhongshu.router.decision import Decider
from zhongshu.router.estimate import hardness_of, question_of
from zhongshu.router.judging import TaskJudge
from zhongshu.router.proving.promise import Wanted
from zhongshu.router.proving.proof import Case
from zhongshu.router.proving.report import Done, Label, Report, Seen, report
from zhongshu.router.proving.tuning import Tuned, tune
from zhongshu.router.reopened import reopened
from zhongshu.router.settings import least_dial, threshold_of

_TEXT_KINDS = ("chat", "completion")


class Period(msgspec.Struct, frozen=True):
    """Which turns: asked from `since_ns` on, before `until_ns`, of one tenant; None for all. asked: of `auto`, or of this
    assistant."""

    since_ns: int | None = None
    until_ns: int | None = None
    tenant: str | None = None
    asked: str = AUTO


class Weighing(msgspec.Struct, frozen=True):
    """The router as the settings have it now. offers: what `auto` stands for when it writes text."""

    decider: Decider
    offers: tuple[Offer, ...]
    exchange: Exchange | None = None
    assistants: tuple[Assistant, ...] = ()

    def sides(self, asked: str) -> Mapping[str, bool | None]:
        """By name, the models that may have the last word on what is asked, and whether each is the reasoning one; None
        where one model answers with thought and without. Raises Fault("model_not_found") for no such assistant."""
        if asked != AUTO:
            found = next((one for one in self.assistants if one.name == asked), None)
            if found is None:
                raise fault("model_not_found", param="assistant", model=asked)
            return {found.general.partition("@")[0]: False, found.reasoning.partition("@")[0]: True}
        tiers = {offer.release.model: _reasons(offer.card) for offer in self.offers}
        return tiers if len(set(tiers.values())) > 1 else dict.fromkeys(tiers)

    @property
    def currency(self) -> str:
        """What costs are compared in."""
        if self.exchange is not None:
            return self.exchange.home
        return next((offer.card.price.currency for offer in self.offers), "CNY")

    def at_home(self, nano: int, currency: str, at_ns: int) -> int:
        """An amount in that currency."""
        return nano if self.exchange is None else self.exchange.to_home(nano, currency, at_ns)


class OfAssistant(msgspec.Struct, frozen=True):
    """What an assistant's turn was weighed by, worked out by the settings of now. chance: that the general model is wrong;
    gain: what deep thought adds. flips_at_dial: from this dial up the reasoning model has a part in it; None where none
    does. flips_at_threshold: up to this threshold `tiered` asks it; None for the other strategies, which look at a draft,
    or always ask both."""

    strategy: str
    threshold: float
    chance: float
    gain: float
    flips_at_dial: float | None
    flips_at_threshold: float | None


class Explained(msgspec.Struct, frozen=True):
    """A turn looked at again. decided: by the settings of now, with its own dial; None where it cannot be decided again
    (`refused` says why, or its text is not kept). sample: where one was taken. without: who answers while the chosen
    model rests; cheaper: who does with a ceiling just below what the reasoning model costs, None where nobody."""

    shown: Shown
    decided: Decision | None
    refused: Problem | None = None
    sample: Sample | None = None
    without: str | None = None
    cheaper: str | None = None
    assistant: OfAssistant | None = None


class TunedAssistant(msgspec.Struct, frozen=True):
    """What an assistant should be set to: `threshold` of one that is tiered, `quality` (its dial) of one that has both models
    take part; None for the other. found: what that comes to on the judged samples; its dial is that of `quality`. without_text:
    judged samples that could not count, as the question is not kept."""

    assistant: str
    strategy: str
    found: Tuned
    threshold: float | None = None
    quality: float | None = None
    without_text: int = 0


class Routings:
    """The routing of an installation. index, desk, samples: the ledger, the scores of turns, and the samples."""

    def __init__(self, weighing: Weighing, index: Index, desk: ReleaseDesk, samples: SampleBook, clock: Clock) -> None:
        self._clock = clock
        self._weighing = weighing
        self._index = index
        self._desk = desk
        self._samples = samples

    # --- one turn

    def explain(self, trace: str) -> Explained:
        """Why a turn went where it went. Raises Fault("turn_not_found", "text_unreadable")."""
        try:
            shown = self._index.show(trace, text=True)
        except LookupError:
            raise fault("turn_not_found", trace=trace) from None
        except ValueError:
            raise fault("text_unreadable", trace=trace) from None
        if shown is None:
            raise fault("turn_not_found", trace=trace)
        record = shown.record
        sample = self._samples.of(trace)
        found = next((one for one in self._weighing.assistants if one.name == record.asked), None)
        if found is not None and not record.shadow_of:
            return Explained(shown, None, sample=sample, assistant=self._of_assistant(shown, found))
        if record.asked != AUTO or record.rule in ("named", "") or record.shadow_of:
            return Explained(shown, None, sample=sample)
        turn = _turn_of(shown)
        if turn is None or not self._weighing.offers:
            return Explained(shown, None, sample=sample)
        said = record.dial.said()
        decided = self._weighing.decider.decide(turn, self._weighing.offers, dial=said, explained=True)
        if isinstance(decided, Refusal):
            return Explained(shown, None, decided.problem, sample)
        without, cheaper = self._without(turn, decided, said), self._cheaper(turn, decided, said)
        return Explained(shown, decided, sample=sample, without=without, cheaper=cheaper)

    def _of_assistant(self, shown: Shown, assistant: Assistant) -> OfAssistant | None:
        turn = _turn_of(shown)
        if turn is None or not (assistant.general and assistant.reasoning):
            return None
        decider = self._weighing.decider
        judge = TaskJudge(decider.judge, decider).of_pair(assistant.general, assistant.reasoning)
        found = judge.question(question_of(turn)[0])
        dial = least_dial(found.score) if found.score > 0 else None
        least = found.chance if assistant.strategy == "tiered" else None
        return OfAssistant(assistant.strategy, assistant.threshold, found.chance, found.score, dial, least)

    @property
    def currency(self) -> str:
        """What costs are compared in."""
        return self._weighing.currency

    def _without(self, turn: Turn, decided: Decision, dial: Dial) -> str | None:
        rest = tuple([offer for offer in self._weighing.offers if offer.card.name != decided.chosen.offer.card.name])
        again = self._weighing.decider.decide(turn, rest, dial=dial) if rest else None
        return None if again is None or isinstance(again, Refusal) else again.chosen.offer.release.name

    def _cheaper(self, turn: Turn, decided: Decision, dial: Dial) -> str | None:
        deep = decided.reasoning
        if deep is None or deep.cost_nano < 2:
            return None
        below = msgspec.structs.replace(dial, max_cost=(deep.cost_nano - 1) / NANO, max_cost_by="request")
        again = self._weighing.decider.decide(turn, self._weighing.offers, dial=below)
        return None if isinstance(again, Refusal) else again.chosen.offer.release.name

    # --- a period

    def report(self, period: Period, labels: Sequence[Label] = (), wanted: Wanted | None = None) -> Report:
        """What routing was worth, and whether a wanted share of accuracy was kept. With labels of prompts alone, nothing of the ledger is read. Raises
        Fault("model_not_found") for no such assistant."""
        of_turns = [label for label in labels if label.trace]
        prompts = self._cases([label for label in labels if not label.trace])
        done: list[Done] = []
        samples: Sequence[Sample] = ()
        elsewhere = 0
        if of_turns or not prompts:
            done, elsewhere = self._done(period, {label.trace for label in of_turns})
            samples = self._of(period)
        seen = [_seen(sample) for sample in samples]
        alone, currency = period.asked == AUTO, self._weighing.currency
        costs = self._cost_of()
        return report(
            done, of_turns, prompts, costs, currency, seen, estimated=alone, elsewhere=elsewhere, wanted=wanted
        )

    def _of(self, period: Period) -> Sequence[Sample]:
        return self._samples.find(period.since_ns or 0, period.until_ns, period.tenant, asked=period.asked)

    def _of_now(self, period: Period) -> Sequence[Sample]:
        """Those by the models of now: what others did says nothing of these."""
        sides = self._weighing.sides(period.asked)
        return [one for one in self._of(period) if sides.keys() >= _models(one)]

    def tune(self, period: Period, quality: float, confidence: float | None = None) -> Tuned:
        """The dial for a target, by the judged samples of a period. Raises ValueError where they are none."""
        judged = [_seen(one) for one in self._of_now(period)]
        return _tuned([(one.gain, one.general, one.reasoning or 0.0) for one in judged], quality, confidence)

    def tune_assistant(self, period: Period, quality: float, confidence: float | None = None) -> TunedAssistant:
        """The setting of the assistant `period.asked` for a target, by the judged samples of a period. Raises ValueError where
        they are none; Fault: model_not_found for no such assistant, invalid_value for one that no question alone decides."""
        found = next((one for one in self._weighing.assistants if one.name == period.asked), None)
        if found is None:
            raise fault("model_not_found", param="assistant", model=period.asked)
        why = _NOT_TUNED.get(found.strategy)
        if why is not None:
            raise fault("invalid_value", param="assistant", field="assistant", why=why)
        judged = [(one.trace, seen) for one in self._of_now(period) if (seen := _seen(one)).general is not None]
        if found.strategy != "tiered":
            rows = [(seen.gain, seen.general, _right(seen)) for _, seen in judged]
            tuned = _tuned(rows, quality, confidence)
            return TunedAssistant(found.name, found.strategy, tuned, quality=tuned.dial)
        chances = [(self._chance(trace, found), seen) for trace, seen in judged]
        rows = [(chance, seen.general, seen.reasoning or 0.0) for chance, seen in chances if chance is not None]
        tuned = _tuned(rows, quality, confidence)
        threshold = math.floor(tuned.least_gain * 10_000) / 10_000
        return TunedAssistant(
            found.name, found.strategy, tuned, threshold=threshold, without_text=len(chances) - len(rows)
        )

    def _chance(self, trace: str, assistant: Assistant) -> float | None:
        """That the general model is wrong on a recorded question; None where its text cannot be had."""
        try:
            shown = self._index.show(trace, text=True)
        except (LookupError, ValueError):
            return None
        of_it = self._of_assistant(shown, assistant) if shown is not None else None
        return None if of_it is None else of_it.chance

    def gains(self, prompts: Sequence[str]) -> list[float]:
        """What deep thought is expected to add to each of these questions."""
        judge = self._weighing.decider.judge
        return [hardness_of(prompt, judge).gain for prompt in prompts]

    def _cases(self, labels: Sequence[Label]) -> list[Case]:
        """What would be done now with prompts whose answers are known."""
        least, cases = threshold_of(self._weighing.decider.settings.dial), list[Case]()
        for label, gain in zip(labels, self.gains([label.prompt for label in labels]), strict=True):
            went = gain > 0 and gain >= least
            right = float(label.weak_correct), float(label.strong_correct)
            cases.append(Case(went, *right, label.weak_cost, label.strong_cost, gain))
        return cases

    def _done(self, period: Period, labelled: set[str]) -> tuple[list[Done], int]:
        """The turns that either kind of model answered, and how many others were answered."""
        wanted = Filter(
            tenant=period.tenant, outcome="answered", since_ns=period.since_ns, until_ns=period.until_ns,
            asked=period.asked, shadow=False, cache="",
        )  # fmt: skip
        tiers = self._weighing.sides(period.asked)
        every = [row for row in self._index.each(wanted) if row.kind in _TEXT_KINDS]
        rows = [row for row in every if row.model in tiers]
        scores = self._scores({row.model for row in rows}, period)
        at_home = self._weighing.at_home
        done = [
            Done(
                row.trace,
                row.release_name,
                _went(row, tiers[row.model]),
                row.prompt_tokens,
                row.completion_tokens,
                at_home(row.cost_nano, row.currency, row.at_ns),
                scores.get(row.trace),
                self._gain(row) if row.trace in labelled else None,
            )
            for row in rows
        ]
        return done, len(every) - len(rows)

    def _gain(self, row: TurnRow) -> float | None:
        turn = _turn_of(self._index.whole(row, text=True))
        if turn is None or not self._weighing.offers:
            return None
        decided = self._weighing.decider.decide(turn, self._weighing.offers)
        return None if isinstance(decided, Refusal) else decided.hardness.gain

    def _scores(self, models: set[str], period: Period) -> Mapping[str, float]:
        return {
            trace: score.score
            for model in models
            for trace, score in self._desk.scores(model, period.since_ns or 0, period.until_ns).items()
        }

    def _cost_of(self) -> Callable[[bool, int, int], int | None]:
        """By the first model of each kind, at today's prices."""
        weighing = self._weighing
        cards = {
            went: next((o.card for o in weighing.offers if _reasons(o.card) is went), None) for went in (False, True)
        }
        now_ns = self._clock.now_ns()

        def cost_of(went: bool, prompt: int, completion: int) -> int | None:
            card = cards[went]
            if card is None:
                return None
            nano = card.price.cost_nano(Usage(prompt=prompt, completion=completion), now_ns)
            return weighing.at_home(nano, card.price.currency, now_ns)

        return cost_of


_NOT_TUNED = {
    "direct": Said("it asks one model only, so there is nothing to find", "该助手只使用一个模型，无需求档位"),
    "cascade": Said(
        "a cascade decides by each draft, not by the question; measure drafts with `zhongshu route check`",
        "级联按每份草稿而非问题来决定；请用 `zhongshu route check` 测量草稿",
    ),
}


def _tuned(rows: Sequence[tuple[float, float | None, float]], quality: float, confidence: float | None) -> Tuned:
    """By what deep thought promises, and how right the general model and the deeper way were; None: not judged."""
    known = [(promised, weak, deep) for promised, weak, deep in rows if weak is not None]
    return tune([one[0] for one in known], [one[1] for one in known], [one[2] for one in known], quality, confidence)


def _right(seen: Seen) -> float:
    """How right an assistant was that had both models take part; as the reasoning model, where it had not."""
    return seen.done if seen.done is not None else seen.reasoning or 0.0


def _reasons(card: ModelCard) -> bool:
    return card.tier == "reasoning"


def _went(row: TurnRow, reasons: bool | None) -> bool:
    """To the reasoning model; of one model that does both, with thought."""
    return row.thinking_tokens > 0 if reasons is None else reasons


def _models(sample: Sample) -> set[str]:
    """The models that answered a turn and its sample."""
    releases = [sample.release, *sample.other.split(", ")]
    return {model for release in releases if (model := release.partition("@")[0])}


def _turn_of(shown: Shown) -> Turn | None:
    """The words of a recorded turn; None when they are not kept."""
    return reopened(shown.record, shown.texts.prompt) if shown.texts else None


def _seen(sample: Sample) -> Seen:
    general, reasoning = (sample.other_nano, sample.cost_nano) if sample.went else (sample.cost_nano, sample.other_nano)
    of_assistant = sample.asked != AUTO
    return Seen(
        sample.trace, sample.went,
        general if sample.general_nano is None else sample.general_nano,
        reasoning if sample.reasoning_nano is None else sample.reasoning_nano,
        sample.gain, sample.state, sample.by,
        sample.general, sample.reasoning, sample.other_nano + sample.judge_nano,
        sample.done, sample.cost_nano if of_assistant else None,
    )  # fmt: skip
