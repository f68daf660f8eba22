"""A parameter that an address does not take is refused and named, whatever the route; those it takes are not."""

import re

import pytest
from fastapi.routing import APIRoute

from zhongshu.api.admin.application import ROOMS, admin_application
from zhongshu.api.admin.queries import parameters

ROUTES = [route for room in ROOMS for route in room.router.routes if isinstance(route, APIRoute)]


def address(route: APIRoute) -> str:
    """A path of this route, whatever its parts stand for."""
    return "/admin/v1" + re.sub(r"\{[^}]+\}", "k_1", route.path)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{min(route.methods)} {route.path}")
async def test_every_route_refuses_what_it_does_not_take(desk, route):
    known = parameters(route)
    reply = await desk.call(min(route.methods), f"{address(route)}?nosuch=1", {})
    told = reply.json()
    assert (reply.status, told["error"]["code"], told["error"]["param"]) == (400, "invalid_value", "nosuch")
    english, chinese = told["error"]["message"], told["zhongshu"]["message_zh"]
    assert all(name in english and name in chinese for name in known)
    assert ("takes no parameters" in english, "不接受任何参数" in chinese) == (not known, not known)


def test_what_a_route_takes_is_what_its_description_says(desk):
    app = admin_application(desk.app._parts)
    described = app.openapi()["paths"]
    compared = 0
    for route in ROUTES:
        for method in route.methods:
            said = described["/admin/v1" + route.path][method.lower()].get("parameters", [])
            assert {one["name"] for one in said if one["in"] == "query"} == set(parameters(route))
            compared += 1
    assert compared > 50
    assert sum(bool(parameters(route)) for route in ROUTES) > 15


async def test_a_slip_in_a_filter_is_told_with_those_there_are(desk):
    told = (await desk.call("GET", "/admin/v1/keys?tenent=acme&limit=5")).json()
    assert told["error"]["message"] == (
        "Field `tenent` is not usable: there is no such parameter; this address takes tenant, state, limit, cursor."
    )
    assert "没有这个参数；此地址接受：tenant, state, limit, cursor" in told["zhongshu"]["message_zh"]
    assert desk.notes == []


@pytest.mark.parametrize("query", ["tenant=default&state=active&limit=5", "", "tenant=default&"])
async def test_what_it_takes_is_taken(desk, query):
    assert (await desk.call("GET", f"/admin/v1/keys?{query}")).status == 200


async def test_a_name_as_long_as_a_page_is_not_said_back(desk):
    reply = await desk.call("GET", f"/admin/v1/keys?{'x' * 5000}=1")
    assert (reply.status, reply.json()["error"]["param"]) == (400, "x" * 64)


async def test_without_a_key_nobody_is_told_what_there_is(desk):
    assert (await desk.call("GET", "/admin/v1/keys?nosuch=1", key=None)).status == 401


@pytest.mark.parametrize("path", ["/openapi.json?v=2", "/docs?v=2"])
async def test_the_description_minds_nothing(desk, path):
    assert (await desk.call("GET", path, key=None)).status == 200


ENGLISH = re.compile(r"[A-Za-z]{2,}[ ,] ?[A-Za-z]{2,}|'")
GIVEN = ("x", "-1", "1.5", "9" * 40, "nan", "1e999", "", "%20", "2026-13-01", "x" * 5000)


@pytest.mark.parametrize(
    "route", [one for one in ROUTES if parameters(one)], ids=lambda route: f"{min(route.methods)} {route.path}"
)
async def test_what_cannot_be_used_is_refused_in_chinese_alone(desk, route):
    refused = 0
    for name in parameters(route):
        for given in GIVEN:
            reply = await desk.call(min(route.methods), f"{address(route)}?{name}={given}", {})
            if reply.status == 400:
                said = re.sub(r"`[^`]*`|\^\S+\$|ISO 8601|true 或 false", "", reply.json()["zhongshu"]["message_zh"])
                assert not ENGLISH.search(said), (name, given[:20], said)
                refused += 1
    assert refused


async def test_a_list_of_words_is_told_in_either_language(desk):
    told = (await desk.call("GET", "/admin/v1/route/report.svg?lang=fr")).json()
    assert told["error"]["message"] == "Field `lang` is not usable: input should be 'en' or 'zh'."
    assert told["zhongshu"]["message_zh"] == '字段 `lang` 不可用：应为以下之一："en"、"zh"。'
    told = (await desk.call("GET", "/admin/v1/ledger/turns?cache=x")).json()
    assert "'exact', 'semantic' or empty" in told["error"]["message"]
    assert '应为以下之一："exact"、"semantic"；也可留空。' in told["zhongshu"]["message_zh"]
