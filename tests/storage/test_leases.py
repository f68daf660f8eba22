"""Leases: whatever several holders do, no limit is passed; nothing is lost; small limits are refused only when full."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhongshu.storage.counter_file import CounterFile
from zhongshu.storage.counters import SLOT_NS, WINDOW_SLOTS, Changes, CounterError, Grant, Short, Want
from zhongshu.storage.leases import REMEMBER_NS, Bundle, Denied, Leases, Purse, Rate, Seats

NOW = 1_700_000_000 * 1_000_000_000
MINUTE_NS = 60 * 10**9


class Holder:
    """One process's end of four counters."""

    def __init__(self, path: Path, owner: str, limits: tuple[int, int, int, int]) -> None:
        self.store = CounterFile(path, owner, NOW)
        self.leases = Leases(self.store)
        requests, tokens, turns, money = limits
        self.bundle = Bundle(
            (self.leases.rate("requests", requests),),
            (self.leases.rate("tokens", tokens),),
            (self.leases.seats("turns", turns),),
            (self.leases.purse("money", money),),
        )

    def flush(self, now_ns: int, everything: bool = False) -> None:
        self.store.apply(self.leases.collect(now_ns, everything=everything), now_ns)


@contextmanager
def holders(count: int, limits: tuple[int, int, int, int]) -> Iterator[list[Holder]]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        made = [Holder(Path(folder) / "c.db", f"h{number}", limits) for number in range(count)]
        for holder in made:
            stack.callback(holder.store.close)
        yield made


class Use:
    def __init__(self, holder: Holder, at_ns: int, tokens: int, money: int) -> None:
        self.holder, self.at_ns, self.tokens, self.money = holder, at_ns, tokens, money
        self.open = True
        self.used, self.spent = tokens, money


