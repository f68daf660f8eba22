"""Files with the official SDK: kept, listed in pages, read, deleted; each tenant by itself, within its room."""

import contextlib
import hashlib
import json
import time

import httpx2
import openai
import pytest
from openai import OpenAI

from tests.running import KEY
from tests.waiting import until


def test_the_life_of_a_file(client):
    data = bytes(range(256)) * 8000
    made = client.files.create(file=("报告 1.bin", data), purpose="user_data")
    assert (made.bytes, made.filename, made.status) == (len(data), "报告 1.bin", "processed")
    assert made.zhongshu["sha256"] == hashlib.sha256(data).hexdigest()
    assert client.files.retrieve(made.id) == made
    assert client.files.content(made.id).read() == data
    assert client.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(made.id)
    with pytest.raises(openai.NotFoundError):
        client.files.content(made.id)
    with pytest.raises(openai.NotFoundError):
        client.files.delete(made.id)


def test_lists_come_in_pages(client):
    made = [client.files.create(file=(f"{n}.txt", b"x"), purpose="evals").id for n in range(5)]
    assert [file.id for file in client.files.list(purpose="evals", limit=2)] == made[::-1]
    assert [file.id for file in client.files.list(purpose="evals", limit=3, order="asc")] == made
    assert client.files.list(purpose="evals", limit=2).has_more
    for name in made:
        client.files.delete(name)


def test_expiry_is_told(client):
    made = client.files.create(
        file=("a", b"x"), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert made.expires_at == made.created_at + 3600
    client.files.delete(made.id)


def test_tenants_never_see_each_others(client, place, stranger):
    mine = client.files.create(file=("a", b"secret"), purpose="user_data")
    theirs = OpenAI(base_url=f"{place.url}/v1", api_key=stranger, max_retries=0)
    assert mine.id not in {file.id for file in theirs.files.list()}
    for ask in (theirs.files.retrieve, theirs.files.content, theirs.files.delete):
        with pytest.raises(openai.NotFoundError):
            ask(mine.id)
    with pytest.raises(openai.NotFoundError):
        theirs.files.list(after=mine.id)
    assert client.files.content(mine.id).read() == b"secret"
    client.files.delete(mine.id)


def test_too_large_and_no_room(client, place):
    with pytest.raises(openai.APIStatusError) as raised:
        client.files.create(file=("a", b"x" * 3_000_001), purpose="user_data")
    assert (raised.value.status_code, raised.value.code) == (413, "file_too_large")
    kept = client.files.create(file=("a", b"x" * 2_900_000), purpose="user_data")
    with pytest.raises(openai.APIStatusError) as raised:
        client.files.create(file=("a", b"x" * 2_900_000), purpose="user_data")
    assert raised.value.code == "file_quota_exceeded"
    client.files.delete(kept.id)
    assert not list((place.home / "files" / ".drafts").iterdir())


def post(place, files=None, key=KEY, **more):
    return httpx2.post(f"{place.url}/v1/files", files=files, headers={"authorization": f"Bearer {key}"}, **more)


@pytest.mark.parametrize(
    ("files", "param"),
    [
        ({"file": ("a", b"x")}, "purpose"),
        ({"file": ("a", b"x"), "purpose": (None, "mischief")}, "purpose"),
        ({"purpose": (None, "batch")}, "file"),
        ({"file": (None, "text"), "purpose": (None, "batch")}, "file"),
        ({"file": ("a", b"x"), "purpose": (None, "batch"), "expires_after[seconds]": (None, "1")}, "expires_after[seconds]"),
        ({"file": ("a", b"x"), "purpose": (None, "batch"), "expires_after[anchor]": (None, "x")}, "expires_after[anchor]"),
        ({"file": ("a", b"x"), "purpose": (None, "b" * 5000)}, "purpose"),
    ],
)  # fmt: skip
def test_bad_uploads_name_their_field(place, files, param):
    reply = post(place, files)
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == param


def test_other_mistakes(place):
    assert post(place, {"file": ("a", b"x")}, key="zs_no").status_code == 401
    assert post(place, None, content=b"{}").json()["error"]["code"] == "invalid_form"
    for path, status in (
        ("/v1/files?limit=0", 400),
        ("/v1/files?order=up", 400),
        ("/v1/files/..%2f..%2fx", 404),
        ("/v1/files/a/b", 404),
    ):
        assert place.ask(path)[0] == status
    status, headers, _ = place.ask("/v1/files/file-1", method="PUT")
    assert (status, headers["allow"]) == (405, "DELETE, GET")


def test_a_name_that_is_a_path_is_only_its_end(client):
    made = client.files.create(file=("../../etc/passwd", b"x"), purpose="user_data")
    assert made.filename == "passwd"
    client.files.delete(made.id)


def asking(id):
    return [{"role": "user", "content": [{"type": "text", "text": "Read."}, {"type": "file", "file": {"file_id": id}}]}]


def test_a_chat_that_names_a_file_brings_its_content(client, upstream, records):
    made = client.files.create(file=("notes.txt", "你好".encode()), purpose="user_data")
    answer = client.chat.completions.create(model="mock", messages=asking(made.id), extra_body={"odd": 1})
    sent = json.loads(httpx2.get(upstream.base_url.removesuffix("/v1") + "/last").text)
    given = {"filename": "notes.txt", "file_data": "data:text/plain;base64,5L2g5aW9"}
    assert sent["messages"][0]["content"][1] == {"type": "file", "file": given}
    assert sent["odd"] == 1
    kept = records(answer.zhongshu["trace"])["prompt"]
    assert kept["messages"][0]["content"][1]["file"] == {"file_id": made.id}
    client.files.delete(made.id)


def test_an_id_that_is_not_ours_is_the_upstreams_own(client, upstream, place, stranger):
    theirs = OpenAI(base_url=f"{place.url}/v1", api_key=stranger, max_retries=0)
    made = client.files.create(file=("notes.txt", b"secret"), purpose="user_data")
    theirs.chat.completions.create(model="mock", messages=asking(made.id))
    assert "c2VjcmV0" not in httpx2.get(upstream.base_url.removesuffix("/v1") + "/last").text
    client.files.delete(made.id)


def test_a_file_too_large_to_be_put_into_a_turn(client):
    made = client.files.create(file=("big.bin", b"x" * 2_000_001), purpose="user_data")
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="mock", messages=asking(made.id))
    assert raised.value.param == "file_id"
    client.files.delete(made.id)


