"""Answers over both wire formats, plain and streaming: the objects, the events and their order."""

import json
import warnings
from pathlib import Path

import jsonschema
import llm_comply
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tests.waiting import eventually

BOTH = ["", "r-"]
EVENT = TypeAdapter(ResponseStreamEvent)


@pytest.fixture(scope="session")
def schema():
    """The Open Responses specification's schema of a response object, as llm-comply carries it."""
    return json.loads((Path(llm_comply.__file__).parent / "specs" / "openresponses.json").read_text())


def check(response, schema):
    """Both the official SDK's type and the open specification take it."""
    Response.model_validate(response)
    with warnings.catch_warnings(action="ignore"):
        resolver = jsonschema.RefResolver("", schema)
    validator = jsonschema.validators.validator_for({"$schema": "https://json-schema.org/draft/2020-12/schema"})
    errors = validator(schema["components"]["schemas"]["ResponseResource"], resolver=resolver).iter_errors(response)
    assert [error.message for error in errors] == []


async def test_a_stream_that_breaks_before_any_content_is_an_error(house):
    reply = await house.ask(model="r-mock-cut", stream=True)
    assert (reply.status, reply.error["code"]) == (502, "upstream_cut")


def types(events):
    return [event["type"].removeprefix("response.") for event in events]


@pytest.mark.parametrize("prefix", BOTH)
@pytest.mark.parametrize(
    "model", ["mock", "mock-thought", "mock-tool", "mock-tools", "mock-refusal", "mock-filtered", "mock-packed"]
)
@pytest.mark.parametrize("fields", [{}, {"reasoning": {"summary": "auto"}}])
async def test_a_stream_ends_with_what_a_plain_reply_is(house, schema, prefix, model, fields):
    plain = (await house.ask(model=prefix + model, **fields)).json
    check(plain, schema)
    streamed = await house.ask(model=prefix + model, stream=True, **fields)
    events = streamed.events
    for event in events:
        EVENT.validate_python(event)
    assert types(events)[:2] == ["created", "in_progress"]
    last = events[-1]["response"]
    check(last, schema)
    assert types(events)[-1] == last["status"] == plain["status"]

    def bare(items):
        return [{k: v for k, v in item.items() if k != "id"} for item in items]

    assert bare(last["output"]) == bare(plain["output"])
    assert last["zhongshu"]["label"]["explicit"] is True
    assert last["id"] == events[0]["response"]["id"] == "resp_" + last["zhongshu"]["trace"]
    assert last["output"] == [e["item"] for e in events if e["type"] == "response.output_item.done"]


