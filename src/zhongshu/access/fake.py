"""A gate that lets everybody in, for the tests of other rooms. Says what it was asked, and how each turn ended."""

from __future__ import annotations

from zhongshu.core.access import Ask, Caller, LimitState
from zhongshu.core.answers import Usage
from zhongshu.core.problems import Refusal

SOMEBODY = Caller("default", "k_fake", "admin")


class FakePermit:
    """Remembers how it ended: `settled` (usage, cost_nano) or `released`."""

    requests: LimitState | None = None
    tokens: LimitState | None = None

    def __init__(self, caller: Caller, ask: Ask) -> None:
        self.caller = caller
        self.ask = ask
        self.settled: tuple[Usage, int] | None = None
        self.released = False

    def settle(self, usage: Usage, cost_nano: int) -> None:
        """The turn used this much; the first end counts."""
        if self.settled is None and not self.released:
            self.settled = (usage, cost_nano)

    def release(self) -> None:
        """The turn used nothing."""
        self.released = self.released or self.settled is None


class FakeGate:
    """core.ports.Gate for tests. `refusal`: what `admit` says to everybody, if set."""

    def __init__(self, caller: Caller = SOMEBODY, refusal: Refusal | None = None) -> None:
        self.caller = caller
        self.refusal = refusal
        self.permits: list[FakePermit] = []

    async def identify(self, credential: bytes) -> Caller | Refusal:
        """Everybody is `caller`."""
        return self.caller

    async def known(self, key_id: str) -> Caller | Refusal:
        """Everybody is `caller`."""
        return self.caller

    async def admit(self, caller: Caller, ask: Ask) -> FakePermit | Refusal:
        """Let in whoever asks."""
        if self.refusal is not None:
            return self.refusal
        self.permits.append(FakePermit(caller, ask))
        return self.permits[-1]
