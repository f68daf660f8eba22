"""Finding a wheel in a package index, whichever way the index speaks."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest

from tests.engine.models.conftest import Page, Site, publish, wheel_of
from zhongshu.engine.models.failures import SourceFailed
from zhongshu.engine.models.index import Index
from zhongshu.engine.models.pip_config import IndexConfig
from zhongshu.engine.models.web import Web

WHEEL, ARCHIVE = wheel_of("Carrier_One", "carrier/data.bin", b"content")


def index_of(*urls: str, links: tuple[str, ...] = ()) -> Index:
    return Index(IndexConfig(index_urls=urls, find_links=links), Web())


def read(url: str) -> bytes:
    reply = Web().open(url)
    try:
        return reply.read()
    finally:
        reply.close()


@pytest.mark.parametrize("html", [False, True])
def test_json_and_html_indexes(site: Site, html: bool) -> None:
    publish(site, WHEEL, ARCHIVE, html=html)
    link = index_of(f"{site.url}/simple").find(WHEEL)
    assert link.sha256 == WHEEL.sha256
    assert read(link.url) == ARCHIVE
    (asked,) = site.asked("/simple/carrier-one/")
    assert "application/vnd.pypi.simple.v1+json" in (asked.accept or "")


def test_an_html_page_with_a_base_address(site: Site) -> None:
    body = f'<base href="{site.url}/elsewhere/"><a href="{WHEEL.filename}">x</a><a>no link</a>'
    site.pages["/simple/carrier-one/"] = Page(body.encode(), content_type="text/html; charset=utf-8")
    assert index_of(f"{site.url}/simple").find(WHEEL).url == f"{site.url}/elsewhere/{WHEEL.filename}"


def test_an_index_without_hashes_is_good_enough(site: Site) -> None:
    publish(site, WHEEL, ARCHIVE, sha256="")
    assert index_of(f"{site.url}/simple").find(WHEEL).sha256 is None


def test_another_file_under_the_same_name_is_refused(site: Site) -> None:
    publish(site, WHEEL, ARCHIVE, sha256="0" * 64)
    with pytest.raises(SourceFailed, match="another file under the name"):
        index_of(f"{site.url}/simple").find(WHEEL)


def test_the_next_index_is_asked_when_one_does_not_have_it(site: Site, other_site: Site) -> None:
    publish(other_site, WHEEL, ARCHIVE)
    assert index_of(f"{site.url}/simple", f"{other_site.url}/simple").find(WHEEL).url.startswith(other_site.url)


def test_nowhere_found_says_where_it_was_sought(site: Site) -> None:
    with pytest.raises(SourceFailed, match=r"Carrier_One==1\.0 was not found") as failed:
        index_of(f"{site.url}/simple").find(WHEEL)
    assert "status 404" in failed.value.en


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"files": [{"filename": 1}]}', b"\xff"])
def test_a_page_that_is_not_an_index(site: Site, body: bytes) -> None:
    site.pages["/simple/carrier-one/"] = Page(body, content_type="application/vnd.pypi.simple.v1+json")
    with pytest.raises(SourceFailed, match="not an index"):
        index_of(f"{site.url}/simple").find(WHEEL)


def test_an_index_in_a_folder(tmp_path: Path) -> None:
    project = tmp_path / "simple" / "carrier-one"
    project.mkdir(parents=True)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / WHEEL.filename).write_bytes(ARCHIVE)
    (project / "index.html").write_text(f'<a href="../../files/{WHEEL.filename}#sha256={WHEEL.sha256}">w</a>')
    assert read(index_of((tmp_path / "simple").as_uri()).find(WHEEL).url) == ARCHIVE


def test_find_links_come_before_the_index(site: Site, tmp_path: Path) -> None:
    (tmp_path / WHEEL.filename).write_bytes(ARCHIVE)
    link = index_of(f"{site.url}/simple", links=(str(tmp_path),)).find(WHEEL)
    assert link.url.startswith("file:")
    assert site.seen == []


def test_a_folder_that_is_not_there_is_passed_over(site: Site, tmp_path: Path) -> None:
    publish(site, WHEEL, ARCHIVE)
    links = (str(tmp_path / "nothing"),)
    assert index_of(f"{site.url}/simple", links=links).find(WHEEL).url.startswith(site.url)


def test_a_login_goes_to_its_own_host_and_no_other(site: Site, other_site: Site) -> None:
    login = "Basic " + base64.b64encode(b"user:pa ss").decode()
    publish(site, WHEEL, ARCHIVE)
    site.pages["/simple/carrier-one/"].login = login
    site.pages[f"/files/{WHEEL.filename}"].redirect = f"{other_site.url}/stored"
    other_site.pages["/stored"] = Page(ARCHIVE)
    link = index_of(site.url.replace("//", "//user:pa%20ss@") + "/simple").find(WHEEL)
    assert read(link.url) == ARCHIVE
    assert site.asked(f"/files/{WHEEL.filename}")[0].authorization == login
    assert other_site.seen[0].authorization is None


def test_a_wrong_login_is_not_shown(site: Site) -> None:
    publish(site, WHEEL, ARCHIVE)
    site.pages["/simple/carrier-one/"].login = "Basic x"
    with pytest.raises(SourceFailed, match="status 401") as failed:
        index_of(site.url.replace("//", "//user:hidden@") + "/simple").find(WHEEL)
    assert "hidden" not in msgspec.json.encode([failed.value.en, failed.value.zh]).decode()
