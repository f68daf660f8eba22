"""Addresses of the protocols that are not served: the answer says what serves instead, in the protocol's own error form."""

import pytest

from tests.api.conftest import whole
from zhongshu.api.not_served import INSTEAD


async def asked(house, path, method="POST"):
    return await house(whole()).send(method, path, b"{}")


@pytest.mark.parametrize("place", [place for place in INSTEAD if place.startswith("/")])
async def test_each_names_what_serves_instead(house, place):
    reply = await asked(house, place)
    told = reply.json()
    assert reply.status == 404
    message = told["error"]["message"]
    assert f"`{place}`" in message
    assert INSTEAD[place].en in message
    assert INSTEAD[place].zh in told["zhongshu"]["message_zh"]
    if "v1beta" in place:
        assert told["error"]["status"] == "NOT_FOUND"
    elif place == "/v1/complete":
        assert (told["type"], told["error"]["type"]) == ("error", "not_found_error")
    else:
        assert told["error"]["code"] == "not_served"


@pytest.mark.parametrize("path", ["/v1/assistants/asst_1", "/v1/threads/t/messages", "/v1/fine_tuning/jobs"])
async def test_and_so_does_what_is_under_them(house, path):
    assert (await asked(house, path)).json()["error"]["code"] == "not_served"


@pytest.mark.parametrize("method", [name for name in INSTEAD if name.startswith(":")])
async def test_methods_of_geminis_models(house, method):
    told = (await asked(house, f"/v1beta/models/small{method}")).json()
    assert INSTEAD[method].en in told["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1beta/models/small:unheardOf", 404),
        ("GET", "/v1/models", 200),
        ("GET", "/v1/responses/resp_1", 404),
    ],
)
async def test_others_are_as_before(house, method, path, status):
    reply = await asked(house, path, method)
    assert (reply.status, "not served" in reply.body.decode()) == (status, False)
