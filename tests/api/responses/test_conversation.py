"""Conversations: what is recalled, what is stored, what is refused, and that no tenant sees another's."""

import pytest

HELLO = "Hello from the scripted upstream. 你好，世界。"


def said(sent):
    """Chat messages as (role, content)."""
    return [(m["role"], m["content"]) for m in sent["messages"]]


async def get(house, path, **more):
    return await house.send("GET", f"/v1/responses/{path}", **more)


async def test_a_turn_goes_on_from_the_one_before(house):
    first = (await house.ask("one", instructions="Be brief.")).json
    second = (await house.ask("two", previous_response_id=first["id"])).json
    third = await house.ask("three", previous_response_id=second["id"], instructions="Be long.", stream=True)
    assert said(house.sent()) == [
        ("system", "Be long."), ("user", "one"), ("assistant", HELLO), ("user", "two"), ("assistant", HELLO),
        ("user", "three"),
    ]  # fmt: skip
    assert third.events[-1]["response"]["previous_response_id"] == second["id"]
    assert third.events[-1]["response"]["instructions"] == "Be long."
    fourth = await house.ask("four", previous_response_id=third.events[-1]["response"]["id"])
    assert len(said(house.sent())) == 7
    assert fourth.status == 200


async def test_the_same_over_an_upstream_of_this_protocol(house):
    first = (await house.ask("one", model="r-mock")).json
    reply = await house.ask("two", model="r-mock", previous_response_id=first["id"], x_new=1)
    sent = house.sent()
    assert "previous_response_id" not in sent
    assert sent["x_new"] == 1
    assert [item["content"][0]["text"] for item in sent["input"]] == ["one", HELLO, "two"]
    assert sent["input"][1] == first["output"][0]
    assert reply.json["previous_response_id"] == first["id"]


async def test_tool_calls_and_their_results(house):
    tools = [{"type": "function", "name": "get_weather", "parameters": {"type": "object"}}]
    for prefix in ("", "r-"):
        first = (await house.ask("weather?", model=prefix + "mock-tools", tools=tools)).json
        calls = [item for item in first["output"] if item["type"] == "function_call"]
        outputs = [{"type": "function_call_output", "call_id": c["call_id"], "output": c["name"]} for c in calls]
        reply = await house.ask(outputs, model="mock", previous_response_id=first["id"], tools=tools)
        assert reply.status == 200
        user, assistant, *results = house.sent()["messages"]
        assert user["content"] == "weather?"
        assert assistant["content"] == "Let me look."
        assert [c["id"] for c in assistant["tool_calls"]] == [c["call_id"] for c in calls]
        assert [(r["role"], r["tool_call_id"], r["content"]) for r in results] == [
            ("tool", "call_weather", "get_weather"), ("tool", "call_time", "get_time"),
        ]  # fmt: skip


async def test_signatures_lost_litellm_27946(house):
    """An encrypted thought goes back to its provider as it came, whether we hold the conversation or the client does."""
    first = (await house.ask("one", model="r-mock-thought")).json
    thought = first["output"][0]
    assert thought["encrypted_content"].startswith("enc-")
    await house.ask("two", model="r-mock-thought", previous_response_id=first["id"])
    assert house.sent()["input"][1] == thought
    items = [{"role": "user", "content": "one"}, *first["output"], {"role": "user", "content": "two"}]
    await house.ask(items, model="r-mock-thought", store=False)
    assert house.sent()["input"][1] == thought


async def test_a_thought_without_a_signature_does_not_go_to_a_provider_that_keeps_nothing(house):
    first = (await house.ask("one", model="mock-thought")).json
    assert "encrypted_content" not in first["output"][0]
    assert (await house.ask("two", model="r-mock", previous_response_id=first["id"])).status == 200
    assert [item["type"] for item in house.sent()["input"]] == ["message"] * 3


async def test_items_may_be_referred_to(house):
    first = (await house.ask("one")).json
    items = [{"type": "item_reference", "id": first["output"][0]["id"]}, {"role": "user", "content": "two"}]
    reply = await house.ask(items)
    assert said(house.sent()) == [("assistant", HELLO), ("user", "two")]
    assert (await house.ask([{"id": first["output"][0]["id"]}], previous_response_id=reply.json["id"])).status == 200
    listed = (await get(house, f"{reply.json['id']}/input_items?order=asc")).json["data"]
    assert listed[0]["id"] == first["output"][0]["id"]
    theirs = await house.ask(items, key="globex")
    assert (theirs.status, theirs.error["param"]) == (400, "input[0].id")


