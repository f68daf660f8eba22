"""Last stage: everything kept about the turn, durable before the reply ends. The only door to the journal."""

from __future__ import annotations

import hashlib

import msgspec

from zhongshu.core.answers import Answer, Embeddings, Passed, Usage
from zhongshu.core.ports import Hit
from zhongshu.core.problems import Problem, Refusal
from zhongshu.core.records import Outcome, Record
from zhongshu.pipeline.stages import Admitted, Arrived, Labelled, Rooms, Routed

_encode = msgspec.json.Encoder().encode
_KEPT_BYTES = 256 * 1024
_NO_USAGE = Usage()


class Entry:
    """The record of one turn while it is being made: each stage leaves what it knows."""

    __slots__ = (
        "_arrived", "_rooms", "admitted", "answer", "cost_nano", "error", "first_us", "hit", "label", "outcome", "routed",
        "sent_ns", "stage", "upstream_us", "usage",
    )  # fmt: skip

    def __init__(self, rooms: Rooms, arrived: Arrived) -> None:
        self._rooms = rooms
        self._arrived = arrived
        self.outcome: Outcome = "failed"
        self.admitted: Admitted | None = None
        self.routed: Routed | None = None
        self.answer: Answer | Embeddings | Passed | None = None
        self.hit: Hit | None = None
        self.usage = _NO_USAGE
        self.label = self.stage = ""
        self.error = "internal_error"
        self.cost_nano = self.first_us = self.sent_ns = self.upstream_us = 0

    def read(self, arrived: Arrived) -> None:
        """What the turn brought has been made into text; the request is kept as it came."""
        self._arrived = arrived

    def refused(self, refusal: Refusal) -> Refusal:
        """A stage said no."""
        self.outcome, self.error, self.stage = "refused", refusal.problem.code, refusal.stage
        return refusal

    def failed(self, problem: Problem, *, content_sent: bool = False) -> None:
        """Something broke, before or after the client had seen content."""
        self.outcome = "cut" if content_sent else "failed"
        self.error, self.stage = problem.code, "answer"

    def cancelled(self, error: BaseException) -> None:
        """The client went away; or the server stops, which alone cancels with a message (uvicorn's, past its grace)."""
        self.outcome, self.error, self.stage = ("cut", "draining", "answer") if error.args else ("left", "", "answer")

    def answered(self, labelled: Labelled) -> Labelled:
        """The turn has its whole answer."""
        self.outcome, self.error = "answered", ""
        self.answer, self.usage = labelled.answered.answer, labelled.answered.usage
        self.cost_nano, self.hit = labelled.answered.cost_nano, labelled.answered.hit
        self.label = labelled.label.AIGC.Label if labelled.label else ""
        return labelled

    def calling(self) -> None:
        """The upstream is about to be asked."""
        self.sent_ns = self._rooms.clock.steady_ns()

    def called(self) -> None:
        """The upstream has answered, failed, or been left."""
        if self.sent_ns and not self.upstream_us:
            self.upstream_us = (self._rooms.clock.steady_ns() - self.sent_ns) // 1000 or 1

    def first(self) -> None:
        """The first piece of content is here."""
        if not self.first_us:
            self.first_us = (self._rooms.clock.steady_ns() - self._arrived.started_ns) // 1000

    def settle(self) -> None:
        """Give back what was reserved and not used."""
        if self.admitted is None:
            return
        if self.routed is not None and self.routed.work is not None:
            self.usage, self.cost_nano = self.routed.work.spent()
            self.routed = self.routed.work.told(self.routed)
        if self.hit is None and (self.usage.total or self.cost_nano):
            self.admitted.permit.settle(self.usage, self._charged_nano())
        else:
            self.admitted.permit.release()

    def _charged_nano(self) -> int:
        """The cost in the currency that budgets are counted in, at the rate of the moment the turn arrived."""
        exchange, routed = self._rooms.exchange, self.routed
        if exchange is None or routed is None:
            return self.cost_nano
        currency = routed.asking.offer.card.price.currency
        return exchange.to_home(self.cost_nano, currency, self._arrived.turn.arrived_ns)

    def record(self) -> Record:
        """The record as it stands."""
        routed = self.routed
        if routed is None:
            return self._unrouted()
        arrived, turn, caller = self._arrived, self._arrived.turn, self._arrived.caller
        route, asking, answer, hit = routed.route, routed.asking, self.answer, self.hit
        offer, assume, took_us = asking.offer, self._rooms.assume, self._took_us()
        release, label = offer.release, self.label
        # By place: of so many keywords a dict would be made first, for a twentieth of all that a turn takes.
        return Record(
            turn.trace, turn.arrived_ns, self.outcome,
            caller.tenant, caller.key_id, turn.user, arrived.address, arrived.agent,
            turn.protocol, turn.kind, turn.stream, turn.model,
            release.name, release.upstream, (answer.model if answer else "") or release.upstream_model, offer.card.filing,
            route.rule, route.reason, route.effort,
            _stop(answer), self.error, self.stage,
            self.usage, self.cost_nano, offer.card.price.currency,
            label, turn.trace if label else "",
            tuple(asking.attempts), self.first_us, took_us, took_us - self.upstream_us,
            assume.settings, assume.policy, routed.split,
            hit.kind if hit else "", hit.cost_nano if hit else 0, hit.took_us if hit else 0,
            "", asking.dropped, asking.thought_ended, asking.answer_ended, asking.queued_us, route.dial, arrived.read,
            arrived.body, _kept(answer, turn.kind) if hit is None or answer is not hit.answer else _kept_again(hit),
        )  # fmt: skip

    def _unrouted(self) -> Record:
        """Of a turn that nobody was found for."""
        arrived, turn, took_us = self._arrived, self._arrived.turn, self._took_us()
        return Record(
            trace=turn.trace,
            at_ns=turn.arrived_ns,
            outcome=self.outcome,
            tenant=arrived.caller.tenant,
            key_id=arrived.caller.key_id,
            user=turn.user,
            address=arrived.address,
            agent=arrived.agent,
            protocol=turn.protocol,
            kind=turn.kind,
            stream=turn.stream,
            asked=turn.model,
            error=self.error,
            stage=self.stage,
            took_us=took_us,
            overhead_us=took_us - self.upstream_us,
            settings=self._rooms.assume.settings,
            policy=self._rooms.assume.policy,
            prompt=arrived.body,
            read=arrived.read,
        )

    def _took_us(self) -> int:
        return (self._rooms.clock.steady_ns() - self._arrived.started_ns) // 1000