@pytest.mark.parametrize("prefix", BOTH)
async def test_the_events_of_a_message(house, prefix):
    events = (await house.ask(model=prefix + "mock", stream=True)).events
    assert types(events) == [
        "created", "in_progress", "output_item.added", "content_part.added", *["output_text.delta"] * 8,
        "output_text.done", "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    text = "".join(e["delta"] for e in events if e["type"].endswith("text.delta"))
    assert events[-4]["text"] == events[-3]["part"]["text"] == text
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == text
    assert len({e["item_id"] for e in events if "item_id" in e}) == 1


@pytest.mark.parametrize("prefix", BOTH)
async def test_the_events_of_a_thought(house, prefix):
    events = (await house.ask(model=prefix + "mock-thought", stream=True)).events
    assert types(events)[2:13] == [
        "output_item.added", "content_part.added", *["reasoning_text.delta"] * 6, "reasoning_text.done",
        "content_part.done", "output_item.done",
    ]  # fmt: skip
    item = events[12]["item"]
    assert item["type"] == "reasoning"
    assert item["content"] == [{"type": "reasoning_text", "text": "The user greets me. 我应该有礼貌地回答。"}]
    events = (await house.ask(model=prefix + "mock-thought", stream=True, reasoning={"summary": "auto"})).events
    assert types(events)[2:13] == [
        "output_item.added", "reasoning_summary_part.added", *["reasoning_summary_text.delta"] * 6,
        "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
    ]  # fmt: skip
    assert events[12]["item"]["summary"][0]["text"].startswith("The user")


@pytest.mark.parametrize("prefix", BOTH)
async def test_the_events_of_parallel_calls(house, prefix):
    events = (await house.ask(model=prefix + "mock-tools", stream=True)).events
    added = [e for e in events if e["type"] == "response.output_item.added"]
    assert [(e["output_index"], e["item"]["type"]) for e in added] == [
        (0, "message"), (1, "function_call"), (2, "function_call"),
    ]  # fmt: skip
    for place, name in ((1, "get_weather"), (2, "get_time")):
        own = [e for e in events if e.get("output_index") == place]
        arguments = "".join(e["delta"] for e in own if e["type"].endswith("arguments.delta"))
        done = next(e for e in own if e["type"].endswith("arguments.done"))
        assert done["arguments"] == own[-1]["item"]["arguments"] == arguments
        assert own[-1]["item"]["name"] == name
        assert own[-1]["item"]["call_id"].startswith("call_")


@pytest.mark.parametrize("prefix", BOTH)
async def test_a_refusal(house, prefix):
    events = (await house.ask(model=prefix + "mock-refusal", stream=True)).events
    assert types(events)[3:-1] == [
        "content_part.added", "refusal.delta", "refusal.done", "content_part.done", "output_item.done",
    ]  # fmt: skip
    assert events[-1]["response"]["output"][0]["content"] == [
        {"type": "refusal", "refusal": "I cannot help with that."}
    ]


@pytest.mark.parametrize("prefix", BOTH)
@pytest.mark.parametrize(
    ("model", "fields", "reason"),
    [("mock", {"max_output_tokens": 2}, "max_output_tokens"), ("mock-filtered", {}, "content_filter")],
)
async def test_an_incomplete_answer(house, prefix, model, fields, reason):
    for stream in (False, True):
        reply = await house.ask(model=prefix + model, stream=stream, **fields)
        response = reply.events[-1]["response"] if stream else reply.json
        assert response["status"] == "incomplete"
        assert response["incomplete_details"] == {"reason": reason}
        assert response["output"][-1]["status"] == "incomplete"
        assert response["completed_at"] is None


@pytest.mark.parametrize(
    "model", ["mock-no-finish", "mock-no-done", "mock-usage-missing", "r-mock-no-finish", "r-mock-usage-missing"]
)
async def test_missing_finish_reason_done_and_usage_opencode_43379(house, model):
    """Whatever the upstream leaves out, the client gets one last event, with a status and usage."""
    events = (await house.ask(model=model, stream=True)).events
    assert types(events)[-1] == "completed"
    assert sum(kind in ("completed", "failed", "incomplete") for kind in types(events)) == 1
    assert events[-1]["response"]["usage"]["total_tokens"] > 0
    assert events[-1]["response"]["zhongshu"]["usage"]["estimated"] is ("usage" in model or model.startswith("r-"))


@pytest.mark.parametrize("model", ["mock-error-mid", "mock-cut", "r-error", "r-cut", "r-reset", "r-json"])
async def test_a_stream_that_breaks_ends_with_an_error_and_a_failed_response(house, model):
    mock = {"mock": {"broken": {"after": 6, "how": model[2:]}}} if model.startswith("r-") else {}
    events = (await house.ask(model="r-mock" if mock else model, stream=True, **mock)).events
    assert types(events)[-2:] == ["error", "failed"]
    error, response = events[-2], events[-1]["response"]
    assert error["error"]["code"] == error["code"] == response["error"]["code"]
    assert error["message"]
    assert response["status"] == "failed"
    kept = await house.send("GET", f"/v1/responses/{response['id']}")
    assert kept.json["status"] == "failed"
    again = await house.ask(previous_response_id=response["id"])
    assert again.error["param"] == "previous_response_id"


@pytest.mark.parametrize("prefix", BOTH)
@pytest.mark.parametrize(("label", "place"), [("start", str.startswith), ("end", str.endswith)])
async def test_words_of_a_label_stand_everywhere_the_text_does(open_house, prefix, label, place):
    house = open_house(label=label)
    words = "This content was generated by AI."
    plain = (await house.ask(model=prefix + "mock-thought")).json
    assert place(plain["output"][1]["content"][0]["text"].strip(), words)
    events = (await house.ask(model=prefix + "mock-thought", stream=True)).events
    text = "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta")
    assert place(text.strip(), words)
    said = [e["text"] for e in events if e["type"] == "response.output_text.done"]
    said += [e["part"]["text"] for e in events if e["type"] == "response.content_part.done" and "text" in e["part"]][
        -1:
    ]
    said += [e["item"]["content"][0]["text"] for e in events if e["type"] == "response.output_item.done"][-1:]
    said.append(events[-1]["response"]["output"][1]["content"][0]["text"])
    assert said == [text] * 4


