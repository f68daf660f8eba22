"""Behind proxies the record says who asked, and nobody can say it is somebody else."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from tests.running import KEY, over, platform
from zhongshu.app.forwarding import Forwarded
from zhongshu.app.settings import ServerSettings
from zhongshu.ledger.segments import Scan, segment_path, segments, stream_folder, streams
from zhongshu.upstreams.scripted.serve import serving

TRUSTED = ("10.0.0.0/8", "127.0.0.1", "fd00::/8")


@pytest.mark.parametrize(
    ("peer", "said", "seen"),
    [
        ("203.0.113.7", "1.2.3.4", "203.0.113.7"),  # nobody's proxy may say what it likes
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.2", "198.51.100.2"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.2", "198.51.100.2"),  # the client wrote the first itself
        ("10.0.0.1", "198.51.100.2, 10.0.0.9", "198.51.100.2"),
        ("10.0.0.1", "10.0.0.8, 10.0.0.9", "10.0.0.8"),
        ("10.0.0.1", "198.51.100.2:5000", "198.51.100.2"),
        ("10.0.0.1", "[2001:DB8::1]:5000", "2001:db8::1"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.1", "::ffff:198.51.100.2", "198.51.100.2"),
        ("::ffff:10.0.0.1", "198.51.100.2", "198.51.100.2"),
        ("fd00::5", "198.51.100.2", "198.51.100.2"),
        ("10.0.0.1", "198.51.100.2, unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.2, ", "10.0.0.1"),
        ("10.0.0.1", "<script>", "10.0.0.1"),
        ("a-socket", "198.51.100.2", "a-socket"),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_the_first_address_that_is_no_proxy_of_ours(kind: str, peer: str, said: str, seen: str) -> None:
    found = []

    async def app(scope, receive, send) -> None:
        found.append(scope["client"][0])

    headers = [(b"host", b"x"), *([(b"x-forwarded-for", said.encode())] if said else [])]
    await Forwarded(app, TRUSTED)({"type": kind, "client": (peer, 1), "headers": headers}, None, None)
    assert found == [seen]


async def test_several_headers_are_one_list_and_no_peer_is_none() -> None:
    scopes = []

    async def app(scope, receive, send) -> None:
        scopes.append(scope)

    headers = [(b"x-forwarded-for", b"198.51.100.2"), (b"x-forwarded-for", b"10.2.3.4")]
    await Forwarded(app, TRUSTED)({"type": "http", "client": ("10.0.0.1", 1), "headers": headers}, None, None)
    await Forwarded(app, TRUSTED)({"type": "http", "client": None, "headers": headers}, None, None)
    assert [scope["client"] for scope in scopes] == [("198.51.100.2", 0), None]


@pytest.mark.parametrize("wrong", ["10.0.0.0/40", "proxy.example.com", "10.0.0.5/8", "", "*"])
def test_what_is_no_network_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        ServerSettings(trusted_proxies=(wrong,))


@pytest.mark.parametrize(
    ("extra", "seen"), [('[server]\ntrusted_proxies = ["127.0.0.1"]\n', "198.51.100.2"), ("", "127.0.0.1")]
)
def test_the_record_says_who_asked(tmp_path: Path, extra: str, seen: str) -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json", "x-forwarded-for": "198.51.100.2"}
    with serving() as upstream, platform(tmp_path, over(upstream.port, {"m": "mock"}, extra)) as running:
        with urllib.request.urlopen(
            urllib.request.Request(running.url + "/v1/chat/completions", body, headers)
        ) as reply:
            assert reply.status == 200
        home = running.home
    raw = b""
    for name in streams(home):
        folder = stream_folder(home, name)
        raw += b"".join(frame.payload for number in segments(folder) for frame in Scan(segment_path(folder, number)))
    assert seen.encode() in raw
