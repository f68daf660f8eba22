"""Bad input of every kind at the real server: bounded, refused clearly, never a 5xx, never a trace in the log; and
two thousand of them leave nothing behind."""

import asyncio
import json
import re

import pytest

from tests.faults.asking import Asking, Reply, ask, chat, request, send
from tests.faults.conftest import HASTY, port_of, settings_over
from tests.faults.judging import resident_kib
from tests.running import KEY, SMOL, platform

DEEP = "[" * 100_000 + "]" * 100_000
DEEP_OBJECTS = '{"a":' * 50_000 + "1" + "}" * 50_000
TURN = json.dumps(chat("mock")).encode()
MEGABYTE = 1 << 20


def beside(field: str, value: str) -> bytes:
    """A good turn with one more field."""
    return TURN[:-1] + f',"{field}":{value}}}'.encode()


def tools(parameters: str) -> bytes:
    return beside("tools", f'[{{"type":"function","function":{{"name":"f","parameters":{parameters}}}}}]')


def shape(schema: str) -> bytes:
    schema = f'{{"type":"json_schema","json_schema":{{"name":"a","schema":{{"x":{schema}}}}}}}'
    return beside("response_format", schema)


def messages(value: str) -> bytes:
    return f'{{"model":"mock","messages":{value}}}'.encode()


# What a body is -> the status and code it is refused with.
BODIES: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "invalid_json"),
    "null": (b"null", 400, "invalid_value"),
    "cut off": (TURN[:-9], 400, "invalid_json"),
    "two values": (TURN + TURN, 400, "invalid_json"),
    "not UTF-8": (TURN.replace(b"hello", b"\xff\xfe"), 400, "invalid_json"),
    "UTF-16": (TURN.decode().encode("utf-16"), 400, "invalid_json"),
    "half a surrogate": (TURN.replace(b"hello", rb"\ud800"), 400, "invalid_json"),
    "NaN": (beside("temperature", "NaN"), 400, "invalid_json"),
    "an infinite number": (beside("temperature", "1e999"), 400, "invalid_value"),
    "a long number": (beside("seed", "9" * 5000), 400, "invalid_value"),
    "arrays": (DEEP.encode(), 400, "invalid_value"),
    "arrays that are not closed": (b"[" * 500_000, 400, "invalid_value"),
    "an unknown field of arrays": (beside("x", DEEP), 400, "invalid_json"),
    "an unknown field of objects": (beside("x", DEEP_OBJECTS), 400, "invalid_json"),
    "messages": (messages(DEEP), 400, "invalid_value"),
    "content": (messages(f'[{{"role":"user","content":{DEEP}}}]'), 400, "invalid_value"),
    "a part": (messages(f'[{{"role":"user","content":[{{"type":"text","text":"a","x":{DEEP}}}]}}]'), 400, "invalid_json"),
    "a tool's schema": (tools(DEEP_OBJECTS), 400, "invalid_json"),
    "an answer's schema": (shape(DEEP), 400, "invalid_json"),
    "a long name": (TURN.replace(b"mock", b"m" * 100_000), 400, "invalid_value"),
    "many messages": (messages(json.dumps([{"role": "user", "content": "a"}] * 20_000)), 400, "invalid_value"),
    "many choices": (beside("n", "1000000"), 400, "invalid_value"),
    "too much": (b" " * (2 * MEGABYTE), 413, "body_too_large"),
    "too many vectors": (b"[" + b"1," * (2 * MEGABYTE), 413, "body_too_large"),
}  # fmt: skip


def head(**lines: str) -> bytes:
    return request(TURN, headers={name.replace("_", "-"): value for name, value in lines.items()})


