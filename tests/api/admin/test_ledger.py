"""The ledger over HTTP: found, shown, searched and summed, and whoever reads a text leaves a note."""

from typing import get_args

import pytest

from zhongshu.api.admin import ledger
from zhongshu.core.problems import fault
from zhongshu.ledger.payloads import Happening
from zhongshu.ledger.queries import GROUPS

NS = 1_000_000_000


async def turns(desk, query=""):
    return (await desk.call("GET", f"/admin/v1/ledger/turns{query}")).json()


async def test_newest_first_in_pages_even_when_turns_share_a_moment(desk):
    moments = [1_800_000_000 * NS + n // 3 for n in range(10)]
    made = [await desk.write(at_ns=at) for at in moments]
    seen, cursor = [], ""
    while True:
        page = await turns(desk, f"?limit=2{cursor}")
        seen += page["data"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(row["trace"] for row in seen) == sorted(made)
    assert [row["at"] for row in seen] == sorted((row["at"] for row in seen), reverse=True)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?tenant=acme", 1),
        ("?tenant=nobody", 0),
        ("?outcome=refused", 1),
        ("?model=small", 3),
        ("?release=small@1&key=k_1", 3),
        ("?user=zhang", 1),
        ("?since=2030-01-01T00:00:00Z", 1),
        ("?since=2030-01-01T08:00:00%2B08:00&until=2030-01-01T00:00:01", 1),
        ("?until=0001-01-01T00:00:00Z", 0),
        ("?since=9999-12-31", 0),
    ],
)
async def test_filters(desk, query, found):
    await desk.write(tenant="acme", user="zhang")
    await desk.write(outcome="refused", error="rate_limit_exceeded")
    await desk.write(at_ns=1_893_456_000 * NS)
    assert len((await turns(desk, query))["data"]) == found


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("?limit=501", "limit"),
        ("?outcome=won", "outcome"),
        ("?since=5", "since"),
        ("?sinc=2030-01-01", "sinc"),
        ("?cursor=x", "cursor"),
    ],
)
async def test_bad_filters_are_named(desk, query, param):
    assert (await turns(desk, query))["error"]["param"] == param


async def test_text_is_shown_only_when_asked_and_then_noted_and_labelled(desk):
    trace = await desk.write()
    sealed = (await desk.call("GET", f"/admin/v1/ledger/turns/{trace}")).json()
    assert (sealed["text"], sealed["prompt"], sealed["AIGC"]) == ("sealed", None, None)
    assert desk.notes == []
    opened = (await desk.call("GET", f"/admin/v1/ledger/turns/{trace}?text=true")).json()
    assert (opened["text"], opened["prompt"], opened["answer"]) == ("open", {"q": "你好"}, {"a": "hi"})
    assert opened["AIGC"]["Label"] == "1"
    assert "人工智能生成" in opened["explicit_label"]["text_zh"]
    assert opened["cost"] == {"amount": "1.5", "currency": "CNY"}
    attempt = {
        "upstream": "up",
        "model": "small",
        "status": 200,
        "error": "",
        "took_us": 2000,
        "why": "",
        "cost_nano": 0,
    }
    assert opened["attempts"] == [attempt]
    [(name, facts)] = desk.notes
    assert (name, facts["trace"]) == ("text_shown", trace)


async def test_what_was_ended_and_what_was_not_carried_is_told(desk):
    fields = {"thought_ended": "settled", "answer_ended": "repeating", "dropped": ("logit_bias",)}
    trace = await desk.write(**fields)
    turn = (await desk.call("GET", f"/admin/v1/ledger/turns/{trace}")).json()
    assert {name: turn[name] for name in fields} == fields | {"dropped": ["logit_bias"]}
    plain = (await desk.call("GET", f"/admin/v1/ledger/turns/{await desk.write()}")).json()
    assert [plain[name] for name in fields] == ["", "", []]


async def test_no_note_no_text(desk):
    trace = await desk.write()
    desk.note_fails = fault("journal_unavailable", why="no space")
    for method, path, body in (
        ("GET", f"/admin/v1/ledger/turns/{trace}?text=true", None),
        ("POST", "/admin/v1/ledger/search", {"text": "你好"}),
        ("GET", "/admin/v1/ledger/export?text=true", None),
    ):
        reply = await desk.call(method, path, body)
        assert (reply.status, reply.json()["error"]["code"]) == (503, "journal_unavailable")


async def test_what_is_not_there(desk):
    reply = await desk.call("GET", f"/admin/v1/ledger/turns/{'0' * 32}")
    assert (reply.status, reply.json()["error"]["code"]) == (404, "turn_not_found")
    assert (await desk.call("GET", "/admin/v1/ledger/turns/x")).json()["error"]["param"] == "trace"


