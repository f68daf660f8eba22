"""Whatever is wrong with a request is said in OpenAI's form: the field, the reason, the caller's language."""

import pytest

NEW = "/admin/v1/keys"
CASES = [
    ({}, "missing_field", "name"),
    ({"name": 1}, "invalid_value", "name"),
    ({"name": "x", "nam": 1}, "invalid_value", "nam"),
    ({"name": "x", "role": "root"}, "invalid_value", "role"),
    ({"name": "x", "models": ["a b"]}, "invalid_value", "models[0]"),
    ({"name": "x", "models": {}}, "invalid_value", "models"),
    ({"name": "x", "limits": {"concurrency": True}}, "invalid_value", "limits.concurrency"),
    ({"name": "x", "limits": {"budget": 12.5}}, "invalid_value", "limits.budget"),
    ({"name": "x", "limits": {"budget": "-1"}}, "invalid_value", "limits.budget"),
    ({"name": "x", "expires": 1800000000}, "invalid_value", "expires"),
    ({"name": "x", "expires": "2001-01-01T00:00:00Z"}, "invalid_value", "expires"),
    ({"name": "a\nb"}, "invalid_value", "name"),
    ({"name": "x", "tenant": "nobody"}, "tenant_not_found", None),
    ([], "invalid_value", "body"),
]


@pytest.mark.parametrize(("body", "code", "param"), CASES)
async def test_the_field_is_named(desk, body, code, param):
    reply = await desk.call("POST", NEW, body)
    error = reply.json()["error"]
    assert 400 <= reply.status < 500
    assert (error["code"], error["param"]) == (code, param)
    assert desk.access.admin.keys()[2:] == ()


async def test_a_field_that_does_not_exist_is_told_with_where_to_look(desk):
    told = (await desk.call("POST", NEW, {"name": "x", "nam": 1})).json()
    assert "there is no such field; see /docs" in told["error"]["message"]
    assert "没有这个字段；可用字段见 /docs" in told["zhongshu"]["message_zh"]


@pytest.mark.parametrize(
    ("raw", "code", "status"),
    [
        (b'{"name": "x"', "invalid_json", 400),
        (b'{"name": "\xff"}', "invalid_json", 400),
        (b"[" * 90_000, "invalid_json", 400),
        (b" " * 100_001, "body_too_large", 413),
    ],
)
async def test_a_body_that_cannot_be_read(desk, raw, code, status):
    reply = await desk.call("POST", NEW, raw=raw)
    assert (reply.status, reply.json()["error"]["code"]) == (status, code)
    assert b"Traceback" not in reply.body


async def test_a_body_that_is_not_json(desk):
    reply = await desk.call("POST", NEW, raw=b"name=x", headers={"content-type": "application/x-www-form-urlencoded"})
    assert (reply.status, reply.json()["error"]["code"]) == (415, "unsupported_media_type")


async def test_the_value_that_was_sent_is_not_said_back(desk):
    reply = await desk.call("POST", NEW, {"name": "x", "role": "机密内容", "limits": {"budget": "机密内容"}})
    assert "机密" not in reply.body.decode()


async def test_in_chinese(desk):
    reply = await desk.call("GET", "/admin/v1/keys?limit=0", headers={"accept-language": "zh-CN,en;q=0.5"})
    assert reply.json()["error"]["message"] == "字段 `limit` 不可用：应不小于 1。"


async def test_a_method_that_is_not_taken(desk):
    reply = await desk.call("DELETE", "/admin/v1/keys")
    assert (reply.status, reply.headers["allow"]) == (405, "GET, POST")
    assert reply.json()["error"]["message"] == "This address does not take DELETE. Use GET, POST."


@pytest.mark.parametrize(
    ("path", "raw", "english", "chinese"),
    [
        ("/admin/v1/keys", b'{"name": ', "expecting value", "语法有误"),
        ("/admin/v1/route/tune", b'{"rows": []}', "at least 1 item", "至少 1 项"),
        ("/admin/v1/route/report", b'{"labels": 3}', "tuple", "应为数组"),
        ("/admin/v1/route/report", b'{"quality": "x"}', "number", "应为数字"),
        ("/admin/v1/route/report", b'{"confidence": []}', "number", "应为数字"),
        ("/admin/v1/ledger/search", b'{"shadow": 1}', "give true or false", "应为 true 或 false"),
    ],
)
async def test_both_languages_say_it_in_their_own_words(desk, path, raw, english, chinese):
    told = (await desk.call("POST", path, raw=raw)).json()
    assert english in told["error"]["message"].lower()
    assert chinese in told["zhongshu"]["message_zh"]
    assert english not in told["zhongshu"]["message_zh"].lower()
