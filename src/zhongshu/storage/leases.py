"""A process's own end of the shared counters: slices leased from a CounterStore and used up without asking again.

All of this runs on one thread (the event loop's) and never waits, except that a lease which has run out is renewed by
one short transaction. What is spent is told in two halves, `collect` and `store.apply`, so that the slow half may
run on another thread.

How far off a limit may be. Never over, save by what a use came to beyond what it had reserved: what is leased is
counted as used by everybody else. A lowered limit holds once `collect(everything=True)` has been told.
Early: a process may be refused while others still hold unused slices, at most `slice` each, where slice = limit / 16,
or 1/8 of what is left if that is less. A rate's unused slice goes back within a slot and a flush (3 s), an idle
purse's or seat's with the second flush. Limits up to SMALL are leased one use at a time: exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakValueDictionary

from zhongshu.storage.counters import SLOT_NS, Changes, CounterError, CounterStore, Grant, Short, Want

SMALL = 64
REMEMBER_NS = 50_000_000
"""For so long a refusal of a large limit is repeated without asking again: a flood past a limit stays cheap."""


class Rate:
    """So many within 60 s. `free` may be used in `slot` only; negative when a use came to more than was said."""

    __slots__ = ("__weakref__", "free", "left", "limit", "name", "refused_ns", "refused_short", "slot")

    def __init__(self, name: str, limit: int) -> None:
        self.name = name
        self.limit = limit
        self.slot = 0
        self.free = 0
        self.left = limit
        self.refused_ns = 0
        self.refused_short: Short | None = None

    @property
    def remaining(self) -> int:
        """What may still be used now, as far as this process knows."""
        left = self.left + self.free
        return 0 if left < 0 else left if left < self.limit else self.limit


class Seats:
    """So many at once."""

    __slots__ = ("__weakref__", "free", "limit", "name", "used")

    def __init__(self, name: str, limit: int) -> None:
        self.name = name
        self.limit = limit
        self.free = 0
        self.used = False


class Purse:
    """So much in all. Held of the store: free + what is reserved now + `spent` (not yet told)."""

    __slots__ = ("__weakref__", "free", "limit", "name", "spent", "used")

    def __init__(self, name: str, limit: int) -> None:
        self.name = name
        self.limit = limit
        self.free = 0
        self.spent = 0
        self.used = False


class Bundle:
    """The counters that one use must pass, all or nothing: one off each of `ones` and `seats`, the use's amount off
    each of `amounts`, its money off each of `purses`."""

    __slots__ = ("amounts", "ones", "purses", "seats")

    def __init__(
        self, ones: tuple[Rate, ...], amounts: tuple[Rate, ...], seats: tuple[Seats, ...], purses: tuple[Purse, ...]
    ) -> None:
        self.ones = ones
        self.amounts = amounts
        self.seats = seats
        self.purses = purses


class Denied:
    """This counter could not be passed. `wait_s`: seconds until it can be, where time alone mends it. `left`: what may
    be had of it now; `settled`: what is spent of a purse for good."""

    __slots__ = ("counter", "left", "settled", "wait_s")

    def __init__(self, counter: Rate | Seats | Purse, wait_s: float | None, left: int = 0, settled: int = 0) -> None:
        self.counter = counter
        self.wait_s = wait_s
        self.left = left
        self.settled = settled


class Leases:
    """All the counters this process has a hand in."""

    def __init__(self, store: CounterStore) -> None:
        self._store = store
        # By name while anybody uses it, so that all who ask for a name get the same one.
        self._rates: WeakValueDictionary[str, Rate] = WeakValueDictionary()
        self._seats: WeakValueDictionary[str, Seats] = WeakValueDictionary()
        self._purses: WeakValueDictionary[str, Purse] = WeakValueDictionary()
        # Those that hold a lease or have something to tell.
        self._live_rates: set[Rate] = set()
        self._live_seats: set[Seats] = set()
        self._live_purses: set[Purse] = set()
        # To be told: name -> slot -> given back (negative: overdrawn); seats; what `restore` took back.
        self._back: dict[str, dict[int, int]] = {}
        self._seats_due: dict[str, int] = {}
        self._held_due: dict[str, int] = {}
        self._spent_due: dict[str, int] = {}

    # --- the counters by name; asking again sets the limit

    def rate(self, name: str, limit: int) -> Rate:
        """The rate of that name."""
        found = self._rates.get(name)
        if found is None:
            found = self._rates[name] = Rate(name, limit)
        if found.limit != limit:
            found.left += limit - found.limit
            found.limit, found.refused_ns = limit, 0
        return found

    def seats(self, name: str, limit: int) -> Seats:
        """The seats of that name."""
        found = self._seats.get(name)
        if found is None:
            found = self._seats[name] = Seats(name, limit)
        found.limit = limit
        return found

    def purse(self, name: str, limit: int) -> Purse:
        """The purse of that name."""
        found = self._purses.get(name)
        if found is None:
            found = self._purses[name] = Purse(name, limit)
        found.limit = limit
        return found

    # --- the hot path

    def take(self, bundle: Bundle, amount: int, money: int, now_ns: int) -> Denied | None:
        """Reserve one use within every counter of the bundle (None), or nothing at all (Denied).

        Raises CounterError when a lease is needed and cannot be asked for.
        """
        slot = now_ns // SLOT_NS
        if not _take(bundle, amount, money, slot):
            _put_back(bundle, amount, money)
            denied = self._lease(bundle, amount, money, slot, now_ns)
            if denied is not None:
                return denied
            _take(bundle, amount, money, slot)
        return None

    def settle(self, bundle: Bundle, taken_ns: int, amount: int, used: int, money: int, spent: int) -> None:
        """End a use: `amount` and `money` were reserved at `taken_ns`; `used` and `spent` is what it came to."""
        if amount != used:
            slot = taken_ns // SLOT_NS
            for rate in bundle.amounts:
                if rate.slot == slot:
                    rate.free += amount - used
                    self._live_rates.add(rate)
                else:
                    self._give_back(rate.name, slot, amount - used)
        if money or spent:
            for purse in bundle.purses:
                purse.free += money - spent
                purse.spent += spent
                purse.used = True
                self._live_purses.add(purse)
        if bundle.seats:
            self._leave(bundle.seats)

    def _leave(self, all_seats: tuple[Seats, ...]) -> None:
        now: list[str] = []
        for seats in all_seats:
            if seats.limit > SMALL:
                seats.free += 1
                if not seats.used:  # else it is among the live ones
                    seats.used = True
                    self._live_seats.add(seats)
            else:
                now.append(seats.name)
        if now:
            try:
                self._store.leave(now)
            except CounterError:
                _add(self._seats_due, dict.fromkeys(now, -1))

    # --- leases

    def _lease(self, bundle: Bundle, amount: int, money: int, slot: int, now_ns: int) -> Denied | None:
        """Renew every lease that is too small for this use, in one transaction."""
        needs: list[tuple[Rate | Seats | Purse, int]] = []
        for rates, need in ((bundle.ones, 1), (bundle.amounts, amount)):
            for rate in rates:
                if rate.slot != slot:
                    self._turn(rate, slot)
                if rate.free < need:
                    needs.append((rate, need - rate.free))
                    # Not from a time to come: a clock set back would keep the refusal for the length of its leap.
                    fresh = 0 < rate.refused_ns - now_ns <= REMEMBER_NS
                    if fresh and rate.refused_short and need - rate.free > rate.refused_short.left:
                        return Denied(rate, rate.refused_short.wait_s)
        needs += [(seats, 1 - seats.free) for seats in bundle.seats if seats.free < 1]
        if money:
            needs += [(purse, money - purse.free) for purse in bundle.purses if purse.free < money]
        answer = self._ask(needs, now_ns)
        if isinstance(answer, Short):
            counter = needs[answer.which][0]
            if isinstance(counter, Rate):
                counter.left = answer.left
                if counter.limit > SMALL:
                    counter.refused_ns, counter.refused_short = now_ns + REMEMBER_NS, answer
            settled = answer.settled + (counter.spent if isinstance(counter, Purse) else 0)
            return Denied(counter, answer.wait_s, answer.left + max(0, counter.free), settled)
        for (counter, _), grant in zip(needs, answer, strict=True):
            counter.free += grant.amount
            if isinstance(counter, Rate):
                counter.left = grant.left
                self._live_rates.add(counter)
            elif isinstance(counter, Seats):
                counter.used = True
                self._live_seats.add(counter)
            else:
                counter.used = True
                self._live_purses.add(counter)
        return None

    def _ask(self, needs: list[tuple[Rate | Seats | Purse, int]], now_ns: int) -> list[Grant] | Short:
        wants = [self._want(counter, need) for counter, need in needs]
        try:
            return self._store.grant(wants, now_ns)
        except CounterError:
            for want in wants:
                for slot, amount in want.giveback.items():
                    self._give_back(want.name, slot, amount)
            raise

    def _want(self, counter: Rate | Seats | Purse, need: int) -> Want:
        kind = "rate" if isinstance(counter, Rate) else "seats" if isinstance(counter, Seats) else "purse"
        plenty = need if counter.limit <= SMALL else counter.limit // 16
        giveback = self._back.pop(counter.name, {}) if kind == "rate" else {}
        return Want(kind, counter.name, counter.limit, need, plenty, giveback)

    def _turn(self, rate: Rate, slot: int) -> None:
        """A new slot has begun: what was left of the old one goes back to it."""
        if rate.free:
            self._give_back(rate.name, rate.slot, rate.free)
        rate.slot, rate.free = slot, 0

    def _give_back(self, name: str, slot: int, amount: int) -> None:
        slots = self._back.setdefault(name, {})
        slots[slot] = slots.get(slot, 0) + amount

    # --- accounting for leases

    def collect(self, now_ns: int, *, everything: bool = False) -> Changes:
        """What the store should be told now; hand it to `store.apply`, and to `restore` if that fails.

        Leases not used since the last call go back, and with `everything` those in use too (limits have changed, or
        this process is about to end).
        """
        slot = now_ns // SLOT_NS
        for rate in [rate for rate in self._live_rates if everything or rate.slot != slot]:
            self._turn(rate, slot)
            self._live_rates.discard(rate)
        rates = {(name, slot): -amount for name, slots in self._back.items() for slot, amount in slots.items()}
        self._back = {}
        seats, self._seats_due = self._seats_due, {}
        held, self._held_due = self._held_due, {}
        spent, self._spent_due = self._spent_due, {}
        for one in list(self._live_seats):
            if everything or not one.used:
                _add(seats, {one.name: -one.free} if one.free else {})
                one.free = 0
                self._live_seats.discard(one)
            one.used = False
        for purse in list(self._live_purses):
            idle = everything or not purse.used
            back = purse.free if idle or purse.free < 0 else 0
            if purse.spent or back:
                _add(held, {purse.name: -purse.spent - back})
                _add(spent, {purse.name: purse.spent})
            purse.free -= back
            purse.spent = 0
            purse.used = False
            if idle:
                self._live_purses.discard(purse)
        return Changes(rates, seats, held, spent)

    def restore(self, changes: Changes) -> None:
        """The store could not be told: keep it for the next time."""
        for (name, slot), amount in changes.rates.items():
            self._give_back(name, slot, -amount)
        _add(self._seats_due, changes.seats)
        _add(self._held_due, changes.held)
        _add(self._spent_due, changes.spent)


def _add(sums: dict[str, int], more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        sums[name] = sums.get(name, 0) + amount


def _take(bundle: Bundle, amount: int, money: int, slot: int) -> bool:
    """Take a use from the leases in hand; whether they cover it. Where they do not, it is to be put back."""
    covered = True
    for rate in bundle.ones:
        rate.free = free = rate.free - 1
        if free < 0 or rate.slot != slot:
            covered = False
    for rate in bundle.amounts:
        rate.free = free = rate.free - amount
        if free < 0 or rate.slot != slot:
            covered = False
    for seats in bundle.seats:
        seats.free = free = seats.free - 1
        if free < 0:
            covered = False
    if money:
        for purse in bundle.purses:
            purse.free = free = purse.free - money
            if free < 0:
                covered = False
    return covered


def _put_back(bundle: Bundle, amount: int, money: int) -> None:
    """Undo `_take`."""
    for rate in bundle.ones:
        rate.free += 1
    for rate in bundle.amounts:
        rate.free += amount
    for seats in bundle.seats:
        seats.free += 1
    for purse in bundle.purses:
        purse.free += money
