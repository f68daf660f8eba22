"""Upstreams over HTTP: what they answer for and whether they can."""

import asyncio

from tests.api.admin.conftest import FakeUpstream
from zhongshu.api.admin import upstreams
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
