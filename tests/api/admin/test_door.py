"""Nobody enters without an admin key; what broke inside leaves no trace outside; changes are journalled."""

import logging

import pytest

from zhongshu.core.problems import fault


@pytest.mark.parametrize("path", ["/admin", "/admin/v1/keys", "/admin/v1/nothing", "/admin/v1/ledger/export"])
async def test_a_key_comes_first(desk, path):
    missing, wrong, user = (
        await desk.call("GET", path, key=None),
        await desk.call("GET", path, key="zs_wrong_wrong_wrong_wrong"),
        await desk.call("GET", path, key="user"),
    )
    assert (missing.status, missing.json()["error"]["code"]) == (401, "missing_key")
    assert missing.headers["www-authenticate"] == "Bearer"
    assert (wrong.status, wrong.json()["error"]["code"]) == (401, "invalid_api_key")
    assert (user.status, user.json()["error"]["code"]) == (403, "forbidden")


async def test_refused_before_a_byte_of_the_body_is_read(desk):
    reply = await desk.call("POST", "/admin/v1/keys", raw=b"x" * 10_000_000, key="user")
    assert reply.status == 403


async def test_the_description_needs_no_key(desk):
    assert (await desk.call("GET", "/openapi.json", key=None)).status == 200
    assert (await desk.call("GET", "/docs", key=None)).status == 200


@pytest.mark.parametrize("path", ["/administrator", "/v2", "/"])
async def test_other_addresses_are_not_found_rather_than_guarded(desk, path):
    assert (await desk.call("GET", path, key=None)).json()["error"]["code"] == "not_found"


async def test_replies_are_kept_out_of_caches_and_can_be_found_again(desk):
    reply = await desk.call("GET", "/admin/v1/whoami")
    assert reply.headers["cache-control"] == "no-store"
    assert len(reply.headers["x-request-id"]) == 32


async def test_a_change_is_journalled_and_a_reading_is_not(desk):
    await desk.call("GET", "/admin/v1/keys")
    await desk.call("POST", "/admin/v1/keys", {})
    assert desk.notes == []
    await desk.call("POST", "/admin/v1/tenants", {"id": "acme", "title": "秘密"})
    [(name, facts)] = desk.notes
    assert (name, facts["method"], facts["path"]) == ("managed", "POST", "/admin/v1/tenants")
    assert facts["from"] == "10.0.0.9"
    assert facts["by"].startswith("k_")
    assert "秘密" not in str(facts)


async def test_a_leaked_key_can_be_revoked_on_a_full_disk(desk, caplog):
    desk.note_fails = fault("journal_unavailable", why="no space")
    key = desk.access.admin.keys()[1].id
    assert (await desk.call("POST", f"/admin/v1/keys/{key}/revoke")).status == 200
    assert "not journalled: journal_unavailable" in caplog.text


async def test_what_breaks_inside_is_an_error_without_a_trace_of_it(desk, caplog):
    async def broken():
        raise RuntimeError("the user's own words")

    desk.app = desk.application(engine=broken)
    with caplog.at_level(logging.ERROR):
        reply = await desk.call("GET", "/admin/v1/engine")
    assert (reply.status, reply.json()["error"]["code"]) == (500, "internal_error")
    assert b"words" not in reply.body
    assert "words" not in caplog.text
    assert f"trace={reply.headers['x-request-id']} kind=RuntimeError" in caplog.text


async def test_a_fault_inside_keeps_its_problem(desk):
    async def away():
        raise fault("engine_unavailable", model="local", why="its manager does not answer")

    desk.app = desk.application(engine=away)
    assert (await desk.call("GET", "/admin/v1/engine")).json()["error"]["code"] == "engine_unavailable"
