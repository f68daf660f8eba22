"""Sound, pictures and files that cannot be what they say are refused here, with their field, in every protocol; what
only some upstreams take goes up."""

import base64

import pytest
from msgspec.json import encode

from tests.api.conftest import House, whole
from zhongshu.api.media import check_address, check_content

EMPTY, BROKEN, HEADLESS = "it is empty", "it is not Base64", "has a comma before its content"


def chat(part):
    return "/v1/chat/completions", {"messages": [{"role": "user", "content": [{"type": "text", "text": "?"}, part]}]}


def messages(block):
    return "/v1/messages", {"max_tokens": 9, "messages": [{"role": "user", "content": [block]}]}


def respond(part):
    return "/v1/responses", {"input": [{"role": "user", "content": [part]}]}


def generate(data):
    parts = [{"inlineData": {"mimeType": "image/png", "data": data}}]
    return "/v1beta/models/small:generateContent", {"contents": [{"role": "user", "parts": parts}]}


def sound(data):
    return chat({"type": "input_audio", "input_audio": {"data": data, "format": "wav"}})


def picture(url):
    return chat({"type": "image_url", "image_url": {"url": url}})


def source(kind, data):
    return messages({"type": kind, "source": {"type": "base64", "media_type": "image/png", "data": data}})


IN_CHAT = "messages[0].content[1]."
REFUSED = [
    (sound(""), IN_CHAT + "input_audio.data", EMPTY),
    (sound(" \n"), IN_CHAT + "input_audio.data", EMPTY),
    (sound("%%%"), IN_CHAT + "input_audio.data", BROKEN),
    (sound("data:;base64,?"), IN_CHAT + "input_audio.data", BROKEN),
    (picture(""), IN_CHAT + "image_url.url", EMPTY),
    (picture("data:image/png;base64,"), IN_CHAT + "image_url.url", EMPTY),
    (picture("data:image/png;base64,机密"), IN_CHAT + "image_url.url", BROKEN),
    (picture("data:image/png;base64"), IN_CHAT + "image_url.url", HEADLESS),
    (chat({"type": "file", "file": {"filename": "a", "file_data": "QUJDR"}}), IN_CHAT + "file.file_data", BROKEN),
    (chat({"type": "file", "file": {}}), IN_CHAT + "file.file_data", EMPTY),
    (chat({"type": "file", "file": {"filename": "a", "file_id": ""}}), IN_CHAT + "file.file_data", EMPTY),
    (respond({"type": "input_file"}), "input[0].content[0].file_data", EMPTY),
    (respond({"type": "input_file", "filename": "a", "file_url": ""}), "input[0].content[0].file_data", EMPTY),
    (chat({"type": "video_url", "video_url": {"url": " "}}), IN_CHAT + "video_url.url", EMPTY),
    (source("image", "QU=JD"), "messages[0].content[0].source.data", BROKEN),
    (source("document", ""), "messages[0].content[0].source.data", EMPTY),
    (generate("a.b.c.d"), "contents[0].parts[0].inlineData.data", BROKEN),
]


@pytest.mark.parametrize(("asked", "field", "why"), REFUSED)
async def test_what_cannot_be_is_refused_before_anybody_is_asked(asked, field, why):
    house = House(whole())
    reply = await house.send("POST", asked[0], encode({"model": "small", **asked[1]}))
    told = reply.json()["error"]
    assert reply.status == 400
    assert f"`{field}`" in told["message"]
    assert why in told["message"]
    assert house.transport.requests == []
    assert "机密" not in reply.body.decode()


async def test_it_is_said_in_chinese():
    path, body = sound("")
    reply = await House(whole()).send(
        "POST", path, encode({"model": "small", **body}), {"authorization": "Bearer zs_test", "accept-language": "zh"}
    )
    assert "内容为空" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    "given",
    [
        base64.b64encode(b"\0\1\2\xff" * 50).decode(),
        base64.encodebytes(b"\0\1\2\xff" * 50).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe\xfd").decode(),
        "QUI",
        "QQ==\n",
        "data:audio/wav;base64,QUJD",
        "data:text/plain,words%20in%20it",
        "https://files.example/a.wav",
        "oss://bucket/a.wav",
    ],
)
def test_what_some_upstream_takes_passes(given):
    check_content("data", given)
    check_address("url", given)


async def test_a_picture_goes_up_as_it_came():
    house = House(whole())
    path, body = picture("data:image/png;base64,AA")
    assert (await house.send("POST", path, encode({"model": "small", **body}))).status == 200
    assert b"data:image/png;base64,AA" in house.transport.requests[0].body
