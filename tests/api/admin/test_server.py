"""The server over HTTP: who calls, which settings, reload."""

import pytest


async def test_whoami(desk):
    who = (await desk.call("GET", "/admin/v1/whoami")).json()
    assert (who["tenant"], who["role"]) == ("default", "admin")
    assert desk.admin_key not in str(who)


async def test_settings(desk):
    assert (await desk.call("GET", "/admin/v1/settings")).json() == {"settings": {"server": {"port": 7070}}}


REFUSED = {
    "where": "worker-1",
    "where_zh": "worker-1",
    "key": "upstreams.a.key",
    "value": "",
    "remedy": "do it",
    "remedy_zh": "请做",
}


def standing(asked, answered, generation, refused=()):
    worker = {"name": "worker-1", "generation": generation, "refused": list(refused)}
    return {
        "generation": generation, "digest": "d", "asked": asked, "answered": answered, "refused": list(refused),
        "waits": ["server.port"], "workers": [worker],
    }  # fmt: skip


async def test_reload_says_that_all_workers_have_taken_them(desk):
    desk.standing = standing(1, 1, 1)
    desk.on_reload = lambda: setattr(desk, "standing", standing(2, 2, 2))
    reply = await desk.call("POST", "/admin/v1/reload")
    told = reply.json()
    assert (reply.status, told["status"], desk.reloads) == (200, "taken", 1)
    assert (told["standing"]["generation"], told["standing"]["waits"]) == (2, ["server.port"])


@pytest.mark.parametrize(("language", "said"), [("en", "upstreams.a.key: do it"), ("zh", "upstreams.a.key：请做")])
async def test_reload_says_who_refuses_which_field(desk, language, said):
    desk.standing = standing(1, 1, 1)
    desk.on_reload = lambda: setattr(desk, "standing", standing(2, 2, 1, [REFUSED]))
    reply = await desk.call("POST", "/admin/v1/reload", headers={"accept-language": language})
    told = reply.json()["error"]
    assert (reply.status, told["code"], said in told["message"], "worker-1" in told["message"]) == (
        409, "settings_refused", True, True,
    )  # fmt: skip


@pytest.mark.parametrize("now", [None, standing(2, 1, 1)])
async def test_reload_of_workers_that_have_not_answered_in_time_was_asked(desk, now):
    desk.standing = now
    reply = await desk.call("POST", "/admin/v1/reload?wait_s=0.01")
    assert (reply.status, reply.json()["status"], desk.reloads) == (202, "asked", 1)


@pytest.mark.parametrize("wait_s", ["-1", "61", "soon"])
async def test_reload_with_a_wrong_wait(desk, wait_s):
    reply = await desk.call("POST", f"/admin/v1/reload?wait_s={wait_s}")
    assert (reply.status, reply.json()["error"]["param"], desk.reloads) == (400, "wait_s", 0)


async def test_which_settings_each_worker_runs(desk):
    assert (await desk.call("GET", "/admin/v1/settings/workers")).json() is None
    desk.standing = standing(3, 3, 2, [REFUSED])
    told = (await desk.call("GET", "/admin/v1/settings/workers")).json()
    assert (told["generation"], told["workers"][0]["refused"][0]["key"]) == (2, "upstreams.a.key")
    assert (await desk.call("GET", "/admin/v1/settings/workers", key="user")).status == 403
