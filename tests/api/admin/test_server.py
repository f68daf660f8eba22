"""The server over HTTP: who calls, which settings, reload."""


async def test_whoami(desk):
    who = (await desk.call("GET", "/admin/v1/whoami")).json()
    assert (who["tenant"], who["role"]) == ("default", "admin")
    assert desk.admin_key not in str(who)


async def test_settings(desk):
    assert (await desk.call("GET", "/admin/v1/settings")).json() == {"settings": {"server": {"port": 7070}}}


async def test_reload_asks_and_does_not_wait(desk):
    reply = await desk.call("POST", "/admin/v1/reload")
    assert (reply.status, reply.json(), desk.reloads) == (202, {"status": "asked"}, 1)
