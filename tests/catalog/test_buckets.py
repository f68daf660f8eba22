"""Shares converge, users stay where they are, and no more of them move than must."""

import math
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from zhongshu.catalog.buckets import COUNT, assign, bucket_of, hasher

SHARES = st.dictionaries(st.sampled_from("123456"), st.floats(0, 1000), min_size=1).filter(
    lambda shares: sum(shares.values()) > 0.01
)


def owned(buckets):
    return Counter(buckets.owners[place] for place in buckets.table)


@settings(max_examples=60, deadline=None)
@given(SHARES)
def test_buckets_are_shared_out_as_asked(shares):
    total = sum(shares.values())
    counts = owned(assign(shares))
    assert sum(counts.values()) == COUNT
    for name, share in shares.items():
        assert math.isclose(counts[name], share * COUNT / total, abs_tol=len(shares)), (name, counts)
    assert all(counts[name] for name, share in shares.items() if share > 0), "a share of anything gets something"
    assert not any(counts[name] for name, share in shares.items() if share == 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(SHARES, min_size=2, max_size=5))
def test_no_more_buckets_move_than_must(plans):
    buckets = assign(plans[0])
    for shares in plans[1:]:
        after = assign(shares, buckets)
        before_counts, after_counts = owned(buckets), owned(after)
        must = sum(max(0, before_counts[name] - after_counts[name]) for name in before_counts)
        moved = sum(
            buckets.owners[old] != after.owners[new] for old, new in zip(buckets.table, after.table, strict=True)
        )
        assert moved == must
        assert assign(shares, after) == after, "the same shares move nothing"
        buckets = after


def test_a_canary_that_grows_keeps_everybody_and_one_that_ends_gives_everybody_back():
    first = assign({"1": 100})
    grown = [assign({"1": 100 - percent, "2": percent}, first) for percent in (5,)]
    for percent in (20, 50):
        grown.append(assign({"1": 100 - percent, "2": percent}, grown[-1]))
    members = [{n for n, place in enumerate(b.table) if b.owners[place] == "2"} for b in grown]
    assert [len(m) for m in members] == [500, 2000, 5000]
    assert members[0] < members[1] < members[2]
    assert owned(assign({"1": 100}, grown[-1])) == {"1": COUNT}


def test_users_fall_evenly_and_otherwise_for_another_model():
    ours, theirs = hasher("a"), hasher("b")
    mine = [bucket_of(ours, f"acme\0user-{number}") for number in range(40_000)]
    counts = Counter(bucket * 20 // COUNT for bucket in mine)
    chi2 = sum((count - 2000) ** 2 / 2000 for count in counts.values())
    assert chi2 < 50, "19 degrees of freedom: beyond 50 once in 5,000"
    assert mine == [bucket_of(ours, f"acme\0user-{number}") for number in range(40_000)]
    same = sum(bucket == bucket_of(theirs, f"acme\0user-{number}") for number, bucket in enumerate(mine))
    assert same < 40
