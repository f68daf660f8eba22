"""One file over a real connection that is cut, silent, wrong or slow."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.models.conftest import Heard, Page, Site, random_bytes
from zhongshu.engine.models.download import download
from zhongshu.engine.models.failures import SourceFailed, WrongContent
from zhongshu.engine.models.web import Web, WebSettings

CONTENT = random_bytes(3_000_000)
WEB = Web(WebSettings(connect_timeout_s=60, idle_timeout_s=60))
HASTY = Web(WebSettings(connect_timeout_s=60, idle_timeout_s=1.0))


def fetch(site: Site, page: Page, part: Path, size: int = len(CONTENT), attempts: int = 2, web: Web = WEB) -> Heard:
    site.pages["/file"] = page
    heard = Heard()
    heard.start(size, part.stat().st_size if part.exists() else 0)
    download(web, f"{site.url}/file", part, size, heard, attempts)
    return heard


def test_a_whole_file_comes_in_one_request(site: Site, tmp_path: Path) -> None:
    heard = fetch(site, Page(CONTENT), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert heard.here == len(CONTENT)
    assert [seen.range for seen in site.seen] == [None]


def test_it_goes_on_where_it_was_cut(site: Site, tmp_path: Path) -> None:
    fetch(site, Page(CONTENT, cuts=[1_000_000, 500_000]), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert [seen.range for seen in site.seen] == [None, "bytes=1000000-", "bytes=1500000-"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 20_000), max_size=4), here=st.integers(0, 60_000), ranges=st.booleans())
def test_any_cutting_gives_the_same_bytes(
    site: Site, tmp_path_factory: pytest.TempPathFactory, cuts: list[int], here: int, ranges: bool
) -> None:
    content = CONTENT[:60_000]
    part = tmp_path_factory.mktemp("cut") / "part"
    part.write_bytes(content[:here])
    heard = fetch(site, Page(content, cuts=cuts, ranges=ranges), part, len(content), attempts=6)
    assert part.read_bytes() == content
    assert heard.here == len(content)


def test_a_server_without_ranges_begins_again(site: Site, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"x" * 1000)
    heard = fetch(site, Page(CONTENT, ranges=False), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert heard.here == len(CONTENT)


def test_a_silent_server_is_left_and_asked_again(site: Site, tmp_path: Path) -> None:
    fetch(site, Page(CONTENT, stalls=[2_000_000]), tmp_path / "part", attempts=6, web=HASTY)
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert site.seen[1].range is not None


def test_a_passing_fault_of_the_server_is_waited_out(site: Site, tmp_path: Path) -> None:
    fetch(site, Page(CONTENT, statuses=[503]), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT


def test_it_gives_up_when_no_byte_comes(site: Site, tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match="status 503") as failed:
        fetch(site, Page(CONTENT, statuses=[503] * 9), tmp_path / "part")
    assert "503" in failed.value.zh
    assert len(site.seen) == 2


def test_a_missing_file_fails_at_once(site: Site, tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match="status 404"):
        download(WEB, f"{site.url}/nothing", tmp_path / "part", 10, Heard(), 5)
    assert len(site.seen) == 1


@pytest.mark.parametrize("length", [len(CONTENT) - 1, len(CONTENT) + 1, 12])
@pytest.mark.parametrize("here", [b"", CONTENT[:1000]])
def test_a_file_of_another_size_is_refused_before_it_is_read(
    site: Site, tmp_path: Path, length: int, here: bytes
) -> None:
    (tmp_path / "part").write_bytes(here)
    with pytest.raises(SourceFailed, match="were published"):
        fetch(site, Page(random_bytes(length)), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == here, "the next source goes on with it"


@pytest.mark.parametrize("chunked", [True, False])
def test_a_login_page_is_no_file(site: Site, tmp_path: Path, chunked: bool) -> None:
    (tmp_path / "part").write_bytes(CONTENT[:1000])
    page = Page(b"<html>log in", content_type="text/html; charset=utf-8", chunked=chunked, ranges=False)
    with pytest.raises(SourceFailed, match="a web page in place of the file") as failed:
        fetch(site, page, tmp_path / "part")
    assert "网页" in failed.value.zh
    assert (tmp_path / "part").read_bytes() == CONTENT[:1000]


@pytest.mark.parametrize("page", [Page(CONTENT, misranged=True), Page(CONTENT, unranged=True)])
@pytest.mark.parametrize("here", [0, 1000])
def test_a_server_that_cannot_go_on_there_begins_again(site: Site, tmp_path: Path, page: Page, here: int) -> None:
    (tmp_path / "part").write_bytes(CONTENT[:here])
    page.cuts = [] if here else [1_000_000]
    site.seen.clear()
    heard = fetch(site, page, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert heard.here == len(CONTENT)
    assert [seen.range for seen in site.seen][-2:] == [f"bytes={here or 1_000_000}-", None]


def test_a_server_without_ranges_that_never_comes_further_is_given_up(site: Site, tmp_path: Path) -> None:
    cuts = [1000, 900, 1000, 800, 999] * 9
    with pytest.raises(SourceFailed, match="broke off"):
        fetch(site, Page(CONTENT, cuts=cuts, ranges=False), tmp_path / "part", attempts=3)
    assert len(site.seen) < 6


def test_a_longer_file_without_a_length_is_refused(site: Site, tmp_path: Path) -> None:
    with pytest.raises(WrongContent):
        fetch(site, Page(CONTENT + b"more", chunked=True, ranges=False), tmp_path / "part")


def test_a_part_longer_than_the_file_is_not_gone_on_with(site: Site, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(CONTENT + b"more")
    with pytest.raises(WrongContent):
        fetch(site, Page(CONTENT), tmp_path / "part")


def test_an_unreachable_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match=r"127\.0\.0\.1:1 cannot be reached") as failed:
        download(WEB, "http://user:secret@127.0.0.1:1/x", tmp_path / "part", 10, Heard(), 3)
    assert "secret" not in failed.value.en + failed.value.zh
