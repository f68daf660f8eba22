"""Where keys stand in a TOML text."""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.app.effective import toml_value
from zhongshu.app.toml_lines import Place, locate

TEXT = '''\
# a comment with [brackets] and key = value
home = "/x"  # after a value

[server]
port = 7070
"quoted key" = 1
names = [
  "a",  # ] not the end
  "b]",
]
long = """
[not.a.table]
key = "x" \\"""
"""
raw = \'\'\'it's ]] = \'\'\'
inline = { a = 1, b = { c = [1, 2] } }

[[upstreams]]
name = "one"
[upstreams.price]
input = 1
[[upstreams]]
name = "two"
[upstreams.price]
input = 2
[a.b."c.d"]
e.f = true
'''

CASES: list[tuple[Place, int]] = [
    (("home",), 2),
    (("server",), 4),
    (("server", "port"), 5),
    (("server", "quoted key"), 6),
    (("server", "names"), 7),
    (("server", "names", 0), 8),
    (("server", "names", 1), 9),
    (("server", "long"), 11),
    (("server", "raw"), 15),
    (("server", "inline", "b", "c"), 16),
    (("upstreams", 0), 18),
    (("upstreams", 0, "name"), 19),
    (("upstreams", 0, "price", "input"), 21),
    (("upstreams", 1), 22),
    (("upstreams", 1, "name"), 23),
    (("upstreams", 1, "price", "input"), 25),
    (("a", "b", "c.d", "e", "f"), 27),
]


@pytest.mark.parametrize(("place", "line"), CASES)
def test_line_of(place: Place, line: int) -> None:
    tomllib.loads(TEXT)
    assert locate(TEXT)[place] == line


@pytest.mark.parametrize("place", [("key",), ("not",), ("server", "key"), ("server", "not", "a", "table")])
def test_what_only_looks_like_a_key_is_not_one(place: Place) -> None:
    assert place not in locate(TEXT)


def test_windows_line_ends() -> None:
    assert locate(TEXT.replace("\n", "\r\n"))[("a", "b", "c.d", "e", "f")] == 27


def test_empty_text() -> None:
    assert locate("") == {}
    assert locate("# only a comment") == {}


names = st.text(alphabet="ab.\"' =[]#", min_size=1, max_size=4)
values = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text(alphabet="a\"'\\#[]{},=\n", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(names, values, max_size=5))
def test_every_top_key_is_found_on_its_own_line(table: dict[str, Any]) -> None:
    """Whatever the values hold, key number n written on line n is found on line n."""
    text = "".join(f"{msgspec.json.encode(key).decode()} = {toml_value(value)}\n" for key, value in table.items())
    assert tomllib.loads(text) == table
    found = locate(text)
    assert {key: found[(key,)] for key in table} == {key: n for n, key in enumerate(table, 1)}
