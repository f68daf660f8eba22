"""A model's traffic plan as values: rules, shares, a canary under way, a shadow; and the history of its changes.

A release is named here by its version alone: a plan is of one model. Knows nothing of turns or of databases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from zhongshu.core.models import Offer

Sticky = Literal["user", "key", "turn"]
What = Literal["split", "canary", "step", "promote", "rollback", "shadow"]


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Turns that go to `release` whatever the shares. Everything given must hold; of several names one is enough.

    header: a request header's name; value: what it must be, empty for anything.
    """

    release: str
    tenants: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    header: str = ""
    value: str = ""


class Checks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much worse than the others a canary may be; None does not look. error_rate: share of turns (0.02: two in a
    hundred more). latency: of the 95th percentile, and cost: of the mean for a turn, relative (0.25: a quarter more).
    score: lower by, of a score from 0 to 1."""

    error_rate: float | None = 0.02
    latency: float | None = 0.25
    cost: float | None = None
    score: float | None = None


class Canary(msgspec.Struct, frozen=True, kw_only=True):
    """A release that takes over in steps. steps: its share in percent, in order; step: which one now. before: the
    shares it came upon. min_turns: each side must have had so many in a step before it may go on. step_s: a step lasts
    at least so long. confidence: of a decision to go on or back, over all looks and steps together."""

    release: str
    before: dict[str, float]
    steps: tuple[float, ...] = (5.0, 20.0, 50.0)
    step: int = 0
    checks: Checks = Checks()
    min_turns: int = 200
    step_s: float = 600.0
    confidence: float = 0.95
    began_ns: int = 0
    step_ns: int = 0

    def compared(self) -> tuple[str, ...]:
        """The versions that are compared: the canary first, then those that had the turns before."""
        return (self.release, *(name for name, share in self.before.items() if share > 0 and name != self.release))


class Shadow(msgspec.Struct, frozen=True):
    """A release that also answers `percent` of the turns, unseen."""

    release: str
    percent: float = 100.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a model's turns are split. shares: weights by version, of any sum. rules come first, in order. sticky: what
    keeps its release while shares stay - a user (without one, the key), a key, or nothing ("turn")."""

    shares: dict[str, float]
    rules: tuple[Rule, ...] = ()
    canary: Canary | None = None
    shadow: Shadow | None = None
    sticky: Sticky = "user"

    def percents(self) -> dict[str, float]:
        """Shares as percentages, those of nothing left out."""
        total = sum(self.shares.values())
        return {name: share * 100 / total for name, share in self.shares.items() if share > 0}

    def named(self) -> set[tuple[str, str]]:
        """Every version that is spoken of, and where: ("shares", "2")."""
        spoken = {("shares", name) for name, share in self.shares.items() if share > 0}
        spoken |= {("rules", rule.release) for rule in self.rules}
        parts = (("canary", self.canary), ("shadow", self.shadow))
        return spoken | {(where, part.release) for where, part in parts if part is not None}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a plan, kept for ever. by: a key's id, "cli", or "canary". undoes: the change that a rollback
    took back."""

    number: int
    model: str
    at_ns: int
    by: str
    what: What
    before: Plan
    after: Plan
    why: str = ""
    why_zh: str = ""
    undoes: int | None = None


def first_plan(releases: Sequence[tuple[str, float | None]]) -> Plan:
    """The plan of a model that nobody has made one for: versions with the shares their settings give; when none gives
    any, the first takes all. A release that is added to the settings takes nothing by itself."""
    if all(share is None for _, share in releases) or not any(share for _, share in releases):
        return Plan(shares={releases[0][0]: 1.0})
    return Plan(shares={version: share for version, share in releases if share})


def releases_of(offers: Iterable[Offer]) -> dict[str, tuple[tuple[str, float | None], ...]]:
    """Every model's releases, in the order of the settings: version and share. Replicas of a release are one."""
    found: dict[str, dict[str, float | None]] = {}
    for offer in offers:
        release = offer.release
        versions = found.setdefault(release.model, {})
        versions[release.version] = (
            release.share if versions.get(release.version) is None else versions[release.version]
        )
    return {model: tuple(versions.items()) for model, versions in found.items()}


def mixed(before: Mapping[str, float], release: str, percent: float) -> dict[str, float]:
    """The shares `before`, with `percent` of all for `release` and the rest as it was split among the others."""
    others = {name: share for name, share in before.items() if name != release and share > 0}
    total = sum(others.values())
    if not total:
        return {release: 100.0}
    rest = {name: share * (100 - percent) / total for name, share in others.items()}
    return {**rest, release: percent} if percent else rest