async def test_stored_unless_the_caller_says_no(house):
    kept, left = (await house.ask()).json, (await house.ask(store=False)).json
    assert (kept["store"], left["store"]) == (True, False)
    assert (await get(house, kept["id"])).json == kept
    assert (await get(house, left["id"])).status == 404
    refused = await house.ask(previous_response_id=left["id"])
    assert (refused.status, refused.error["code"]) == (400, "previous_response_not_found")
    assert refused.error["param"] == "previous_response_id"


async def test_a_house_that_keeps_nothing_says_so(open_house):
    house = open_house(keep=False)
    reply = (await house.ask()).json
    assert reply["store"] is False
    assert (await get(house, reply["id"])).status == 404
    for fields in ({"previous_response_id": reply["id"]}, {"background": True}):
        refused = await house.ask(**fields)
        assert (refused.status, refused.error["code"]) == (400, "sessions_off")


async def test_no_tenant_sees_anothers(house):
    mine = (await house.ask("secret")).json["id"]
    for method, path in (("GET", mine), ("DELETE", mine), ("POST", f"{mine}/cancel"), ("GET", f"{mine}/input_items")):
        reply = await house.send(method, f"/v1/responses/{path}", key="globex")
        assert (reply.status, reply.error["code"]) == (404, "response_not_found")
        assert b"secret" not in reply.body
    refused = await house.ask(previous_response_id=mine, key="globex")
    assert (refused.status, refused.error["code"]) == (400, "previous_response_not_found")
    assert (await get(house, mine)).status == 200
    assert (await get(house, mine, key="nobody")).status == 401


async def test_deleting(house):
    first = (await house.ask()).json["id"]
    second = (await house.ask(previous_response_id=first)).json["id"]
    reply = await house.send("DELETE", f"/v1/responses/{first}")
    assert reply.json == {"id": first, "object": "response", "deleted": True}
    assert (await house.send("DELETE", f"/v1/responses/{first}")).status == 404
    assert (await house.ask(previous_response_id=second)).error["code"] == "previous_response_not_found"
    assert (await get(house, second)).status == 200


