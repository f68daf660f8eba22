"""Counting turns and saying it in Prometheus' words."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from zhongshu.core.records import Record
from zhongshu.ledger.exposition import render
from zhongshu.ledger.journal_counts import JournalCounts
from zhongshu.ledger.metrics import MAX_SERIES, OTHER, Metrics, Snapshot

Make = Callable[..., Record]


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(text: bytes, name: str, **labels: str) -> float:
    found = [v for (n, have), v in samples(text).items() if n == name and labels.items() <= dict(have).items()]
    return sum(found)


def test_several_processes_are_summed(make: Make) -> None:
    first, second = Metrics(), Metrics()
    first.observe(make(1, first_us=3000, overhead_us=120))
    first.in_flight = 2
    second.observe(make(2, took_us=40_000))
    second.observe(make(3, outcome="failed", tenant="other", cost_nano=0))
    counts = JournalCounts()
    counts.add(3, 700, 300_000)
    text = render([first.snapshot(counts), second.snapshot(), second.snapshot(counts)])
    assert value(text, "zhongshu_turns_total") == 5
    assert value(text, "zhongshu_turns_total", model="qwen", outcome="failed", tenant="other") == 2
    assert value(text, "zhongshu_tokens_total", kind="thinking") == 20
    assert round(value(text, "zhongshu_cost_total", currency="CNY") * 1e9) == 1001 + 2 * 1002
    assert value(text, "zhongshu_turns_in_flight") == 2
    assert value(text, "zhongshu_turn_duration_seconds_bucket", le="0.005") == 3
    assert value(text, "zhongshu_turn_duration_seconds_bucket", le="+Inf") == 5
    assert value(text, "zhongshu_turn_first_delta_seconds_count") == 1
    assert value(text, "zhongshu_turn_overhead_seconds_bucket", le="0.0001", release="qwen@1") == 4
    assert value(text, "zhongshu_journal_records_total") == 6
    assert value(text, "zhongshu_journal_sync_seconds_bucket", le="0.0005") == 2


def test_a_snapshot_travels_between_processes(make: Make) -> None:
    metrics = Metrics()
    metrics.observe(make(1))
    told = metrics.snapshot(JournalCounts())
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(told), type=Snapshot)
    assert again == told


def test_neither_keys_nor_users_nor_texts_are_labels(make: Make) -> None:
    metrics = Metrics()
    metrics.observe(make(1, key_id="k_secret", user="somebody", reason="a reason", asked="made-up-by-a-user"))
    text = render([metrics.snapshot()])
    for hidden in (b"k_secret", b"somebody", b"hello", b"a reason", b"made-up"):
        assert hidden not in text


def test_the_number_of_series_is_bounded(make: Make) -> None:
    metrics = Metrics()
    record = make(1)
    for number in range(MAX_SERIES + 50):
        metrics.observe(msgspec.structs.replace(record, tenant=f"t{number}"))
    turns = metrics.snapshot().turns
    assert len(turns) == MAX_SERIES + 1
    assert turns[OTHER][0] == 50


def test_nothing_counted_is_still_an_exposition() -> None:
    assert value(render([]), "zhongshu_turns_in_flight") == 0
    assert b"zhongshu_turns_total" in render([Metrics().snapshot()])


def test_what_the_answer_cache_spared(make: Make) -> None:
    first, second = Metrics(), Metrics()
    asked = make(1)
    first.observe(asked)
    for metrics, kind in ((first, "exact"), (second, "exact"), (second, "semantic")):
        metrics.observe(make(2, cache=kind, cost_nano=0, saved_nano=500_000_000))
    told = second.snapshot()
    told.missed = {"qwen@1": 3}
    text = render([first.snapshot(), told])
    assert value(text, "zhongshu_cache_hits_total", release="qwen@1", kind="exact") == 2
    assert value(text, "zhongshu_cache_hits_total", model="qwen", kind="semantic") == 1
    assert value(text, "zhongshu_cache_misses_total", release="qwen@1") == 3
    assert value(text, "zhongshu_cache_saved_tokens_total", kind="exact") == 2 * asked.usage.total
    assert value(text, "zhongshu_cache_saved_cost_total", currency="CNY") == 1.5
    # What was given again was not used again.
    assert value(text, "zhongshu_tokens_total", kind="prompt") == asked.usage.prompt
    assert value(text, "zhongshu_turns_total") == 4
