"""The papers tell the truth: blocks parse, load or run; links lead somewhere; commands and settings named are there."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.api.conftest import House, whole
from tests.cli.conftest import Running
from zhongshu.app.loading import load
from zhongshu.core.clock import SystemClock
from zhongshu.sessions.sealing import Sealer
from zhongshu.sessions.sessions import Sessions
from zhongshu.sessions.settings import SessionsSettings
from zhongshu.storage.database import open_database

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


def blocks(*kinds: str) -> list[object]:
    return [
        pytest.param(code, id=f"{page.relative_to(ROOT)}-{number}")
        for page in PAGES
        for number, (kind, code) in enumerate(_BLOCK.findall(page.read_text(encoding="utf-8")))
        if kind in kinds
    ]


@pytest.mark.parametrize("code", blocks("toml"))
def test_settings_shown_can_be_loaded(code: str, tmp_path: Path) -> None:
    file = tmp_path / "zhongshu.toml"
    file.write_text(code, encoding="utf-8")
    load(file, environ={"HOME": str(tmp_path)})


@pytest.mark.parametrize("code", blocks("toml script"))
def test_other_toml_shown_is_toml(code: str) -> None:
    """Marked so because it is not a settings file: the scripted upstream's script."""
    assert tomllib.loads(code)


@pytest.mark.parametrize("code", blocks("python"))
def test_python_shown_runs_against_the_real_surface(
    code: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The address and the key are the test's own; everything else is as printed."""
    database = open_database(tmp_path / "state.db")
    sessions = Sessions(SessionsSettings(), database, Sealer(bytes(32)), SystemClock())
    with closing(database), Running(House(whole(), models=None, sessions=sessions)) as server:
        mine = code.replace("http://127.0.0.1:7070", server.url).replace("YOUR KEY", "zs_test")
        exec(compile(mine, "block", "exec"), {})
    assert capsys.readouterr().out.startswith("hi\n")


@pytest.mark.parametrize("code", blocks("console", "bash", "sh"))
def test_commands_shown_parse(code: str) -> None:
    done = subprocess.run(["bash", "-n"], input=code, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_file_of_ours_that_is_named_is_there() -> None:
    """`app/build.py` is that file below src/zhongshu; PROTOCOL and NAME stand for any."""
    named = 0
    for page in PAGES:
        for file in re.findall(r"`((?:\w+/)+\w+\.py)`", page.read_text(encoding="utf-8")):
            pattern = re.sub("PROTOCOL|NAME", "*", file)
            assert any([*ROOT.glob(pattern), *(ROOT / "src" / "zhongshu").glob(pattern)]), f"{page.name}: {file}"
            named += 1
    assert named > 10


def test_every_command_named_is_there() -> None:
    tree = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^#+ `zhongshu ([a-z -]+)`$", tree, re.MULTILINE))
    assert len(known) > 20
    named = 0
    for page in [*PAGES, *(ROOT / "src").rglob("*.py")]:
        for words in re.findall(
            r"`(?:\.venv/bin/)?zhongshu ((?:[a-z]+[a-z-]*\s?){1,2})", page.read_text(encoding="utf-8")
        ):
            first, _, second = " ".join(words.split()).partition(" ")
            groups = {command.split()[0] for command in known if " " in command}
            asked = f"{first} {second}".strip() if first in groups and second else first
            assert asked in known or asked in groups, f"{page.name}: zhongshu {words}"
            named += 1
    assert named > 20


def test_pages_written_by_the_program_are_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


# Dependencies and their locks ---------------------------------------------------------------------------------


def pyproject() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {
        "run": project["project"]["dependencies"],
        "test": project["dependency-groups"]["dev"],
        "build": project["build-system"]["requires"],
    }


def locked(name: str) -> dict[str, set[str]]:
    """Versions by package, of a lock file."""
    found: dict[str, set[str]] = {}
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    for package, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE):
        found.setdefault(canonicalize_name(package), set()).add(version)
    return found


@pytest.mark.parametrize(("lock", "needs"), [("run", ("run", "build")), ("test", ("run", "build", "test"))])
def test_the_locks_hold_what_pyproject_asks_for(lock: str, needs: tuple[str, ...]) -> None:
    versions = locked(lock)
    for need in needs:
        for line in pyproject()[need]:
            wanted = Requirement(line)
            found = versions.get(canonicalize_name(wanted.name))
            assert found, f"{line} is not in requirements/{lock}.txt; run: make lock"
            assert all(wanted.specifier.contains(version) for version in found), f"{line}: {found}; run: make lock"


def test_what_runs_is_what_is_tested() -> None:
    run, test = locked("run"), locked("test")
    assert {name: test.get(name) for name in run} == run


@pytest.mark.parametrize("lock", ["run", "test"])
def test_every_package_is_locked_by_hash_and_from_no_particular_place(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) > 40
    for entry in entries:
        assert "--hash=sha256:" in entry, entry.splitlines()[0]
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_every_dependency_has_its_reason() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE))
    asked = {Requirement(line).name for need in ("run", "test") for line in pyproject()[need]}
    assert told == asked