def _kept(answer: Answer | Embeddings | Passed | None, kind: str) -> bytes:
    """What is kept of an answer."""
    return _encode(answer.choices) if isinstance(answer, Answer) else _passed(answer, kind)


def _kept_again(hit: Hit) -> bytes:
    """The same of an answer given before, which is the same each time."""
    kept = hit.written.get("")
    if kept is None:
        kept = hit.written[""] = _encode(hit.answer.choices)
    return kept


def _passed(answer: Embeddings | Passed | None, kind: str) -> bytes:
    """What is kept of a reply that was handed on: words as they are; of sound and pictures the size and digest."""
    if not isinstance(answer, Passed):
        return b""
    body, content_type = answer.body, answer.content_type
    if kind != "image" and len(body) <= _KEPT_BYTES:
        if "json" in content_type:
            return body
        if content_type.startswith("text/"):
            return _encode(body.decode("utf-8", "replace"))
    digest = hashlib.sha256(body).hexdigest()
    return _encode({"content_type": content_type, "bytes": len(body), "sha256": digest})


def _stop(answer: Answer | Embeddings | Passed | None) -> str:
    return answer.choices[0].stop if isinstance(answer, Answer) and answer.choices else ""


async def record(rooms: Rooms, entry: Entry) -> None:
    """Settle the reservation, count the turn, and return once its record is on disk."""
    entry.settle()
    kept = entry.record()
    rooms.observer.observe(kept)
    await rooms.journal.write(kept)