# What is sent -> the status and code; "" where no JSON is asked of it.
RAW: dict[str, tuple[bytes, int, str]] = {
    "noise": (bytes(range(256)) * 4, 400, "malformed_http"),
    "another protocol": (b"EHLO example.com\r\n\r\n", 400, "malformed_http"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 200, 400, "malformed_http"),
    "a version to come": (b"GET /healthz HTTP/9.7\r\nhost: x\r\n\r\n", 400, "malformed_http"),
    "a proxy's verb": (b"CONNECT example.com:80 HTTP/1.1\r\nhost: x\r\n\r\n", 400, "malformed_http"),
    "NUL in a header": (b"GET /healthz HTTP/1.1\r\nhost: a\0b\r\n\r\n", 400, "malformed_http"),
    "bytes in the path": (b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n", 400, "malformed_http"),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400, "malformed_http"),
    "two hosts": (b"GET /healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400, "malformed_http"),
    "a megabyte of header": (head(x="a" * MEGABYTE), 431, "head_too_large"),
    "a megabyte of headers": (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200_000 + b"\r\n", 431, "head_too_large"),
    "a megabyte of path": (b"GET /" + b"a" * MEGABYTE + b" HTTP/1.1\r\n\r\n", 431, "head_too_large"),
    "a megabyte of key": (request(TURN, key="k" * MEGABYTE), 431, "head_too_large"),
    "a long key": (request(TURN, key="k" * 50_000), 401, "invalid_api_key"),
    "a key of other bytes": (request(TURN, key="\xff\xfe\x80"), 401, "invalid_api_key"),
    "no key": (head(authorization="Bearer "), 401, "missing_key"),
    "a huge body without a key": (request(b" " * 3 * MEGABYTE, key="zs-wrong"), 401, "invalid_api_key"),
    "a length that is none": (head(content_length="many"), 400, "malformed_http"),
    "a negative length": (head(content_length="-1"), 400, "malformed_http"),
    "a length of 30 digits": (head(content_length="9" * 30), 400, "malformed_http"),
    "a length of a terabyte": (head(content_length=str(1 << 40)), 413, "body_too_large"),
    "a length that is too short": (head(content_length=str(len(TURN) - 5)), 400, "invalid_json"),
    "a length that is too long": (head(content_length=str(len(TURN) + 5)), 408, "body_too_slow"),
    "two lengths": (head(content_length="5\r\ncontent-length: 6"), 400, "malformed_http"),
    "a length and chunks": (head(transfer_encoding="chunked"), 400, "malformed_http"),
    "chunks that are none": (head(content_length="", transfer_encoding="chunked"), 400, "malformed_http"),
    "a head that stops": (b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n", 408, "body_too_slow"),
    "noise behind a request": (head(connection="keep-alive") + b"\0\xff\xfe\r\n\r\n", 400, "malformed_http"),
    "a wrong method": (request(b"", method="DELETE"), 405, "method_not_allowed"),
    "a wrong address": (request(b"{}", path="/v1/chat/completions/%00/../../x"), 404, "not_found"),
    "a model of other bytes": (request(b"", path="/v1/models/%ff%00", method="GET"), 404, "model_not_found"),
    "administration, deep": (request(DEEP.encode(), path="/admin/v1/keys"), 400, "invalid_json"),
    "administration, not UTF-8": (request(b'{"name":"\xff"}', path="/admin/v1/keys"), 400, "invalid_json"),
    "administration, too much": (request(b" " * 2 * MEGABYTE, path="/admin/v1/keys"), 413, "body_too_large"),
    "completions, deep": (request(b'{"model":"mock","prompt":' + DEEP.encode() + b"}", path="/v1/completions"), 400, "invalid_json"),
    "embeddings, deep": (request(b'{"model":"mock","input":' + DEEP.encode() + b"}", path="/v1/embeddings"), 400, "invalid_json"),
}  # fmt: skip


def check(reply: Reply, status: int, code: str) -> None:
    """OpenAI's error object, whole, with the status and code."""
    assert (reply.status, reply.code, reply.whole) == (status, code, True), reply.body[:300]
    assert set(reply.json["error"]) == {"message", "type", "param", "code"}


def healthy(running) -> None:
    """Still ready, and the log holds no trace and no complaint of ours."""
    assert running.ask("/readyz")[0] == 200
    log = running.log.read_text()
    assert "Traceback" not in log
    assert not re.search(r"internal_error|Exception in ASGI|Fatal error|never retrieved", log), log[-3000:]


@pytest.fixture(scope="module")
def hasty(scripted, tmp_path_factory):
    """One that does not wait long for what does not come."""
    with platform(tmp_path_factory.mktemp("hasty"), settings_over(scripted, server=HASTY, profile="none")) as running:
        yield running


@pytest.mark.parametrize("name", BODIES)
async def test_a_bad_body(house, name):
    body, status, code = BODIES[name]
    check(await ask(port_of(house), body), status, code)
    check(await ask(port_of(house), body, headers={"connection": "keep-alive"}), status, code)


@pytest.mark.engine
@pytest.mark.parametrize("name", ["a tool's schema", "an answer's schema", "a part"])
async def test_a_deep_body_for_a_local_model(house, name):
    body, status, code = BODIES[name]
    check(await ask(port_of(house), body.replace(b'"mock"', b'"%b"' % SMOL.encode())), status, code)


@pytest.mark.parametrize("name", RAW)
async def test_bad_http(house, hasty, name):
    raw, status, code = RAW[name]
    check(await send(port_of(hasty if code == "body_too_slow" else house), raw), status, code)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"])
async def test_nested_within_reason_goes_through(house, path):
    """What must not be refused: deep, but no deeper than real schemas are."""
    deep = '{"a":' * 60 + "1" + "}" * 60
    body = beside("x", deep)[:-1] + b',"prompt":"a","input":"a"}'
    assert (await ask(port_of(house), body, path=path)).acknowledged


async def test_bytes_that_drip_are_cut_off(hasty):
    """Head or body, a byte at a time: 408 when the time is up, and others are served meanwhile."""
    port, whole = port_of(hasty), request(chat("mock", "hello " * 200))  # two minutes long

    async def drip(from_: int) -> Reply:
        asking = await Asking(port).open(whole[:from_])
        answered = asyncio.create_task(asking.head())
        for at in range(from_, len(whole)):
            asking.writer.write(whole[at : at + 1])
            if (await asyncio.wait({answered}, timeout=0.1))[0]:
                break
        await answered
        return await asking.rest()

    drips = [asyncio.create_task(drip(at)) for at in (0, 1, 40, whole.index(b"\r\n\r\n") + 6) for _ in range(10)]
    others = [await ask(port, chat("mock")) for _ in range(20)]
    assert all(reply.acknowledged for reply in others)
    for reply in await asyncio.gather(*drips):
        check(reply, 408, "body_too_slow")
    healthy(hasty)


async def test_memory_stays_flat_over_two_thousand_of_them(house):
    port = port_of(house)
    quick = [request(body) for body, status, _ in BODIES.values() if status != 413 or len(body) > MEGABYTE]
    quick += [raw for raw, status, _ in RAW.values() if status != 408]
    (worker,) = house.children()["zhongshu.app.worker"]

    async def rounds(number: int) -> None:
        for at in range(0, number, 20):
            replies = [send(port, quick[(at + i) % len(quick)]) for i in range(20)]
            assert all(400 <= reply.status < 500 for reply in await asyncio.gather(*replies))

    await rounds(400)
    before = resident_kib(worker)
    await rounds(2000)
    grown = resident_kib(worker) - before
    assert grown < 16 * 1024, f"{grown} KiB more after 2,000 bad requests"
    healthy(house)
    assert (await ask(port, chat("mock"), key=KEY)).acknowledged
