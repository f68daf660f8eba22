"""The answer cache over HTTP: what it spared, what it holds, clearing it."""

import pytest

from tests.caches.test_store import ROOMY, entry
from zhongshu.api.admin.cache import Group
from zhongshu.caches.store import FILE, Store
from zhongshu.core.answers import Usage
from zhongshu.ledger.cache_report import GROUPS


async def test_what_caches_of_every_kind_spared(desk):
    asked = {"release": "small@1", "upstream": "up", "outcome": "answered", "tenant": "acme"}
    await desk.write(**asked, usage=Usage(100, 20, cached=40), took_us=5_000_000)
    await desk.write(**asked, usage=Usage(100, 20), cache="exact", saved_nano=7_000, saved_us=2_000_000, took_us=500)
    await desk.write(**asked, usage=Usage(100, 20), cache="semantic", saved_nano=3_000, saved_us=1_000_000, took_us=500)
    await desk.write(**(asked | {"upstream": "embedded"}), usage=Usage(100, 20, cached=80))
    await desk.write(**(asked | {"outcome": "failed"}))
    await desk.write(**asked, kind="embedding", usage=Usage(100))
    await desk.write(**asked, shadow_of="f" * 32, usage=Usage(100))
    (row,) = (await desk.call("GET", "/admin/v1/cache/stats?by=tenant&tenant=acme")).json()["data"]
    assert row["group"] == {"tenant": "acme"}
    assert (row["turns"], row["exact"], row["semantic"], row["hit_rate"]) == (4, 1, 1, 0.5)
    assert (row["tokens_saved"], row["saved"], row["seconds_saved"]) == (
        240,
        {"amount": "0.00001", "currency": "CNY"},
        2.999,
    )
    assert (row["prompt_tokens"], row["provider_cached_tokens"], row["local_cached_tokens"]) == (200, 40, 80)
    assert (row["provider_rate"], row["local_rate"]) == (0.2, 0.4)


def test_it_groups_by_what_the_report_groups_by():
    assert set(Group.__args__) == set(GROUPS)


async def test_what_is_held_and_clearing_it(desk):
    store = Store(desk.home / FILE)
    store.keep([entry(1, "a"), entry(2, "a", user="ann"), entry(1, "b")], {}, ROOMY, 1)
    held = (await desk.call("GET", "/admin/v1/cache/stats")).json()["held"]
    assert [(row["tenant"], row["entries"]) for row in held] == [("a", 2), ("b", 1)]
    assert (await desk.call("DELETE", "/admin/v1/cache?tenant=a&user=ann")).json() == {"removed": 1}
    assert (await desk.call("DELETE", "/admin/v1/cache?user=ann")).status == 400
    assert (await desk.call("DELETE", "/admin/v1/cache")).json() == {"removed": 2}
    assert desk.notes[-1][0] == "managed"
    store.close()


@pytest.mark.parametrize("query", ["by=nothing", "since=5", "tenant=a&other=1"])
async def test_what_cannot_be_asked_is_named(desk, query):
    assert (await desk.call("GET", f"/admin/v1/cache/stats?{query}")).status == 400


async def test_without_a_cache_there_is_nothing(desk):
    assert (await desk.call("GET", "/admin/v1/cache/stats")).json()["held"] == []
    assert (await desk.call("DELETE", "/admin/v1/cache")).json() == {"removed": 0}
    assert not (desk.home / FILE).exists()


async def test_only_an_administrator(desk):
    assert (await desk.call("GET", "/admin/v1/cache/stats", key="user")).status == 403
    assert (await desk.call("DELETE", "/admin/v1/cache", key="user")).status == 403
