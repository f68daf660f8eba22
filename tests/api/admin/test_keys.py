"""Keys over HTTP: the secret is shown once, limits and models change, a revoked key is refused."""

from datetime import UTC, datetime, timedelta

from zhongshu.core.access import Caller


async def test_made_used_and_revoked(desk):
    made = await desk.call("POST", "/admin/v1/keys", {"name": "ci", "models": ["small"], "limits": {"concurrency": 2}})
    assert made.status == 201
    key = made.json()
    assert isinstance(await desk.access.gate.identify(key["secret"].encode()), Caller)
    shown = (await desk.call("GET", f"/admin/v1/keys/{key['id']}")).json()
    assert "secret" not in shown
    assert shown["models"] == ["small"]
    assert shown["state"] == "active"
    revoked = (await desk.call("POST", f"/admin/v1/keys/{key['id']}/revoke")).json()
    assert revoked["state"] == "revoked"
    again = (await desk.call("POST", f"/admin/v1/keys/{key['id']}/revoke")).json()
    assert again["revoked"] == revoked["revoked"]


async def test_the_secret_is_in_one_reply_only(desk):
    secret = (await desk.call("POST", "/admin/v1/keys", {"name": "ci"})).json()["secret"]
    listed = await desk.call("GET", "/admin/v1/keys")
    assert secret.encode() not in listed.body
    assert secret not in str(desk.notes)


async def test_money_is_exact_text(desk):
    made = await desk.call("POST", "/admin/v1/keys", {"name": "x", "limits": {"budget": "0.000000001"}})
    assert made.json()["limits"]["budget"] == "0.000000001"
    shown = (await desk.call("GET", f"/admin/v1/keys/{made.json()['id']}")).json()
    assert shown["spending"]["budget"] == "0.000000001"
    assert shown["spending"]["spent"] == "0"


async def test_a_change_touches_only_what_it_names(desk):
    limits = {"requests_per_minute": 5, "budget": "10", "budget_period": "day"}
    key = (await desk.call("POST", "/admin/v1/keys", {"name": "x", "models": ["a"], "limits": limits})).json()
    path = f"/admin/v1/keys/{key['id']}"
    changed = (await desk.call("PATCH", path, {"limits": {"requests_per_minute": None, "concurrency": 3}})).json()
    assert changed["models"] == ["a"]
    assert changed["limits"] == {
        "requests_per_minute": None, "tokens_per_minute": None, "concurrency": 3, "budget": "10",
        "budget_period": "day", "currency": "CNY", "priority": None,
    }  # fmt: skip
    assert (await desk.call("PATCH", path, {"models": []})).json()["models"] == []
    assert (await desk.call("PATCH", path, {})).json()["limits"] == changed["limits"]


async def test_an_expiry_without_a_zone_is_utc(desk):
    at = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0, tzinfo=None)
    key = (await desk.call("POST", "/admin/v1/keys", {"name": "x", "expires": at.isoformat()})).json()
    assert key["expires"] == f"{at.isoformat()}Z"


async def test_pages_hold_every_key_once(desk):
    await desk.call("POST", "/admin/v1/tenants", {"id": "acme"})
    made = {
        (await desk.call("POST", "/admin/v1/keys", {"name": str(n), "tenant": "acme"})).json()["id"] for n in range(5)
    }
    seen, cursor = [], ""
    while True:
        page = (await desk.call("GET", f"/admin/v1/keys?tenant=acme&limit=2{cursor}")).json()
        seen += [key["id"] for key in page["data"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(seen) == sorted(made)


async def test_filtered_by_state_and_tenant(desk):
    key = desk.access.admin.keys()[1].id
    await desk.call("POST", f"/admin/v1/keys/{key}/revoke")
    active = (await desk.call("GET", "/admin/v1/keys?state=active")).json()["data"]
    assert key not in [row["id"] for row in active]
    assert (await desk.call("GET", "/admin/v1/keys?tenant=nobody")).json()["error"]["code"] == "tenant_not_found"


async def test_what_is_not_there(desk):
    for method, path in (("GET", ""), ("PATCH", ""), ("POST", "/revoke")):
        reply = await desk.call(method, f"/admin/v1/keys/k_nothing{path}", {} if method == "PATCH" else None)
        assert (reply.status, reply.json()["error"]["code"]) == (404, "key_not_found")


async def test_a_cursor_of_another_list_is_refused(desk):
    for cursor in ("x", "ImtfMCI", "%00", "W10"):
        reply = await desk.call("GET", f"/admin/v1/keys?cursor={cursor}")
        assert (reply.status, reply.json()["error"]["param"]) == (400, "cursor")


async def test_a_dial_is_made_changed_taken_away_and_who_did_it_is_kept(desk):
    made = (await desk.call("POST", "/admin/v1/keys", {"name": "x", "quality": 0.8, "max_cost": 0.5})).json()
    assert (made["quality"], made["max_cost"], made["max_seconds"]) == (0.8, 0.5, None)
    path = f"/admin/v1/keys/{made['id']}"
    changed = (await desk.call("PATCH", path, {"quality": 0.2, "max_cost": None})).json()
    assert (changed["quality"], changed["max_cost"]) == (0.2, None)
    assert (await desk.call("PATCH", path, {"limits": {"concurrency": 1}})).json()["quality"] == 0.2
    caller = await desk.access.gate.known(made["id"])
    assert caller.prefers is None or caller.prefers.quality in (0.8, 0.2)
    (change,) = (await desk.call("GET", f"{path}/changes")).json()["data"]
    assert (change["before"]["quality"], change["after"]["quality"]) == (0.8, 0.2)
    assert change["by"].startswith("k_")
    for body in ({"quality": 2}, {"max_cost": -1}, {"max_seconds": 0}, {"quality": "high"}):
        refused = await desk.call("PATCH", path, body)
        assert (refused.status, refused.json()["error"]["param"]) == (400, next(iter(body)))
