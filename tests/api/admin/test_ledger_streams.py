"""Verification and export: long replies that are drawn as fast as the client reads."""

import asyncio
import csv
import io
import threading

import msgspec

from zhongshu.api.admin import ledger_streams


def lines(reply):
    return [msgspec.json.decode(line) for line in reply.body.splitlines()]


async def test_a_sound_ledger_verifies(desk):
    for _ in range(3):
        await desk.write()
    reply = await desk.call("POST", "/admin/v1/ledger/verify")
    *progress, last = lines(reply)
    assert last["report"]["ok"] is True
    assert last["report"]["records"] == 3
    assert progress[-1]["progress"]["done_bytes"] > 0


async def test_a_changed_ledger_does_not(desk):
    for _ in range(3):
        await desk.write()
    [segment] = (desk.home / "journal" / "worker-0").glob("*.zsj")
    data = bytearray(segment.read_bytes())
    data[-100] ^= 1
    segment.write_bytes(data)
    report = lines(await desk.call("POST", "/admin/v1/ledger/verify"))[-1]["report"]
    assert report["ok"] is False
    assert report["findings"]


async def test_one_verification_at_a_time(desk, monkeypatch):
    await desk.write()
    held, begun = threading.Event(), threading.Event()
    real = ledger_streams.verify

    def slow(*args, **kwargs):
        begun.set()
        held.wait(60)
        return real(*args, **kwargs)

    monkeypatch.setattr(ledger_streams, "verify", slow)
    first = asyncio.create_task(desk.call("POST", "/admin/v1/ledger/verify"))
    await asyncio.to_thread(begun.wait, 60)
    second = await desk.call("POST", "/admin/v1/ledger/verify")
    held.set()
    assert (second.status, second.headers["retry-after"]) == (503, "10")
    assert lines(await first)[-1]["report"]["ok"] is True
    assert (await desk.call("POST", "/admin/v1/ledger/verify")).status == 200


async def test_export_of_lines(desk):
    made = [await desk.write(), await desk.write(tenant="acme")]
    reply = await desk.call("GET", "/admin/v1/ledger/export")
    assert [line["trace"] for line in lines(reply)] == made
    assert "prompt" not in lines(reply)[0]
    assert "zhongshu-ledger.jsonl" in reply.headers["content-disposition"]
    assert [line["trace"] for line in lines(await desk.call("GET", "/admin/v1/ledger/export?tenant=acme"))] == made[1:]


async def test_export_with_text_carries_the_label(desk):
    await desk.write()
    [line] = lines(await desk.call("GET", "/admin/v1/ledger/export?text=true"))
    assert line["prompt"] == {"q": "你好"}
    assert line["AIGC"]["ContentProducer"] == "001191110000000000000000001"
    assert [name for name, _ in desk.notes] == ["texts_exported"]


async def test_export_for_spreadsheets(desk):
    await desk.write(user="=cmd()")
    reply = await desk.call("GET", "/admin/v1/ledger/export?format=csv")
    assert reply.headers["content-type"].startswith("text/csv")
    [row] = csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig")))
    assert row["user"] == "'=cmd()"


async def test_an_export_comes_in_pieces(desk, monkeypatch):
    monkeypatch.setattr(ledger_streams, "PIECE_BYTES", 1)
    for _ in range(4):
        await desk.write()
    reply = await desk.call("GET", "/admin/v1/ledger/export")
    assert len([piece for piece in reply.pieces if piece]) == 4


async def test_an_export_that_breaks_is_cut_not_ended(desk, monkeypatch):
    for _ in range(3):
        await desk.write()
    monkeypatch.setattr(ledger_streams, "PIECE_BYTES", 1)
    real, count = ledger_streams.export, iter(range(9))

    def breaking(*args):
        for line in real(*args):
            if next(count) == 2:
                raise RuntimeError("disk")
            yield line

    monkeypatch.setattr(ledger_streams, "export", breaking)
    reply = await desk.call("GET", "/admin/v1/ledger/export")
    assert reply.status == 200
    assert not reply.ended