async def test_built_in_tools_reach_an_upstream_that_has_them(house):
    tools = [{"type": "web_search"}]
    plain = (await house.ask(model="r-mock", tools=tools)).json
    assert [item["type"] for item in plain["output"]] == ["web_search_call", "message"]
    assert house.sent()["tools"] == tools
    events = (await house.ask(model="r-mock", tools=tools, stream=True)).events
    assert "web_search_call.completed" in types(events)
    assert events[-1]["response"]["output"][0]["action"] == {"query": "scripted"}


async def test_fields_we_do_not_know_pass_both_ways(house):
    reply = await house.ask(model="r-mock-extra", x_new={"deep": [1]}, text={"verbosity": "low"}, truncation="auto")
    sent = house.sent()
    assert sent["x_new"] == {"deep": [1]}
    assert sent["text"] == {"verbosity": "low"}
    assert sent["store"] is False
    assert reply.json["x_unknown"] == {"z": 1, "a": [1.5]}
    assert "x-zhongshu-dropped" not in reply.headers


async def test_what_a_chat_upstream_cannot_be_told_is_stated(house):
    fields = {"x_new": 1, "text": {"verbosity": "low"}, "truncation": "auto", "service_tier": "flex"}
    reply = await house.ask(max_tool_calls=3, **fields)
    stated = set(reply.headers["x-zhongshu-dropped"].split(", "))
    assert stated == {"x_new", "text.verbosity", "truncation", "service_tier", "max_tool_calls"}
    assert set(reply.json["zhongshu"]["dropped"]) == stated
    usual = {"text": {"format": {"type": "text"}}, "truncation": "disabled", "service_tier": "auto"}
    assert "x-zhongshu-dropped" not in (await house.ask(**usual)).headers


@pytest.mark.parametrize("prefix", BOTH)
async def test_logprobs(house, prefix):
    include = ["message.output_text.logprobs"]
    plain = (await house.ask(model=prefix + "mock", include=include, top_logprobs=2)).json
    assert len(plain["output"][0]["content"][0]["logprobs"]) == 8
    events = (await house.ask(model=prefix + "mock", include=include, stream=True)).events
    assert all(len(e["logprobs"]) == 1 for e in events if e["type"] == "response.output_text.delta")


async def test_a_client_that_leaves_cancels_the_upstream_and_leaves_nothing_stored(house):
    left = house.served.app.stats.left
    reply = await house.ask(model="held", stream=True, leave_after=1)
    assert reply.headers["content-type"].startswith("text/event-stream")
    name = "resp_" + reply.headers["x-zhongshu-trace"]
    assert (await house.send("GET", f"/v1/responses/{name}")).status == 404
    await eventually(lambda: house.served.app.stats.left > left)
    assert house.served.app.stats.left == left + 1
