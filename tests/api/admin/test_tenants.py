"""Tenants over HTTP."""

import pytest


async def test_made_shown_and_changed(desk):
    made = await desk.call("POST", "/admin/v1/tenants", {"id": "acme", "title": "某公司", "limits": {"budget": "500"}})
    assert made.status == 201
    shown = (await desk.call("GET", "/admin/v1/tenants/acme")).json()
    assert shown["title"] == "某公司"
    assert shown["spending"] | {"ends": ""} == {
        "budget": "500", "spent": "0", "currency": "CNY", "period": "month", "ends": "",
    }  # fmt: skip
    changed = (await desk.call("PATCH", "/admin/v1/tenants/acme", {"limits": {"budget": None}})).json()
    assert changed["spending"] is None
    assert changed["title"] == "某公司"


async def test_a_total_never_ends(desk):
    limits = {"budget": "1", "budget_period": "total", "currency": "CNY"}
    await desk.call("POST", "/admin/v1/tenants", {"id": "acme", "limits": limits})
    assert (await desk.call("GET", "/admin/v1/tenants/acme")).json()["spending"]["ends"] is None


async def test_a_name_is_taken_once(desk):
    assert (await desk.call("POST", "/admin/v1/tenants", {"id": "acme"})).status == 201
    again = await desk.call("POST", "/admin/v1/tenants", {"id": "acme"})
    assert (again.status, again.json()["error"]["code"]) == (409, "conflict")


async def test_listed_in_pages(desk):
    for name in ("a", "b", "c"):
        await desk.call("POST", "/admin/v1/tenants", {"id": name})
    first = (await desk.call("GET", "/admin/v1/tenants?limit=3")).json()
    rest = (await desk.call("GET", f"/admin/v1/tenants?limit=3&cursor={first['next']}")).json()
    assert [row["id"] for row in first["data"] + rest["data"]] == ["default", "a", "b", "c"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("name", "code"), [("nobody", "tenant_not_found"), ("a b", "invalid_value"), ("\x00", "invalid_value")]
)
async def test_what_is_not_there(desk, name, code):
    assert (await desk.call("GET", f"/admin/v1/tenants/{name}")).json()["error"]["code"] == code
