"""Batches with the official SDK: run by the same path as every turn, in order, with what failed apart."""

import json

import openai
import pytest
from openai import OpenAI

from tests.waiting import until

ENDED = ("completed", "failed", "cancelled", "expired")
CHAT = "/v1/chat/completions"


def line(id, model="mock", url=CHAT, **body):
    fields = {"messages": [{"role": "user", "content": f"hi {id}"}]} if url == CHAT else {}
    return {"custom_id": id, "method": "POST", "url": url, "body": {"model": model, **fields, **body}}


def upload(client, lines):
    data = b"".join(json.dumps(each).encode() + b"\n" if isinstance(each, dict) else each for each in lines)
    return client.files.create(file=("in.jsonl", data), purpose="batch").id


def run(client, lines, endpoint=CHAT, states=ENDED):
    made = client.batches.create(input_file_id=upload(client, lines), endpoint=endpoint, completion_window="24h")
    return wait(client, made.id, states)


def wait(client, id, states=ENDED):
    def found():
        batch = client.batches.retrieve(id)
        return batch if batch.status in states else None

    return until(found, seconds=120)


def rows(client, id):
    return [json.loads(text) for text in client.files.content(id).text.splitlines()]


def test_a_batch_is_answered_in_order_with_errors_apart(client, records):
    lines = [line(f"r{n}", "mock-400" if n % 10 == 3 else "mock") for n in range(40)]
    done = run(client, lines)
    assert done.status == "completed"
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (40, 36, 4)
    answered, failed = rows(client, done.output_file_id), rows(client, done.error_file_id)
    assert [row["custom_id"] for row in answered] == [f"r{n}" for n in range(40) if n % 10 != 3]
    assert [row["custom_id"] for row in failed] == ["r3", "r13", "r23", "r33"]
    first = answered[0]["response"]
    assert first["status_code"] == 200
    assert first["body"]["choices"][0]["message"]["content"]
    assert first["body"]["zhongshu"]["trace"] == first["request_id"]
    assert failed[0]["response"]["body"]["error"]["code"] == "upstream_refused"
    kept = records(first["request_id"])
    assert kept["outcome"] == "answered"
    assert kept["agent"] == f"zhongshu batch {done.id}"


def test_embeddings_and_completions(client):
    done = run(client, [line("a", url="/v1/embeddings", input="x")], "/v1/embeddings")
    assert rows(client, done.output_file_id)[0]["response"]["body"]["data"][0]["embedding"]
    done = run(client, [line("a", url="/v1/completions", prompt="x")], "/v1/completions")
    assert rows(client, done.output_file_id)[0]["response"]["body"]["choices"][0]["text"]


def test_responses(client):
    lines = [
        line("a", url="/v1/responses", input="x"),
        line("b", url="/v1/responses", input="x", previous_response_id="resp_none"),
        line("c", url="/v1/responses", input="x", background=True),
    ]
    done = run(client, lines, "/v1/responses")
    (answered,) = rows(client, done.output_file_id)
    assert answered["response"]["body"]["output"][0]["content"][0]["text"]
    errors = [row["response"]["body"]["error"] for row in rows(client, done.error_file_id)]
    assert [error["param"] for error in errors] == ["previous_response_id", "background"]
    client.responses.retrieve(answered["response"]["body"]["id"])


def test_every_mistake_of_the_input_is_named_by_its_line(client):
    lines = [
        line("a"),
        b"not json\n",
        line("a"),
        {**line("b"), "method": "GET"},
        {**line("c"), "url": "/v1/embeddings"},
        {**line("d"), "body": [1]},
        {"method": "POST", "url": CHAT, "body": {}},
    ]
    failed = run(client, lines)
    assert failed.status == "failed"
    found = [(mistake.line, mistake.code) for mistake in failed.errors.data]
    assert found == [
        (2, "invalid_json_line"),
        (3, "duplicate_custom_id"),
        (4, "invalid_method"),
        (5, "mismatched_url"),
        (6, "invalid_body"),
        (7, "invalid_custom_id"),
    ]
    assert "line 1" in failed.errors.data[1].message


def test_an_empty_file(client):
    failed = run(client, [b"\n\n"])
    assert (failed.status, failed.errors.data[0].code) == ("failed", "empty_file")


def test_bad_values_of_one_request_fail_it_alone(client):
    done = run(client, [line("a", temperature=9), line("b", stream=True), line("c")])
    assert done.status == "completed"
    params = [row["response"]["body"]["error"]["param"] for row in rows(client, done.error_file_id)]
    assert params == ["temperature", "stream"]


def test_limits_are_waited_out(client, place):
    made = json.loads(place.cli("keys", "create", "few", "--concurrency", "1", "--json"))
    slow = OpenAI(base_url=f"{place.url}/v1", api_key=made["secret"], max_retries=0)
    done = run(slow, [line(f"r{n}") for n in range(12)])
    assert (done.status, done.request_counts.completed) == ("completed", 12)


def test_an_upstream_that_recovers_is_asked_again(client):
    done = run(client, [line("a", "mock-once-500")])
    assert done.request_counts.completed == 1


def test_cancelling_keeps_what_is_answered(client, upstream):
    made = client.batches.create(
        input_file_id=upload(client, [line("quick"), *[line(f"r{n}", "mock-hang") for n in range(20)]]),
        endpoint=CHAT,
        completion_window="24h",
    )
    until(lambda: client.batches.retrieve(made.id).request_counts.completed)
    assert client.batches.cancel(made.id).status == "cancelling"
    ended = wait(client, made.id)
    assert ended.status == "cancelled"
    assert [row["custom_id"] for row in rows(client, ended.output_file_id)] == ["quick"]
    with pytest.raises(openai.ConflictError):
        client.batches.cancel(made.id)


def test_lists_and_tenants(client, place, stranger):
    mine = [run(client, [line("a")]).id for _ in range(3)]
    assert [batch.id for batch in client.batches.list(limit=2)][:3] == mine[::-1]
    theirs = OpenAI(base_url=f"{place.url}/v1", api_key=stranger, max_retries=0)
    assert list(theirs.batches.list()) == []
    for ask in (theirs.batches.retrieve, theirs.batches.cancel):
        with pytest.raises(openai.NotFoundError):
            ask(mine[0])
    with pytest.raises(openai.NotFoundError):
        theirs.batches.create(input_file_id=upload(client, [line("a")]), endpoint=CHAT, completion_window="24h")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"endpoint": "/v1/nothing"}, "endpoint"),
        ({"completion_window": "1y"}, "completion_window"),
        ({"input_file_id": 5}, "input_file_id"),
        ({"metadata": {"a": 5}}, "metadata[...]"),
        ({"output_expires_after": {"anchor": "created_at", "seconds": 1}}, "output_expires_after.seconds"),
    ],
)
def test_bad_values_name_their_field(place, change, param):
    body = {"input_file_id": "file-1", "endpoint": CHAT, "completion_window": "24h", **change}
    status, _, reply = place.ask("/v1/batches", body)
    assert (status, reply["error"]["param"]) == (400, param)


def test_a_file_for_another_purpose_is_refused(client):
    file = client.files.create(file=("a", b"{}"), purpose="user_data").id
    with pytest.raises(openai.BadRequestError):
        client.batches.create(input_file_id=file, endpoint=CHAT, completion_window="24h")
