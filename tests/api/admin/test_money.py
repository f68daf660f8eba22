"""Money over HTTP: statements as JSON and CSV, budgets of users and models, alerts; and who may not see them."""

import csv
import io
from datetime import UTC, datetime

import pytest

from zhongshu.access.keys import Budget
from zhongshu.core.answers import Usage
from zhongshu.core.money import Exchange

NOVEMBER = int(datetime(2026, 11, 10, tzinfo=UTC).timestamp()) * 10**9
THIRD = 333_333_333
BUDGET = {"tenant": "acme", "scope": "user", "whose": "ann", "budget": "2.5"}


async def filled(desk):
    """Two tenants; three turns of a third of a yuan each, one refused, one unseen, one of another month."""
    for tenant in ("acme", "other"):
        desk.access.admin.create_tenant(tenant)
    for user in ("ann", "bob", "=1+1"):
        await desk.write(tenant="acme", user=user, at_ns=NOVEMBER, cost_nano=THIRD, usage=Usage(30, 20))
    await desk.write(tenant="acme", user="ann", at_ns=NOVEMBER, outcome="refused", cost_nano=0, usage=Usage(0, 0))
    await desk.write(tenant="acme", user="ann", at_ns=NOVEMBER, cost_nano=THIRD, shadow_of="a" * 32)
    await desk.write(tenant="acme", user="ann", at_ns=NOVEMBER + 30 * 86_400 * 10**9)
    await desk.write(tenant="other", user="ann", at_ns=NOVEMBER, cost_nano=7)


async def test_a_statement_adds_up_exactly_and_to_the_cent(desk):
    await filled(desk)
    said = (await desk.call("GET", "/admin/v1/statements?tenant=acme&month=2026-11&by=user")).json()
    assert (said["since"], said["until"]) == ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    assert [(line["name"], line["cost"]) for line in said["lines"]] == [
        ("=1+1", "0.34"),
        ("ann", "0.33"),
        ("bob", "0.33"),
    ]
    (total,) = said["totals"]
    assert (total["cost"], total["cost_exact"], total["currency"]) == ("1.00", "0.999999999", "CNY")
    assert (total["turns"], total["not_answered"], total["prompt_tokens"], total["completion_tokens"]) == (4, 1, 90, 60)
    assert [(line["turns"], line["cost_exact"]) for line in said["shadows"]] == [(1, "0.333333333")]
    assert said["converted"] == {"currency": "CNY", "cost": "1.00", "cost_exact": "0.999999999"}


