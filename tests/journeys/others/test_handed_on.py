"""Rerank, moderations, sound and pictures with the official SDK, and what the ledger keeps of them."""

import hashlib

import httpx2
import openai
import pytest

from tests.running import KEY
from tests.waiting import until

WAV = b"RIFF" + bytes(range(256)) * 40
BODIES = {
    "/v1/rerank": {"model": "other", "query": "cat", "documents": ["dog"]},
    "/v1/moderations": {"model": "other", "input": "x"},
    "/v1/audio/speech": {"model": "other", "input": "x", "voice": "alloy"},
    "/v1/images/generations": {"model": "other", "prompt": "x"},
}


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/rerank"])
def test_rerank(place, path):
    body = {"model": "other", "query": "cat", "documents": ["dog", {"text": "a cat"}], "top_n": 1}
    status, headers, reply = place.ask(path, body)
    assert status == 200
    assert [result["index"] for result in reply["results"]] == [1]
    assert reply["zhongshu"]["usage"]["prompt"] == reply["usage"]["total_tokens"]
    assert "x-zhongshu-ai-generated" not in headers


def test_rerank_by_the_vectors_of_an_embedding_model(place):
    status, _, reply = place.ask("/v1/rerank", {"model": "vectors", "query": "cat", "documents": ["dog", "cat"]})
    assert status == 200
    assert reply["method"] == "cosine"
    assert reply["results"][0]["index"] == 1


def test_moderations_choose_their_model_themselves(client):
    said = client.moderations.create(input=["a kind word", "an attack"])
    assert [result.flagged for result in said.results] == [False, True]
    assert said.zhongshu["route"]["release"] == "other@1"


def test_transcription_plain_text_and_streaming(client, records):
    plain = client.audio.transcriptions.create(model="other", file=("a.wav", WAV), language="zh")
    assert plain.text.endswith(f"({len(WAV)} bytes)")
    assert plain.usage.output_tokens == plain.zhongshu["usage"]["completion"]
    as_text = client.audio.transcriptions.create(model="other", file=("a.wav", WAV), response_format="text")
    assert as_text.strip() == plain.text
    events = list(client.audio.transcriptions.create(model="other", file=("a.wav", WAV), stream=True))
    assert "".join(e.delta for e in events if e.type == "transcript.text.delta") == plain.text
    assert events[-1].type == "transcript.text.done"
    kept = records(plain.zhongshu["trace"])
    assert kept["outcome"] == "answered"
    assert kept["prompt"]["language"] == "zh"
    digest = hashlib.sha256(WAV).hexdigest()
    assert kept["prompt"]["file"] == {"filename": "a.wav", "bytes": len(WAV), "sha256": digest}
    assert kept["answer"]["text"] == plain.text


def test_translation(client):
    assert client.audio.translations.create(model="other", file=("a.wav", WAV)).text


def test_speech_comes_piece_by_piece_and_only_its_digest_is_kept(client, records):
    with client.audio.speech.with_streaming_response.create(model="other", input="你好", voice="alloy") as reply:
        assert reply.headers["content-type"] == "audio/mpeg"
        assert reply.headers["x-zhongshu-ai-generated"] == "1"
        trace, sound = reply.headers["x-zhongshu-trace"], b"".join(reply.iter_bytes())
    assert len(sound) == 2000
    kept = records(trace)
    assert (kept["outcome"], kept["kind"]) == ("answered", "speech")
    assert kept["prompt"]["input"] == "你好"
    assert hashlib.sha256(sound).hexdigest() in kept["answer"][0]["text"]


def test_speech_as_events(client):
    with client.audio.speech.with_streaming_response.create(
        model="other", input="ab", voice="alloy", stream_format="sse"
    ) as reply:
        text = reply.read().decode()
    assert text.count("speech.audio.delta") == 2
    assert "speech.audio.done" in text


