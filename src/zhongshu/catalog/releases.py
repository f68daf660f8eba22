"""core.ports.Releases: which of a model's releases takes a turn. On the path of every turn of a model with several, so
a plan is compiled once into a table, and a choice is a few comparisons and one hash.

A plan is handed in whole and replaced whole; nothing here reads a database. The rule that chose is written into the
record as "shares: model@2", with the release it chose: when another one answers in its place, that is still known.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import msgspec

from zhongshu.catalog.buckets import Buckets, assign, bucket_of, hasher
from zhongshu.catalog.plans import Plan, Rule, first_plan, releases_of
from zhongshu.core.access import Caller
from zhongshu.core.models import Offer
from zhongshu.core.ports import Split
from zhongshu.core.turns import Turn

_ALL = 1 << 32
_FEW = 8


class Planned(msgspec.Struct, frozen=True):
    """A plan and the buckets that its shares amount to."""

    plan: Plan
    buckets: Buckets


class TrafficPlans:
    """Splits by the plans last handed to `use`; a model without one by the shares of its settings."""

    def __init__(self) -> None:
        self._plans: Mapping[str, Planned] = {}
        self._compiled: dict[str, list[_Compiled]] = {}

    def use(self, plans: Mapping[str, Planned]) -> None:
        """Split by these plans from the next turn on."""
        self._plans = plans
        self._compiled = {}

    def split(self, turn: Turn, caller: Caller, headers: Mapping[bytes, bytes], offers: tuple[Offer, ...]) -> Split:
        """Choose among `offers`, which are all of one model."""
        model = offers[0].release.model
        for compiled in self._compiled.get(model, ()):
            if compiled.offers == offers:  # the same objects, but for a reload of the settings: a matter of identity
                return compiled.split(turn, caller, headers)
        return self._compile(model, offers).split(turn, caller, headers)

    def _compile(self, model: str, offers: tuple[Offer, ...]) -> _Compiled:
        """For some kinds of turns not all releases may be asked, so a model has a few."""
        compiled = _Compiled(model, offers, self._plans.get(model))
        self._compiled[model] = [compiled, *self._compiled.get(model, ())][:_FEW]
        return compiled


class _Compiled:
    """One model's plan over the offers that are there now. What the plan says of a release that is not, does not
    count; its buckets go to the first release that has a share."""

    __slots__ = ("_hashes", "_rules", "_shadow_below", "_shadowed", "_sticky", "_table", "offers")

    def __init__(self, model: str, offers: tuple[Offer, ...], planned: Planned | None) -> None:
        self.offers = offers
        plan = planned.plan if planned else first_plan(releases_of(offers)[model])
        here: dict[str, tuple[Offer, ...]] = {}
        for offer in offers:
            here[offer.release.version] = (*here.get(offer.release.version, ()), offer)
        rule = "canary" if plan.canary else "shares" if planned or len(plan.shares) > 1 else "first"

        def split(version: str, name: str) -> Split:
            return Split(here[version], f"{name}: {model}@{version}")

        buckets = planned.buckets if planned else assign(plan.shares)
        fallen = next((owner for owner in plan.shares if owner in here), offers[0].release.version)
        owned = [split(owner if owner in here else fallen, rule) for owner in buckets.owners]
        self._table = tuple([owned[place] for place in buckets.table])
        self._rules = tuple(
            [
                _Test(wanted, split(wanted.release, f"rule {number}"))
                for number, wanted in enumerate(plan.rules, 1)
                if wanted.release in here
            ]
        )
        self._sticky = plan.sticky
        self._hashes = hasher(model)
        shadow = plan.shadow.release if plan.shadow and plan.shadow.release in here else None
        self._shadow_below = int(_ALL * plan.shadow.percent / 100) if shadow and plan.shadow else 0
        chosen = [*owned, *(test.split for test in self._rules)] if shadow else []
        self._shadowed = {
            choice.rule: msgspec.structs.replace(choice, shadow=here[shadow or ""])
            for choice in chosen
            if choice.offers[0].release.version != shadow
        }

    def split(self, turn: Turn, caller: Caller, headers: Mapping[bytes, bytes]) -> Split:
        """The rules in order, then the shares; then whether it has a shadow."""
        chosen = None
        for test in self._rules:
            if test.holds(turn, caller, headers):
                chosen = test.split
                break
        if chosen is None:
            chosen = self._table[bucket_of(self._hashes, unit_of(self._sticky, turn, caller))]
        if self._shadow_below and zlib.crc32(turn.trace.encode()) < self._shadow_below:
            return self._shadowed.get(chosen.rule, chosen)
        return chosen


def unit_of(sticky: str, turn: Turn, caller: Caller) -> str:
    """What keeps its release. A user is its tenant's own; one that is not named is the key."""
    if sticky == "turn":
        return turn.trace
    if turn.user and sticky == "user":
        return f"{caller.tenant}\0{turn.user}"
    return caller.key_id


class _Test:
    """A rule made ready to be tried."""

    __slots__ = ("_header", "_keys", "_tenants", "_users", "_value", "split")

    def __init__(self, rule: Rule, split: Split) -> None:
        self.split = split
        self._tenants = frozenset(rule.tenants)
        self._keys = frozenset(rule.keys)
        self._users = frozenset(rule.users)
        self._header = rule.header.lower().encode("latin-1", "replace")
        self._value = rule.value.encode()

    def holds(self, turn: Turn, caller: Caller, headers: Mapping[bytes, bytes]) -> bool:
        """Whether everything that the rule names is so."""
        if self._tenants and caller.tenant not in self._tenants:
            return False
        if self._keys and caller.key_id not in self._keys:
            return False
        if self._users and turn.user not in self._users:
            return False
        if not self._header:
            return True
        value = headers.get(self._header)
        return value is not None and (not self._value or value == self._value)