def test_an_upload_may_take_as_long_as_it_keeps_arriving(place):
    """The bound on a body is three seconds here; this one takes four, a piece at a time."""
    head = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
    head += b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'

    def pieces():
        yield head
        for _ in range(8):
            time.sleep(0.5)
            yield b"x" * 1000
        yield b"\r\n--b--\r\n"

    headers = {"authorization": f"Bearer {KEY}", "content-type": "multipart/form-data; boundary=b"}
    reply = httpx2.post(f"{place.url}/v1/files", content=pieces(), headers=headers, timeout=60)
    assert (reply.status_code, reply.json()["bytes"]) == (200, 8000)


def test_an_upload_that_stops_arriving_is_cut_off_and_leaves_nothing(place):
    def pieces():
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx'
        time.sleep(6)
        yield b"y"

    headers = {"authorization": f"Bearer {KEY}", "content-type": "multipart/form-data; boundary=b"}
    with contextlib.suppress(httpx2.HTTPError):
        reply = httpx2.post(f"{place.url}/v1/files", content=pieces(), headers=headers, timeout=60)
        assert reply.status_code == 408
    until(lambda: not list((place.home / "files" / ".drafts").iterdir()))


@pytest.fixture
def damaged(client, place):
    """A file of two pieces, and a way to turn a bit of what lies on the disk."""
    made = client.files.create(file=("a", bytes(2_000_000)), purpose="user_data")
    (path,) = (place.home / "files").rglob(made.id)
    assert bytes(100) not in path.read_bytes()

    def turn(at):
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(data)
        return made.id

    yield turn
    client.files.delete(made.id)


def test_a_file_that_was_changed_on_the_disk_is_refused_in_both_languages(client, place, damaged):
    with pytest.raises(openai.InternalServerError) as raised:
        client.files.content(damaged(100))
    assert raised.value.code == "file_damaged"
    assert "Upload the file again" in str(raised.value)
    assert "请重新上传" in raised.value.response.json()["zhongshu"]["message_zh"]


def test_what_is_found_changed_on_the_way_is_cut_off_and_never_ends_well(client, place, damaged):
    with pytest.raises((openai.APIConnectionError, httpx2.RemoteProtocolError)):
        client.files.content(damaged(-1)).read()
    assert client.files.list().data
