"""The compact double array, read back the way llama.cpp walks it."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from zhongshu.engine.models import charsmap

POINTS = st.integers(1, 0x10FFFF).filter(lambda point: not 0xD800 <= point <= 0xDFFF)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=3)


def look_up(table: bytes, text: str) -> str | None:
    """The replacement of the longest matching beginning of `text`, by llama.cpp's rules; None when none matches."""
    (size,) = struct.unpack_from("<I", table)
    units = struct.unpack_from(f"<{size // 4}I", table, 4)
    strings = table[4 + size :]
    found = None
    node = units[0] >> 10
    for byte in text.encode():
        node ^= byte
        if units[node] & 0x800000FF != byte:
            break
        ended = units[node] >> 8 & 1
        node ^= units[node] >> 10
        if ended:
            begin = units[node] & 0x7FFFFFFF
            found = strings[begin : strings.index(b"\0", begin)].decode()
    return found


@given(st.dictionaries(POINTS, TEXTS, min_size=1, max_size=60), st.lists(POINTS, max_size=40))
def test_every_replacement_is_found_and_nothing_else(replacements: dict[int, str], others: list[int]) -> None:
    table = charsmap.build(replacements)
    for point in {*replacements, *others}:
        assert look_up(table, chr(point)) == replacements.get(point)
        assert look_up(table, chr(point) + "x") == replacements.get(point)


def test_the_order_of_the_input_does_not_matter() -> None:
    rows = {0xFF0C: ",", 0x3000: " ", 0xFB01: "fi", 7: ""}
    assert charsmap.build(rows) == charsmap.build(dict(reversed(rows.items())))


def test_dense_ranges_stay_small() -> None:
    table = charsmap.build({point: chr(point - 0xFEE0) for point in range(0xFF01, 0xFF5F)})
    assert look_up(table, "Ａ") == "A"
    assert len(table) < 8_192