async def test_searched_by_text_without_the_text_in_any_note(desk):
    found = await desk.write(prompt='{"q":"项目甲"}'.encode())
    await desk.write()
    page = (await desk.call("POST", "/admin/v1/ledger/search", {"text": "项目甲"})).json()
    assert [row["trace"] for row in page["data"]] == [found]
    assert [name for name, _ in desk.notes] == ["texts_searched"]
    assert "项目甲" not in str(desk.notes)


async def test_a_search_that_would_open_too_much_is_refused(desk, monkeypatch):
    monkeypatch.setattr(ledger, "SEARCHED", 1)
    await desk.write()
    assert (await desk.call("POST", "/admin/v1/ledger/search", {"text": "nothing"})).status == 200
    await desk.write()
    reply = await desk.call("POST", "/admin/v1/ledger/search", {"text": "nothing"})
    assert (reply.status, reply.json()["error"]["param"]) == (400, "text")


async def test_sums(desk):
    for tenant in ("a", "a", "b"):
        await desk.write(tenant=tenant, took_us=2000)
    await desk.write(tenant="b", outcome="failed", took_us=6000)
    sums = (await desk.call("GET", "/admin/v1/ledger/stats?by=tenant&by=model")).json()
    assert [(row["group"], row["turns"], row["not_answered"], row["cost"]["amount"]) for row in sums["data"]] == [
        ({"tenant": "a", "model": "small"}, 2, 0, "3"),
        ({"tenant": "b", "model": "small"}, 2, 1, "3"),
    ]
    assert sums["data"][1]["mean_ms"] == 4.0
    assert (await desk.call("GET", "/admin/v1/ledger/stats")).json()["data"][0]["turns"] == 4
    assert (await desk.call("GET", "/admin/v1/ledger/stats?by=tenant&limit=1")).json()["more"] is True
    assert (await desk.call("GET", "/admin/v1/ledger/stats?by=colour")).json()["error"]["param"] == "by[0]"


def test_every_group_of_the_index_can_be_asked_for():
    assert set(get_args(ledger.Group)) == set(GROUPS)
    print(f"compared {len(GROUPS)} groups")


async def test_the_checkpoint_key(desk):
    assert (await desk.call("GET", "/admin/v1/ledger/checkpoint-key")).json()["public_key"] is None
    (desk.home / "secrets" / "checkpoint.pub").write_text("ab" * 32 + "\n")
    assert (await desk.call("GET", "/admin/v1/ledger/checkpoint-key")).json()["public_key"] == "ab" * 32


async def test_events_are_listed_by_name_and_time(desk):
    await desk.journal.note(Happening("managed", desk.clock.now_ns(), {"by": "k_1", "path": "/admin/v1/keys"}))
    await desk.journal.note(Happening("text_shown", desk.clock.now_ns(), {"by": "k_2"}))
    listed = (await desk.call("GET", "/admin/v1/ledger/events")).json()["data"]
    assert [event["name"] for event in listed] == ["text_shown", "managed"]
    assert listed[1]["stream"] == "worker-0"
    assert listed[1]["facts"] == {"by": "k_1", "path": "/admin/v1/keys"}
    named = (await desk.call("GET", "/admin/v1/ledger/events?name=managed&since=2020-01-01")).json()["data"]
    assert [event["facts"]["by"] for event in named] == ["k_1"]
    assert (await desk.call("GET", "/admin/v1/ledger/events?until=2020-01-01")).json()["data"] == []
    assert (await desk.call("GET", "/admin/v1/ledger/events?since=5")).json()["error"]["param"] == "since"
    assert (await desk.call("GET", "/admin/v1/ledger/events", key="user")).status == 403


async def test_what_a_cache_saved_and_who_waited_is_told(desk):
    await desk.write(cache="exact", saved_nano=1_500_000_000, saved_us=2000, cost_nano=0, queued_us=500)
    await desk.write(shadow_of="0" * 32)
    (hit,) = (await turns(desk, "?cache=exact"))["data"]
    assert (hit["saved"], hit["queued_ms"]) == ({"amount": "1.5", "currency": "CNY"}, 0.5)
    (shadow,) = (await turns(desk, "?shadow=true"))["data"]
    assert shadow["shadow_of"] == "0" * 32
    sums = (await desk.call("GET", "/admin/v1/ledger/stats?by=cache")).json()["data"]
    assert [(row["group"]["cache"], row["saved"]["amount"], row["saved_ms"]) for row in sums] == [
        ("", "0", 0.0),
        ("exact", "1.5", 2.0),
    ]