def test_pictures(client, records):
    drawn = client.images.generate(model="other", prompt="a cat", n=2)
    assert len(drawn.data) == 2
    assert drawn.zhongshu["label"]["AIGC"]["ProduceID"] == drawn.zhongshu["trace"]
    kept = records(drawn.zhongshu["trace"])
    assert set(kept["answer"]) == {"content_type", "bytes", "sha256"}
    assert kept["usage"]["completion"] == 100
    edited = client.images.edit(model="other", image=("a.png", b"\x89PNG"), prompt="a hat")
    assert edited.data[0].b64_json


@pytest.mark.parametrize(
    ("model", "error"),
    [("none", openai.NotFoundError), ("other-400", openai.BadRequestError), ("mock", openai.BadRequestError)],
)
def test_errors_are_the_sdks_own(client, model, error):
    with pytest.raises(error):
        client.audio.transcriptions.create(model=model, file=("a.wav", WAV))
    with pytest.raises(error):
        client.audio.speech.create(model=model, input="x", voice="alloy")


def test_an_upstream_that_refuses_for_now_says_when(client):
    with pytest.raises(openai.RateLimitError) as raised:
        client.images.generate(model="other-429", prompt="x")
    assert raised.value.response.headers["retry-after"]


def test_sound_that_breaks_off_is_cut_not_ended(client, records):
    with client.audio.speech.with_streaming_response.create(model="other-cut", input="abcdef", voice="a") as reply:
        trace = reply.headers["x-zhongshu-trace"]
        with pytest.raises(httpx2.RemoteProtocolError):
            reply.read()
    assert records(trace)["outcome"] == "cut"


def test_a_client_that_leaves_stops_the_upstream(client, unasked, records):
    stats = unasked.app.stats
    before = stats.left
    with client.audio.speech.with_streaming_response.create(model="other-slow", input="x" * 100, voice="a") as reply:
        trace = reply.headers["x-zhongshu-trace"]
        next(reply.iter_bytes())
    assert records(trace)["outcome"] == "left"
    until(lambda: stats.left > before)
    assert stats.left == before + 1


@pytest.mark.parametrize("path", list(BODIES))
@pytest.mark.parametrize(
    "change",
    [
        {"model": 5},
        {"model": ""},
        {"input": [], "query": [], "prompt": []},
        {"documents": 5, "speed": 9, "n": 0, "input": 3},
    ],
)
def test_bad_values_name_their_field(place, path, change):
    status, _, reply = place.ask(path, {**BODIES[path], **change})
    assert status == 400
    assert reply["error"]["param"] in {"model", "input", "query", "prompt", "documents", "speed", "n"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "model"),
        ({"model": (None, "other")}, "file"),
        ({"model": (None, "other"), "file": (None, "text")}, "file"),
        ({"model": (None, b"\xff\xfe"), "file": ("a.wav", b"x")}, "model"),
        ({"model": (None, "a\r\nb"), "file": ("a.wav", b"x")}, "model"),
        # Which of two counts is each server's own: one is asked for here, another could be answered and paid for there.
        ([("model", (None, "other")), ("model", (None, "mock")), ("file", ("a.wav", b"x"))], "model"),
        ([("model", (None, "other")), ("model", ("m.txt", b"mock")), ("file", ("a.wav", b"x"))], "model"),
        ({"model": (None, "other"), "file": ("a.wav", b"x"), "stream": (None, "perhaps")}, "stream"),
    ],
)
def test_bad_forms_name_their_field(place, fields, param):
    files = fields or {"x": (None, "y")}
    reply = httpx2.post(f"{place.url}/v1/audio/transcriptions", files=files, headers={"authorization": f"Bearer {KEY}"})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == param


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "multipart/form-data; boundary=x", ""])
def test_what_is_no_form_is_said_to_be_none(place, kind):
    headers = {"authorization": f"Bearer {KEY}", "content-type": kind}
    reply = httpx2.post(f"{place.url}/v1/audio/transcriptions", content=b'{"a":1}', headers=headers)
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "invalid_form"
