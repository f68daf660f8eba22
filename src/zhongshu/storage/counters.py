"""The counters that processes share: what they are, how they are asked for, and the port behind which they are kept.

Three kinds, each under a free name:

    rate    so many within any 60 seconds. The window slides in slots of 2 s: a use counts for its slot and the 30
            after it, so no 60 seconds ever hold more than the limit; a use stops counting 60 to 62 s later.
    seats   so many at once. A holder that dies loses its seats.
    purse   so much in all, spent for good. What a holder that died had taken and not accounted for stays taken until
            somebody who knows says what it really spent (`reconcile`).

A process takes a slice of a counter (a lease), uses it up without asking again, and gives back what is left: see
leases.py. CounterFile in counter_file.py keeps the counters of one machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

SLOT_NS = 2_000_000_000
WINDOW_SLOTS = 30

Kind = Literal["rate", "seats", "purse"]


class Want(msgspec.Struct, frozen=True, gc=False):
    """Ask for `need` at the least, up to `slice` if there is plenty, of a counter that may not pass `limit`.

    giveback: slot -> amount that this process returns to a rate (negative: has overdrawn it) in the same breath.
    """

    kind: Kind
    name: str
    limit: int
    need: int
    slice: int
    giveback: Mapping[int, int] = {}


class Grant(msgspec.Struct, frozen=True, gc=False):
    """`amount` is leased; `left` is what nobody has leased now."""

    amount: int
    left: int


class Short(msgspec.Struct, frozen=True, gc=False):
    """Nothing was leased, because want number `which` could not be met: only `left` is there.

    wait_s: seconds until a rate has slid far enough; None when that is not a matter of waiting for the clock.
    settled: what is spent of a purse for good; the rest of what is not left is only leased.
    """

    which: int
    left: int
    wait_s: float | None
    settled: int = 0


class Changes(msgspec.Struct, frozen=True):
    """What a process has to tell of its leases. Every number is a difference, so that order does not matter.

    rates: (name, slot) -> added to what is taken. seats: name -> added to what we hold.
    held, spent: purse -> added to what we hold of it, and to what is spent of it.
    """

    rates: Mapping[tuple[str, int], int] = {}
    seats: Mapping[str, int] = {}
    held: Mapping[str, int] = {}
    spent: Mapping[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self.rates or self.seats or self.held or self.spent)


class Orphan(msgspec.Struct, frozen=True):
    """A dead holder's lease of a purse, waiting for `reconcile`.

    held: what it had leased and not accounted for, counted as spent meanwhile. settled: what it had accounted for.
    since_ns: when the owner began (wall clock), so all that it ever spent was spent after that.
    """

    owner: str
    pid: int
    name: str
    held: int
    settled: int
    since_ns: int


class CounterError(Exception):
    """The counters cannot be reached or written now; the text is the store's own, free of names."""


class CounterStore(Protocol):
    """Where counters are kept. Every call is atomic and may come from any thread. Raises CounterError."""

    owner: str

    def grant(self, wants: Sequence[Want], now_ns: int) -> list[Grant] | Short:
        """Lease from all the wants, or from none."""
        ...

    def leave(self, names: Sequence[str]) -> None:
        """Give back one seat of each."""
        ...

    def apply(self, changes: Changes, now_ns: int) -> None:
        """Account for leases, and say that this owner is alive. Durable when this returns."""
        ...

    def spent(self, names: Sequence[str]) -> dict[str, int]:
        """What each purse has settled, absent when nothing. Leases out are not in it."""
        ...

    def spent_under(self, prefix: str) -> dict[str, int]:
        """What every purse whose name begins so has settled."""
        ...

    def catch_up(self, totals: Mapping[str, int]) -> None:
        """These purses were spent this much of by now, whoever knew: add what neither stands as spent nor is leased.
        What is leased may be spent already and not told, so it counts; doing it twice changes nothing."""
        ...

    def recover(self, now_ns: int) -> list[Orphan]:
        """Free the seats of dead holders; the purse leases they left."""
        ...

    def reconcile(self, owner: str, spent: Mapping[str, int]) -> None:
        """A dead owner spent this much of each purse in its whole life (0 for those not named)."""
        ...

    def close(self) -> None:
        """Give everything back that is still held, and forget this owner. Call `apply` first."""
        ...
