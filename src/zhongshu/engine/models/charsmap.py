"""A character normalisation table in the form SentencePiece and llama.cpp keep it: a compact double array and strings.

Layout (SentencePiece's Darts-clone trie, read by llama.cpp's unigram tokenizer): a uint32 with the trie's size in
bytes, the trie, then the replacements as strings ended by NUL. A trie unit packs: bits 0-7 the label, bit 8 whether a
key ends here, bits 10-30 the XOR distance to its children; the unit of an ended key holds bit 31 and the offset of its
replacement. Knows nothing of models.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

_ENDED, _VALUE = 1 << 8, 1 << 31
_BLOCK = 256


class _Node:
    """A byte of a key: what follows it, and the value if a key ends on it."""

    __slots__ = ("children", "value")

    def __init__(self) -> None:
        self.children: dict[int, _Node] = {}
        self.value: int | None = None


def build(replacements: Mapping[int, str]) -> bytes:
    """The table that replaces each code point by a string, which may be empty. The same input gives the same bytes."""
    strings, offsets = _strings(replacements)
    root = _Node()
    for point, text in sorted(replacements.items()):
        node = root
        for byte in chr(point).encode():
            node = node.children.setdefault(byte, _Node())
        node.value = offsets[text]
    units = _DoubleArray().place(root)
    trie = struct.pack(f"<{len(units)}I", *units)
    return struct.pack("<I", len(trie)) + trie + strings


def _strings(replacements: Mapping[int, str]) -> tuple[bytes, dict[str, int]]:
    blob, offsets = bytearray(), dict[str, int]()
    for text in sorted(set(replacements.values())):
        offsets[text] = len(blob)
        blob += text.encode() + b"\0"
    return bytes(blob), offsets


class _DoubleArray:
    """Places each node's children at `base ^ label`. No two nodes share a base, so a label is proof of its parent."""

    def __init__(self) -> None:
        self._units: dict[int, int] = {0: 0}
        self._bases: set[int] = set()
        self._tried: dict[tuple[int, ...], int] = {}

    def place(self, root: _Node) -> list[int]:
        """The units of the whole trie, padded so that no lookup leaves them."""
        waiting = [(0, root)]
        while waiting:
            index, node = waiting.pop()
            labels = sorted(node.children)
            base = self._free_base((*([0] if node.value is not None else []), *labels))
            self._units[index] |= (index ^ base) << 10
            if node.value is not None:
                self._units[index] |= _ENDED
                self._units[base] = _VALUE | node.value
            for label in labels:
                self._units[base ^ label] = label
                waiting.append((base ^ label, node.children[label]))
        size = -(-(max(self._units) + 1) // _BLOCK) * _BLOCK
        size = max(size, -(-(max(self._bases) + 1) // _BLOCK) * _BLOCK)
        return [self._units.get(index, 0) for index in range(size)]

    def _free_base(self, labels: tuple[int, ...]) -> int:
        """The first base whose every child is free. The array only fills up, so what did not fit once never will."""
        base = self._tried.get(labels, 1)
        while not self._fits(base, labels):
            base += 1
        self._bases.add(base)
        self._tried[labels] = base + 1
        return base

    def _fits(self, base: int, labels: tuple[int, ...]) -> bool:
        return base not in self._bases and not any(base ^ label in self._units for label in labels)