class World:
    """Runs the moves and keeps the books that the counters are held against."""

    def __init__(self, made: list[Holder], limits: tuple[int, int, int, int]) -> None:
        self.holders, self.limits, self.now, self.uses = made, limits, NOW, list[Use]()

    def take(self, number: int, tokens: int, money: int) -> None:
        holder = self.holders[number % len(self.holders)]
        denied = holder.leases.take(holder.bundle, tokens, money, self.now)
        if denied is None:
            self.uses.append(Use(holder, self.now, tokens, money))
        else:
            self.check_refusal(denied)

    def end(self, number: int, used: int, spent: int) -> None:
        still = [use for use in self.uses if use.open]
        if not still:
            return
        use = still[number % len(still)]
        use.open, use.used, use.spent = False, min(used, use.tokens), min(spent, use.money)
        use.holder.leases.settle(use.holder.bundle, use.at_ns, use.tokens, use.used, use.money, use.spent)

    def check(self) -> None:
        requests, tokens, turns, money = self.limits
        window = [use for use in self.uses if use.at_ns > self.now - MINUTE_NS]
        assert len(window) <= requests
        assert sum(use.used for use in window) <= tokens
        assert sum(use.open for use in self.uses) <= turns
        assert sum(use.spent for use in self.uses) <= money

    def check_refusal(self, denied: Denied) -> None:
        """A small limit says no only when it is really full."""
        slot = self.now // SLOT_NS
        if denied.counter.name == "requests" and denied.counter.limit <= 64:
            counted = [use for use in self.uses if use.at_ns // SLOT_NS >= slot - WINDOW_SLOTS]
            assert len(counted) == denied.counter.limit
        if denied.counter.name == "turns" and denied.counter.limit <= 64:
            assert sum(use.open for use in self.uses) == denied.counter.limit


amounts = st.integers(0, 300)
moves = st.one_of(
    st.tuples(st.just("take"), st.integers(0, 3), amounts, amounts),
    st.tuples(st.just("take"), st.integers(0, 3), amounts, amounts),
    st.tuples(st.just("end"), st.integers(0, 50), amounts, amounts),
    st.tuples(st.just("wait"), st.sampled_from([1, 500, 1999, 2000, 30_000, 60_000, 62_000])),
    st.tuples(st.just("flush"), st.integers(0, 3), st.booleans()),
)
some_limits = st.tuples(
    st.sampled_from([3, 20, 100]),
    st.sampled_from([40, 700, 20_000]),
    st.sampled_from([2, 5, 100]),
    st.sampled_from([50, 900, 10**9]),
)


@settings(max_examples=60, deadline=None)
@given(limits=some_limits, count=st.integers(1, 3), story=st.lists(moves, max_size=60))
def test_no_limit_is_ever_passed_and_nothing_is_lost(
    limits: tuple[int, int, int, int], count: int, story: Sequence[tuple]
):
    with holders(count, limits) as made:
        world = World(made, limits)
        for move in story:
            match move:
                case ("take", who, tokens, money):
                    world.take(who, tokens, money)
                case ("end", which, used, spent):
                    world.end(which, used, spent)
                case ("wait", ms):
                    world.now += ms * 1_000_000
                case ("flush", who, everything):
                    made[who % count].flush(world.now, everything)
            world.check()
        while any(use.open for use in world.uses):
            world.end(0, 0, 17)
        for holder in made:
            holder.flush(world.now, everything=True)
        check_the_books(world)


def check_the_books(world: World) -> None:
    """Once everything is settled and given back, a newcomer finds exactly what was not used."""
    spent = Counter(money=sum(use.spent for use in world.uses))
    assert world.holders[0].store.spent(["money"]).get("money", 0) == spent["money"]
    first_slot = world.now // SLOT_NS - WINDOW_SLOTS
    recent = [use for use in world.uses if use.at_ns // SLOT_NS >= first_slot]
    requests, tokens, turns, money = world.limits
    left = (requests - len(recent), tokens - sum(use.used for use in recent), turns, money - spent["money"])
    names = (("rate", "requests"), ("rate", "tokens"), ("seats", "turns"), ("purse", "money"))
    store = world.holders[0].store
    for (kind, name), limit, free in zip(names, world.limits, left, strict=True):
        too_much = store.grant([Want(kind, name, limit, free + 1, 0)], world.now)
        assert isinstance(too_much, Short), name
        assert too_much.left == free, name
        assert store.grant([Want(kind, name, limit, free, 0)], world.now) == [Grant(free, 0)], name


def test_a_slice_is_used_up_without_asking_again():
    with holders(1, (1600, 10**9, 1600, 10**9)) as (holder,):
        asked = 0
        real = holder.store.grant

        def counted(wants: Sequence[Want], now_ns: int) -> list[Grant] | Short:
            nonlocal asked
            asked += 1
            return real(wants, now_ns)

        holder.store.grant = counted
        for _ in range(100):
            assert holder.leases.take(holder.bundle, 5, 5, NOW) is None
            holder.leases.settle(holder.bundle, NOW, 5, 5, 5, 5)
        assert asked == 1


def test_others_are_refused_early_by_no_more_than_a_slice_and_not_for_long():
    with holders(2, (160, 10**9, 10**6, 10**9)) as (first, second):
        assert first.leases.take(first.bundle, 1, 1, NOW) is None
        taken = 0
        while second.leases.take(second.bundle, 1, 1, NOW) is None:
            taken += 1
        assert taken == 160 - 160 // 16
        later = NOW + SLOT_NS  # the slot is over, and the first holder gives back
        first.flush(later)
        while second.leases.take(second.bundle, 1, 1, later) is None:
            taken += 1
        assert taken == 159


def test_a_flood_past_a_large_limit_is_refused_from_memory_for_a_moment():
    with holders(1, (100, 10**9, 10**6, 10**9)) as (holder,):
        while holder.leases.take(holder.bundle, 1, 1, NOW) is None:
            pass
        real, holder.store.grant = holder.store.grant, None
        again = holder.leases.take(holder.bundle, 1, 1, NOW + REMEMBER_NS - 1)
        assert isinstance(again, Denied)
        assert again.counter.name == "requests"
        holder.store.grant = real
        assert isinstance(holder.leases.take(holder.bundle, 1, 1, NOW + REMEMBER_NS), Denied)


def test_a_refusal_is_not_remembered_for_the_length_of_a_clocks_leap_back():
    with holders(1, (100, 10**9, 10**6, 10**9)) as (holder,):
        while holder.leases.take(holder.bundle, 1, 1, NOW) is None:
            pass
        day_before = NOW - 24 * 60 * MINUTE_NS
        assert holder.leases.take(holder.bundle, 1, 1, day_before) is None
        assert holder.leases.take(holder.bundle, 1, 1, day_before - REMEMBER_NS) is None


def test_a_turn_that_came_to_more_than_was_said_is_counted_in_full():
    with holders(1, (100, 1000, 10, 1000)) as (holder,):
        assert holder.leases.take(holder.bundle, 100, 100, NOW) is None
        holder.leases.settle(holder.bundle, NOW, 100, 990, 100, 990)
        tokens = holder.leases.take(holder.bundle, 20, 0, NOW)
        assert isinstance(tokens, Denied)
        assert isinstance(tokens.counter, Rate)
        assert (tokens.counter.name, tokens.counter.remaining) == ("tokens", 10)
        money = holder.leases.take(holder.bundle, 0, 20, NOW)
        assert isinstance(money, Denied)
        assert money.counter.name == "money"
        holder.flush(NOW)
        assert holder.store.spent(["money"]) == {"money": 990}
        assert holder.leases.take(holder.bundle, 10, 10, NOW) is None


def test_what_costs_nothing_is_let_in_when_the_purse_is_empty():
    with holders(1, (100, 1000, 10, 50)) as (holder,):
        assert holder.leases.take(holder.bundle, 1, 50, NOW) is None
        assert isinstance(holder.leases.take(holder.bundle, 1, 1, NOW), Denied)
        assert holder.leases.take(holder.bundle, 1, 0, NOW) is None


def test_a_limit_of_nothing_lets_nothing_in():
    with holders(1, (0, 1000, 10, 50)) as (holder,):
        denied = holder.leases.take(holder.bundle, 1, 1, NOW)
        assert isinstance(denied, Denied)
        assert denied.counter.name == "requests"


def test_what_cannot_be_told_is_told_later():
    with holders(1, (1000, 10_000, 100, 10_000)) as (holder,):
        holder.leases.take(holder.bundle, 100, 100, NOW)
        holder.leases.settle(holder.bundle, NOW, 100, 30, 100, 40)
        later = NOW + 3 * SLOT_NS
        lost = holder.leases.collect(later)
        assert lost.spent == {"money": 40}
        holder.leases.restore(lost)
        holder.leases.take(holder.bundle, 100, 100, later)
        holder.leases.settle(holder.bundle, later, 100, 1, 100, 2)
        holder.flush(later, everything=True)
        assert holder.store.spent(["money"]) == {"money": 42}
        store = holder.store
        assert store.grant([Want("purse", "money", 10_000, 10_000 - 42, 0)], later) == [Grant(10_000 - 42, 0)]
        assert store.grant([Want("rate", "tokens", 10_000, 10_000 - 31, 0)], later) == [Grant(10_000 - 31, 0)]
        assert store.grant([Want("seats", "turns", 100, 100, 0)], later) == [Grant(100, 0)]


def test_a_seat_that_cannot_be_given_back_now_is_given_back_with_the_next_flush():
    with holders(1, (1000, 10_000, 1, 10_000)) as (holder,):
        holder.leases.take(holder.bundle, 1, 1, NOW)
        real = holder.store.leave

        def out_of_order(_names: Sequence[str]) -> None:
            raise CounterError("disk full")

        holder.store.leave = out_of_order
        holder.leases.settle(holder.bundle, NOW, 1, 1, 1, 1)
        assert isinstance(holder.leases.take(holder.bundle, 1, 1, NOW), Denied)
        holder.store.leave = real
        holder.flush(NOW)
        assert holder.leases.take(holder.bundle, 1, 1, NOW) is None


def test_an_idle_purse_is_given_back_with_the_second_flush():
    with holders(2, (1000, 10_000, 10, 1600)) as (first, second):
        first.leases.take(first.bundle, 1, 1, NOW)
        first.leases.settle(first.bundle, NOW, 1, 1, 1, 1)
        first.flush(NOW)
        assert isinstance(second.leases.take(second.bundle, 1, 1599, NOW), Denied)
        first.flush(NOW)
        assert second.leases.take(second.bundle, 1, 1599, NOW) is None


def test_nothing_to_tell_is_false():
    assert not Changes()
    assert Changes(spent={"p": 1})


@pytest.mark.parametrize("kind", [Rate, Seats, Purse])
def test_one_name_is_one_counter_and_takes_the_newest_limit(kind: type):
    with holders(1, (1, 1, 1, 1)) as (holder,):
        make = getattr(holder.leases, {Rate: "rate", Seats: "seats", Purse: "purse"}[kind])
        one = make("x", 10)
        assert make("x", 20) is one
        assert one.limit == 20
