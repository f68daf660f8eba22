"""Message batches by the official anthropic package, unchanged but for the address, over two workers."""

import anthropic
import pytest
from anthropic import Anthropic

from tests.running import KEY, over, platform
from tests.waiting import until
from zhongshu.upstreams.scripted.serve import serving


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with serving() as upstream:
        models = {"mock": "mock", "broken": "mock-500", "slow": "mock-hang"}
        settings = over(upstream.port, models, "[server]\nworkers = 2\n[batches]\nattempts = 1\n", "none")
        with platform(tmp_path_factory.mktemp("batches"), settings) as running:
            yield running


@pytest.fixture
def client(running):
    return Anthropic(base_url=running.url, api_key=KEY, max_retries=0)


def asked(name, model="mock", **more):
    params = {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": f"Say {name}."}], **more}
    return {"custom_id": name, "params": params}


def ended(client, id):
    def found():
        batch = client.messages.batches.retrieve(id)
        return batch if batch.processing_status == "ended" else None

    return until(found, seconds=120)


def test_a_batch_from_its_making_to_its_results(client):
    made = client.messages.batches.create(
        requests=[asked("a"), asked("b"), asked("c", "broken"), asked("d", "nobody"), asked("e", stream=True)]
    )
    assert (made.type, made.processing_status, made.request_counts.processing) == ("message_batch", "in_progress", 5)
    assert made.id.startswith("msgbatch_")
    batch = ended(client, made.id)
    counts = batch.request_counts
    assert (counts.succeeded, counts.errored, counts.processing, counts.canceled) == (2, 3, 0, 0)
    assert batch.ended_at >= batch.created_at
    results = {one.custom_id: one.result for one in client.messages.batches.results(made.id)}
    assert {name: one.type for name, one in results.items()} == {
        "a": "succeeded", "b": "succeeded", "c": "errored", "d": "errored", "e": "errored",
    }  # fmt: skip
    assert results["a"].message.content[0].text
    assert results["a"].message.stop_reason == "end_turn"
    assert results["a"].message.usage.output_tokens > 0
    assert results["d"].error.error.type == "not_found_error"
    assert results["e"].error.error.type == "invalid_request_error"
    assert made.id in [one.id for one in client.messages.batches.list(limit=1)]
    assert client.messages.batches.delete(made.id).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.retrieve(made.id)


def test_a_batch_is_cancelled_and_what_was_not_asked_says_so(client, running):
    made = client.messages.batches.create(requests=[asked(str(number), "slow") for number in range(8)])
    status, _, told = running.ask(f"/v1/messages/batches/{made.id}/results")  # the package itself would not ask
    assert (status, told["zhongshu"]["code"]) == (409, "batch_under_way")
    with pytest.raises(anthropic.ConflictError):
        client.messages.batches.delete(made.id)
    assert client.messages.batches.cancel(made.id).processing_status == "canceling"
    batch = ended(client, made.id)
    assert batch.cancel_initiated_at is not None
    assert batch.request_counts.canceled == 8
    assert {one.result.type for one in client.messages.batches.results(made.id)} == {"canceled"}


@pytest.mark.parametrize(
    ("requests", "field"),
    [
        ([], "requests"),
        ([asked("a"), asked("a")], "requests[1].custom_id"),
        ([asked("no spaces")], "requests[0].custom_id"),
        ([asked("")], "requests[0].custom_id"),
        ([asked("x" * 65)], "requests[0].custom_id"),
    ],
)
def test_what_cannot_be_a_batch_is_refused_at_once(client, requests, field):
    with pytest.raises(anthropic.BadRequestError) as refused:
        client.messages.batches.create(requests=requests)
    assert refused.value.body["zhongshu"]["param"] == field
    assert refused.value.body["error"]["type"] == "invalid_request_error"


def test_pages_and_what_is_not_there(client, running):
    ids = [client.messages.batches.create(requests=[asked("one")]).id for _ in range(3)]
    assert [one.id for one in client.messages.batches.list(limit=2)][:3] == ids[::-1]
    for path in ("msgbatch_0", f"{ids[0]}/nothing"):
        status, _, told = running.ask(f"/v1/messages/batches/{path}")
        assert (status, told["error"]["type"]) == (404, "not_found_error")
    stranger = Anthropic(base_url=running.url, api_key="zs_nobody", max_retries=0)
    with pytest.raises(anthropic.AuthenticationError):
        stranger.messages.batches.list()
    running.cli("tenants", "create", "other")
    other = running.cli("keys", "create", "k", "--tenant", "other").strip()
    foreign = Anthropic(base_url=running.url, api_key=other, max_retries=0)
    assert foreign.messages.batches.list().data == []
    for call in (foreign.messages.batches.retrieve, foreign.messages.batches.cancel, foreign.messages.batches.delete):
        with pytest.raises(anthropic.NotFoundError):
            call(ids[0])
