"""A real HTTP server in a thread that can be told to misbehave, and small models to fetch from it."""

from __future__ import annotations

import hashlib
import io
import random
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from zhongshu.engine.models.rows import HubFile, LocalModel, Wheel
from zhongshu.engine.models.settings import ModelSourceSettings


class Page(msgspec.Struct):
    """How one path answers. cuts: after how many bytes each of the first answers breaks off; stalls: the same, but the
    server goes silent instead of closing. statuses: answered first, one a request. first: what the first answer is of, in
    place of content. misranged: answers that go on where nobody asked for. unranged: 416 to every Range."""

    content: bytes
    content_type: str = "application/octet-stream"
    ranges: bool = True
    misranged: bool = False
    unranged: bool = False
    first: bytes = b""
    cuts: list[int] = []
    stalls: list[int] = []
    statuses: list[int] = []
    redirect: str = ""
    chunked: bool = False
    login: str = ""


class Seen(msgspec.Struct, frozen=True):
    """A request as the server saw it."""

    path: str
    range: str | None
    authorization: str | None
    accept: str | None


class Site:
    """The server's pages and what was asked of it."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.seen: list[Seen] = []
        self.url = ""
        self.released = threading.Event()

    def asked(self, path: str) -> list[Seen]:
        return [request for request in self.seen if request.path == path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, format: str, *args: object) -> None: ...

    def do_GET(self) -> None:
        heard = self.headers
        self.site.seen.append(Seen(self.path, heard["Range"], heard["Authorization"], heard["Accept"]))
        page = self.site.pages.get(self.path)
        if page is None:
            self._head(404, 0)
        elif page.login and heard["Authorization"] != page.login:
            self._head(401, 0)
        elif page.statuses:
            self._head(page.statuses.pop(0), 0)
        elif page.redirect:
            self.send_response(302)
            self.send_header("Location", page.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._answer(page)

    def _answer(self, page: Page) -> None:
        begin = 0
        whole, page.first = page.first or page.content, b""
        if page.ranges and (asked := self.headers["Range"]):
            begin = int(asked.removeprefix("bytes=").rstrip("-")) - (3 if page.misranged else 0)
            if begin >= len(page.content) or page.unranged:
                self._head(416, 0)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(page.content) - 1}/{len(page.content)}")
        else:
            self.send_response(200)
        body = whole[begin:]
        if not page.chunked:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
        self.send_header("Content-Type", page.content_type)
        self.end_headers()
        self._send(page, body)

    def _send(self, page: Page, body: bytes) -> None:
        self.close_connection = True
        try:
            if page.cuts:
                self.wfile.write(body[: page.cuts.pop(0)])
                self.wfile.flush()
            elif page.stalls:
                self.wfile.write(body[: page.stalls.pop(0)])
                self.wfile.flush()
                self.site.released.wait(60)
            else:
                self.wfile.write(body)
        except OSError:  # the client refused the rest
            pass

    def _head(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()


@pytest.fixture
def site() -> Iterator[Site]:
    yield from _serve()


@pytest.fixture
def other_site() -> Iterator[Site]:
    yield from _serve()


def _serve() -> Iterator[Site]:
    made = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": made}))
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    made.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


class Heard:
    """A progress listener that keeps what it is told."""

    def __init__(self) -> None:
        self.total = 0
        self.here = 0
        self.notes: list[str] = []
        self.finished = 0

    def start(self, total: int, done: int = 0) -> None:
        self.total, self.here = total, done

    def advance(self, n: int) -> None:
        self.here += n
        assert 0 <= self.here <= self.total

    def note(self, en: str, zh: str) -> None:
        assert en
        assert zh
        self.notes.append(en)

    def done(self) -> None:
        self.finished += 1


def random_bytes(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def wheel_of(project: str, member: str, content: bytes) -> tuple[Wheel, bytes]:
    """A wheel that carries `content`, and its row."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr(f"{project}/__init__.py", "raise RuntimeError('a data carrier is never imported')")
        pack.writestr(member, content)
    archive = buffer.getvalue()
    row = Wheel(
        project=project,
        version="1.0",
        filename=f"{project.replace('-', '_')}-1.0-py3-none-any.whl",
        member=member,
        member_bytes=len(content),
        bytes=len(archive),
        sha256=hashlib.sha256(archive).hexdigest(),
    )
    return row, archive


def model_of(content: bytes, *, wheels: tuple[Wheel, ...] = (), name: str = "tiny") -> LocalModel:
    return LocalModel(
        name=name,
        title="Tiny",
        role="tests",
        role_zh="测试",
        file=f"{name}.gguf",
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        licence="Apache-2.0",
        parameters=1,
        context=64,
        quantisation="F16",
        abilities=frozenset({"chat"}),
        modelscope=HubFile("org/tiny", f"{name}.gguf"),
        huggingface=HubFile("org/tiny", f"{name}.gguf"),
        wheels=wheels,
    )


def settings_of(site: Site, *sources: str, cache: Path, **changes: object) -> ModelSourceSettings:
    return ModelSourceSettings(
        sources=sources,  # pyright: ignore[reportArgumentType]
        modelscope_url=site.url,
        huggingface_url=site.url,
        index_urls=(f"{site.url}/simple",),
        cache_dir=str(cache),
        connect_timeout_s=60.0,
        idle_timeout_s=60.0,
        attempts=2,
        **changes,  # pyright: ignore[reportArgumentType]
    )


MODELSCOPE = "/models/org/tiny/resolve/master/tiny.gguf"
HUGGINGFACE = "/org/tiny/resolve/main/tiny.gguf"


def publish(site: Site, wheel: Wheel, archive: bytes, *, sha256: str | None = None, html: bool = False) -> Page:
    """List a wheel in the site's index; returns the page that answers with its bytes."""
    sha256 = wheel.sha256 if sha256 is None else sha256
    name = wheel.project.replace("_", "-").lower()
    path = f"/files/{wheel.filename}"
    if html:
        fragment = f"#sha256={sha256}" if sha256 else ""
        body = f'<html><body><a href="../../files/{wheel.filename}{fragment}">{wheel.filename}</a></body></html>'
        site.pages[f"/simple/{name}/"] = Page(body.encode(), content_type="text/html")
    else:
        files = [
            {"filename": "other-0.1.tar.gz", "url": "/files/other", "hashes": {}},
            {"filename": wheel.filename, "url": site.url + path, "hashes": {"sha256": sha256} if sha256 else {}},
        ]
        site.pages[f"/simple/{name}/"] = Page(
            msgspec.json.encode({"meta": {"api-version": "1.1"}, "files": files}),
            content_type="application/vnd.pypi.simple.v1+json",
        )
    site.pages[path] = Page(archive)
    return site.pages[path]