async def test_the_csv_says_the_same_and_runs_no_formula(desk):
    await filled(desk)
    reply = await desk.call("GET", "/admin/v1/statements?tenant=acme&month=2026-11&by=user&format=csv")
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"] == 'attachment; filename="statement-acme-2026-11.csv"'
    rows = list(csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig"))))
    assert [(row["kind"], row["name"], row["cost"]) for row in rows] == [
        ("line", "'=1+1", "0.34"),
        ("line", "ann", "0.33"),
        ("line", "bob", "0.33"),
        ("total", "", "1.00"),
        ("shadow", "", "0.33"),
    ]


async def test_a_month_without_turns_is_an_empty_statement(desk):
    await filled(desk)
    said = (await desk.call("GET", "/admin/v1/statements?tenant=acme&month=2025-01")).json()
    assert (said["lines"], said["totals"], said["shadows"]) == ([], [], [])


@pytest.mark.parametrize(
    ("query", "status", "param"),
    [
        ("month=2026-11", 400, "tenant"),
        ("tenant=acme", 400, "month"),
        ("tenant=acme&month=2026-13", 400, "month"),
        ("tenant=acme&month=2026-11-01", 400, "month"),
        ("tenant=acme&month=0000-11", 400, "month"),
        ("tenant=acme&month=2026-11&by=colour", 400, "by"),
        ("tenant=acme&month=2026-11&format=pdf", 400, "format"),
        ("tenant=acme&month=2026-11&colour=red", 400, "colour"),
        ("tenant=nobody&month=2026-11", 404, None),
        ("tenant=acme&month=2026-11&by=day", 200, None),
    ],
)
async def test_a_statement_that_cannot_be_made_names_the_field(desk, query, status, param):
    desk.access.admin.create_tenant("acme")
    reply = await desk.call("GET", f"/admin/v1/statements?{query}")
    assert reply.status == status
    assert status == 200 or reply.json()["error"]["param"] == param


async def test_a_budget_is_set_read_replaced_and_taken_away(desk):
    desk.access.admin.create_tenant("acme")
    made = (await desk.call("PUT", "/admin/v1/budgets", BUDGET)).json()
    assert (made["spending"]["budget"], made["spending"]["period"], made["spending"]["currency"]) == (
        "2.5",
        "month",
        "CNY",
    )
    await desk.call("PUT", "/admin/v1/budgets", BUDGET | {"budget": "3", "period": "total"})
    await desk.call("PUT", "/admin/v1/budgets", {"tenant": "*", "scope": "model", "whose": "small", "budget": "9"})
    listed = (await desk.call("GET", "/admin/v1/budgets")).json()["data"]
    assert sorted((row["tenant"], row["scope"], row["whose"], row["spending"]["budget"]) for row in listed) == [
        ("*", "model", "small", "9"),
        ("acme", "user", "ann", "3"),
    ]
    assert (await desk.call("GET", "/admin/v1/budgets?tenant=nobody")).json() == {"data": []}
    away = "/admin/v1/budgets?tenant=acme&scope=user&whose=ann"
    assert (await desk.call("DELETE", away)).json() == {"removed": True}
    assert (await desk.call("DELETE", away)).json() == {"removed": False}


async def test_a_budget_that_does_not_name_its_currency_is_in_that_of_the_house(desk):
    desk.access.admin.create_tenant("acme")
    budgets = desk.access.admin.budgets
    budgets.exchange = Exchange("USD")
    made = await desk.call("PUT", "/admin/v1/budgets", BUDGET)
    assert (made.status, made.json()["spending"]["currency"]) == (200, "USD")
    refused = await desk.call("PUT", "/admin/v1/budgets", BUDGET | {"currency": "CNY"})
    assert (refused.status, refused.json()["error"]["param"]) == (400, "currency")


@pytest.mark.parametrize(
    ("changes", "status", "param"),
    [
        ({"tenant": "nobody"}, 404, None),
        ({"tenant": ""}, 400, "tenant"),
        ({"tenant": "*"}, 400, "tenant"),
        ({"scope": "key"}, 400, "scope"),
        ({"whose": ""}, 400, "whose"),
        ({"whose": "a\nb"}, 400, "whose"),
        ({"scope": "model", "whose": "*"}, 400, "whose"),
        ({"budget": 2.5}, 400, "budget"),
        ({"budget": "-1"}, 400, "budget"),
        ({"budget": "1e3"}, 400, "budget"),
        ({"budget": "0.0000000001"}, 400, "budget"),
        ({"period": "year"}, 400, "period"),
        ({"currency": "EUR"}, 400, "currency"),
        ({"colour": "red"}, 400, "colour"),
        ({"whose": "*", "budget": "0"}, 200, None),
    ],
)
async def test_a_budget_that_will_not_do_names_the_field(desk, changes, status, param):
    desk.access.admin.create_tenant("acme")
    reply = await desk.call("PUT", "/admin/v1/budgets", BUDGET | changes)
    assert reply.status == status
    assert status == 200 or reply.json()["error"]["param"] == param


async def test_alerts_are_listed_newest_first(desk):
    desk.access.admin.create_tenant("acme")
    desk.access.admin.create_tenant("other")
    budgets = desk.access.admin.budgets
    budgets.past = lambda _: 800_000_000
    for tenant, whose in (("other", "ann"), ("acme", "ann"), ("acme", "bob"), ("acme", "cat")):
        amount = 10**11 if whose == "cat" else 10**9
        budgets.set(Budget(tenant=tenant, scope="user", whose=whose, budget_nano=amount))
        desk.access.admin.alerts.look([50, 80, 100], listening=False)
    said = (await desk.call("GET", "/admin/v1/budgets/alerts?tenant=acme")).json()["data"]
    assert [(row["name"], row["percent"], row["budget"], row["spent"], row["state"]) for row in said] == [
        ("bob", 80, "1", "0.8", "not told"),
        ("ann", 80, "1", "0.8", "not told"),
    ]
    assert len((await desk.call("GET", "/admin/v1/budgets/alerts")).json()["data"]) == 3
    assert len((await desk.call("GET", "/admin/v1/budgets/alerts?limit=1")).json()["data"]) == 1
    assert (await desk.call("GET", "/admin/v1/budgets/alerts?limit=0")).json()["error"]["param"] == "limit"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/admin/v1/statements?tenant=default&month=2026-11", None),
        ("GET", "/admin/v1/budgets", None),
        ("PUT", "/admin/v1/budgets", BUDGET),
        ("DELETE", "/admin/v1/budgets?tenant=acme&scope=user&whose=ann", None),
        ("GET", "/admin/v1/budgets/alerts", None),
    ],
)
async def test_money_is_for_administrators(desk, method, path, body):
    desk.access.admin.create_tenant("acme")
    desk.acme_key = desk.access.admin.create_key("acme", "worker").secret
    for key, status in (("user", 403), ("acme", 403), (None, 401), ("zs_nobody" * 6, 401), ("admin", 200)):
        assert (await desk.call(method, path, body, key=key)).status == status
