"""Upstreams over HTTP: what they answer for and whether they can."""

import asyncio

from tests.api.admin.conftest import FakeUpstream
from zhongshu.api.admin import upstreams
from zhongshu.core.health import ReplicaHealth
from zhongshu.core.problems import fault


async def test_listed_with_models_and_state(desk):
    desk.upstreams["up"] = FakeUpstream("up", fault("upstream_unreachable", upstream="up"))
    up, embedded = (await desk.call("GET", "/admin/v1/upstreams")).json()["data"]
    assert (up["name"], up["models"], up["check"]["state"]) == ("up", ["small@1"], "upstream_unreachable")
    assert "zhongshu doctor" in up["check"]["message"]
    assert "无法连接" in up["check"]["message_zh"]
    assert (embedded["models"], embedded["check"]["state"]) == (["local@1"], "ok")


async def test_listed_without_asking_them(desk):
    listed = (await desk.call("GET", "/admin/v1/upstreams?check=false")).json()["data"]
    assert [row["check"] for row in listed] == [None, None]


async def test_one_checked(desk):
    assert (await desk.call("POST", "/admin/v1/upstreams/up/check")).json()["check"]["state"] == "ok"
    reply = await desk.call("POST", "/admin/v1/upstreams/nobody/check")
    assert (reply.status, reply.json()["error"]["code"]) == (404, "upstream_not_found")


async def test_a_silent_one_does_not_hold_the_list(desk, monkeypatch):
    class Silent(FakeUpstream):
        async def check(self):
            await asyncio.sleep(3600)

    monkeypatch.setattr(upstreams, "CHECK_S", 0.01)
    desk.upstreams["up"] = Silent("up")
    up, embedded = (await desk.call("GET", "/admin/v1/upstreams")).json()["data"]
    assert (up["check"]["state"], embedded["check"]["state"]) == ("slow", "ok")


async def test_health_of_all_workers_side_by_side(desk):
    desk.health = {
        "worker-0": [
            ReplicaHealth("up", "", in_flight=2),
            ReplicaHealth("up", "small", "open", "auto", "upstream_error", 1_700_000_000_000_000_000, 2, answered=5, failed=3),
        ],
        "worker-1": [ReplicaHealth("up", "small", answered=7, first_us=1500)],
    }  # fmt: skip
    rows = (await desk.call("GET", "/admin/v1/upstreams/health")).json()["data"]
    told = {(row["upstream"], row["model"]): row for row in rows}
    assert list(told) == sorted(told), "every upstream and model is there, asked or not"
    assert ("embedded", "local") in told
    small = told["up", "small"]
    assert (small["state"], small["answered"], small["failed"], small["first_ms"]) == ("mixed", 12, 3, 1.5)
    first, second = small["workers"]
    assert (first["worker"], first["state"], first["why"]) == ("worker-0", "open", "upstream_error")
    assert first["until"].startswith("2023-11-14T22:13:20")
    assert (second["state"], second["until"]) == ("closed", None)


async def test_switched_read_back_and_refused(desk):
    reply = await desk.call("POST", "/admin/v1/upstreams/up/open")
    assert (reply.status, {row["forced"] for row in reply.json()["data"] if not row["model"]}) == (200, {"open"})
    reply = await desk.call("POST", "/admin/v1/upstreams/up/close?model=small")
    assert {row["model"]: row["forced"] for row in reply.json()["data"]} == {"": "open", "small": "closed"}
    await desk.call("POST", "/admin/v1/upstreams/up/auto")
    rows = (await desk.call("GET", "/admin/v1/upstreams/health")).json()["data"]
    assert {row["forced"] for row in rows if row["upstream"] == "up"} == {"auto", "closed"}
    for path, code in (("nobody/open", "upstream_not_found"), ("up/open?model=nothing", "model_not_found")):
        reply = await desk.call("POST", f"/admin/v1/upstreams/{path}")
        assert (reply.status, reply.json()["error"]["code"]) == (404, code)
    assert (await desk.call("POST", "/admin/v1/upstreams/up/explode")).status in (400, 404, 422)
    assert (await desk.call("POST", "/admin/v1/upstreams/up/open", key="user")).status == 403


async def test_switching_is_journalled(desk):
    await desk.call("POST", "/admin/v1/upstreams/up/open")
    name, facts = desk.notes[-1]
    assert (name, facts["path"]) == ("managed", "/admin/v1/upstreams/up/open")