async def test_input_items_in_pages(house):
    first = (await house.ask([{"role": "user", "content": "a"}, {"role": "developer", "content": "b"}])).json
    second = (await house.ask("c", previous_response_id=first["id"])).json["id"]
    whole = (await get(house, f"{second}/input_items?order=asc")).json
    texts = [item["content"][0]["text"] for item in whole["data"]]
    assert texts == ["a", "b", HELLO, "c"]
    assert (whole["has_more"], whole["first_id"]) == (False, whole["data"][0]["id"])
    newest = (await get(house, f"{second}/input_items?limit=3")).json
    assert newest["has_more"] is True
    assert newest["data"] == whole["data"][:0:-1]
    rest = (await get(house, f"{second}/input_items?limit=3&after={newest['last_id']}")).json
    assert rest["data"] == whole["data"][:1]
    for query in ("limit=0", "limit=101", "order=up", "after=nothing"):
        assert (await get(house, f"{second}/input_items?{query}")).status == 400
    assert len((await get(house, f"{first['id']}/input_items")).json["data"]) == 2


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"model": "nothing"}, 404, "model_not_found", "model"),
        ({"model": None}, 400, "invalid_value", "model"),
        ({"input": None}, 400, "invalid_value", "input"),
        ({"input": []}, 400, "invalid_value", "input"),
        ({"input": [7]}, 400, "invalid_value", "input[0]"),
        ({"input": [{}]}, 400, "missing_field", "input[0].type"),
        ({"input": [{"role": "robot", "content": "x"}]}, 400, "invalid_value", "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "x"}]}]}, 400, "invalid_value", "input[0].content[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, 400, "missing_field", "input[0].content[0].image_url"),
        ({"input": [{"type": "function_call", "name": "f"}]}, 400, "missing_field", "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, 400, "missing_field", "input[0].call_id"),
        ({"input": [{"type": "item_reference"}]}, 400, "missing_field", "input[0].id"),
        ({"input": [{"type": "web_search_call", "id": "w"}]}, 400, "model_cannot", "input.web_search_call"),
        ({"tools": [{"type": "web_search"}]}, 400, "model_cannot", "tools.web_search"),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, 400, "model_cannot", "tools.mcp"),
        ({"tools": [{"type": "function"}]}, 400, "missing_field", "tools[0].name"),
        ({"tools": [{"type": "function", "name": "f", "parameters": 7}]}, 400, "invalid_value", "tools[0].parameters"),
        ({"tool_choice": "required"}, 400, "invalid_value", "tool_choice"),
        ({"tool_choice": {"type": "function", "name": "f"}}, 400, "invalid_value", "tool_choice.name"),
        ({"tool_choice": {"type": "web_search"}}, 400, "model_cannot", "tool_choice.web_search"),
        ({"prompt": {"id": "p"}}, 400, "model_cannot", "prompt"),
        ({"conversation": "conv_1"}, 400, "unsupported", "conversation"),
        ({"background": True, "store": False}, 400, "invalid_value", "background"),
        ({"background": True, "model": "nothing"}, 404, "model_not_found", "model"),
        ({"text": {"format": {"type": "json_schema"}}}, 400, "missing_field", "text.format.schema"),
        ({"text": {"format": {"type": "xml"}}}, 400, "invalid_value", "text.format.type"),
        ({"reasoning": {"effort": "huge"}}, 400, "invalid_value", "reasoning.effort"),
        ({"max_output_tokens": 0}, 400, "invalid_value", "max_output_tokens"),
        ({"temperature": 3}, 400, "invalid_value", "temperature"),
        ({"metadata": {"k" * 65: "v"}}, 400, "invalid_value", None),
        ({"metadata": {"k": "v" * 513}}, 400, "invalid_value", None),
        ({"previous_response_id": "resp_none"}, 400, "previous_response_not_found", "previous_response_id"),
    ],
)  # fmt: skip
async def test_errors_name_the_field(house, fields, status, code, param):
    for stream in (False, True):
        reply = await house.ask(**{"stream": stream, **fields})
        assert (reply.status, reply.error["code"]) == (status, code), reply.body
        if param is not None:
            assert reply.error["param"] == param
        assert reply.error["type"] == "invalid_request_error"
        assert reply.error["message"]


@pytest.mark.parametrize(
    ("choice", "mode"),
    [
        ("auto", None),
        ("none", "none"),
        ({"type": "function", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]}, "required"),
    ],
)
async def test_tool_choice_reaches_a_chat_upstream(house, choice, mode):
    tools = [{"type": "function", "name": name, "strict": True} for name in ("f", "g")]
    assert (await house.ask(tools=tools, tool_choice=choice)).status == 200
    sent = house.sent()
    assert sent.get("tool_choice") == mode
    names = [tool["function"]["name"] for tool in sent["tools"]]
    assert names == (["g"] if mode == "required" else ["f", "g"])


async def test_everything_said_reaches_a_chat_upstream(house):
    schema = {"type": "object", "properties": {}}
    await house.ask(
        [
            {"role": "user", "content": [
                {"type": "input_text", "text": "Look"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "high"},
                {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,QQ=="},
            ]},
            {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I see"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "4"}]},
            {"role": "user", "content": "go on"},
        ],
        text={"format": {"type": "json_schema", "name": "shape", "schema": schema}},
        max_output_tokens=7, temperature=0.5, top_p=0.25, parallel_tool_calls=False, safety_identifier="me",
    )  # fmt: skip
    sent = house.sent()
    look, saw, result, on = sent["messages"]
    assert [part["type"] for part in look["content"]] == ["text", "image_url", "file"]
    assert look["content"][1]["image_url"] == {"url": "data:image/png;base64,AA", "detail": "high"}
    assert (saw["content"], saw["tool_calls"][0]["function"]["name"]) == ("I see", "f")
    assert (result["tool_call_id"], result["content"], on["content"]) == ("c", "4", "go on")
    assert sent["response_format"]["json_schema"]["schema"] == schema
    assert (sent["max_tokens"], sent["temperature"], sent["top_p"], sent["user"]) == (7, 0.5, 0.25, "me")
