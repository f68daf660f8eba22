"""The head of a GGUF file, read in milliseconds: architecture, shape, vocabulary size, template, weights in bytes.

The `gguf` package's reader makes an object of every vocabulary entry: 2.8 s for SmolLM2 and 9 to 11 s for Qwen2.5 on one
core of this project's 2-core machine (2026-11-21). This one steps over what it does not keep. Layout: GGUF version 2 and 3
(https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Knows nothing of loading a model.
"""

from __future__ import annotations

import math
import mmap
import struct
from pathlib import Path
from typing import Any

import msgspec

from zhongshu.core.problems import Fault, fault

_SCALARS = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_STRING, _ARRAY = 8, 9
_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")
# Arrays this short are kept (per-layer head counts, language lists); a vocabulary is stepped over and only counted.
_KEPT_ARRAY = 1024

# Types of 4.5 bits a weight (Q4_0, Q4_K, IQ4_NL) that llama.cpp repacks for AVX2; matches the buffer sizes it logs.
_REPACKED = frozenset({2, 12, 20})
# llama.cpp's `general.file_type` (llama_ftype); a test compares this table with the gguf package's.
_FILE_TYPES = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4_MOE",
    39: "NVFP4",
    40: "Q1_0",
}


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a GGUF says of its model. Lengths in tokens, sizes in bytes.

    kv_heads, key_dim, value_dim: one entry for each layer, kv_heads 0 where a layer keeps no KV cache. heads is the
    largest of all layers. repacked: bytes of the tensors that llama.cpp copies into a faster layout on a CPU.
    dimensions: of the hidden state, and of the vector when the model embeds.
    """

    architecture: str
    name: str
    layers: int
    heads: int
    kv_heads: tuple[int, ...]
    key_dim: int
    value_dim: int
    context: int
    dimensions: int
    feed_forward: int
    vocabulary: int
    parameters: int
    tensor_bytes: int
    quantisation: str
    tied_output: bool
    repacked: int = 0
    latent_kv: int | None = None
    window: int | None = None
    experts: int | None = None
    pooling: int | None = None
    chat_template: str | None = None
    tokenizer: str | None = None


def read(path: Path) -> Header:
    """The header of a GGUF file. Raises Fault("model_file_unreadable") when it is not one, or is cut short."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            return _Reader(view).header()
    except (ValueError, KeyError, struct.error, IndexError, UnicodeDecodeError) as error:
        raise unreadable(path, str(error)) from error
    except OSError as error:
        raise unreadable(path, error.strerror or "it cannot be opened") from error


def unreadable(path: Path, why: str) -> Fault:
    """The fault of a file that is not a GGUF."""
    return fault("model_file_unreadable", file=path, why=why)


class _Count(msgspec.Struct, frozen=True):
    """An array that was stepped over."""

    length: int


class _Weights(msgspec.Struct, frozen=True):
    """The tensors together: elements, bytes (all that follows the header), and whether the output has its own."""

    parameters: int
    bytes: int
    output: bool
    repacked: int


class _Reader:
    """A cursor over the mapped file."""

    def __init__(self, view: mmap.mmap) -> None:
        self._view = view
        self._at = 0

    def header(self) -> Header:
        if self._take(4) != b"GGUF":
            raise ValueError("it does not begin with GGUF")
        version = self._u32()
        if version not in (2, 3):
            raise ValueError(f"GGUF version {version} is not known")
        tensors, pairs = self._u64(), self._u64()
        fields = {self._string(): self._value(self._u32()) for _ in range(pairs)}
        weights = self._tensors(tensors, int(fields.get("general.alignment", 32)))
        return _header(fields, weights)

    def _tensors(self, count: int, alignment: int) -> _Weights:
        parameters = repacked = 0
        output = False
        for _ in range(count):
            name = self._string()
            sizes = [self._u64() for _ in range(self._u32())]
            kind, _ = self._u32(), self._u64()
            elements = math.prod(sizes)
            parameters += elements
            output = output or name == "output.weight"
            if kind in _REPACKED and len(sizes) == 2 and sizes[1] % 8 == 0 and name != "token_embd.weight":
                repacked += elements * 9 // 16
        begin = -(-self._at // alignment) * alignment
        return _Weights(parameters, max(len(self._view) - begin, 0), output, repacked)

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array()
        scalar = _SCALARS[kind]
        return scalar.unpack(self._take(scalar.size))[0]

    def _array(self) -> Any:
        kind, length = self._u32(), self._u64()
        if length <= _KEPT_ARRAY:
            return tuple(self._value(kind) for _ in range(length))
        if kind == _STRING:
            self._step_over_strings(length)
        elif kind in _SCALARS:
            self._take(_SCALARS[kind].size * length)
        else:
            raise ValueError("an array of long arrays is not expected")
        return _Count(length)

    def _step_over_strings(self, count: int) -> None:
        view, at, unpack = self._view, self._at, _U64.unpack_from
        for _ in range(count):
            at += 8 + unpack(view, at)[0]
        self._at = at

    def _string(self) -> str:
        return self._take(self._u64()).decode("utf-8", "replace")

    def _u32(self) -> int:
        return _U32.unpack(self._take(4))[0]

    def _u64(self) -> int:
        return _U64.unpack(self._take(8))[0]

    def _take(self, size: int) -> bytes:
        piece = self._view[self._at : self._at + size]
        if len(piece) != size:
            raise ValueError("it ends in the middle of its header")
        self._at += size
        return piece


def _header(fields: dict[str, Any], weights: _Weights) -> Header:
    architecture = str(fields["general.architecture"])

    def of(key: str, default: Any = None) -> Any:
        return fields.get(f"{architecture}.{key}", default)

    layers, dimensions = int(of("block_count", 0)), int(of("embedding_length", 0))
    heads = max(_per_layer(of("attention.head_count", 0), layers), default=0)
    head_dim = dimensions // heads if heads else 0
    return Header(
        architecture=architecture,
        name=str(fields.get("general.name", "")),
        layers=layers,
        heads=heads,
        kv_heads=_per_layer(of("attention.head_count_kv", heads), layers),
        key_dim=int(of("attention.key_length", head_dim)),
        value_dim=int(of("attention.value_length", head_dim)),
        context=int(of("context_length", 0)),
        dimensions=dimensions,
        feed_forward=max(_per_layer(of("feed_forward_length", 0), layers), default=0),
        vocabulary=_length(fields.get("tokenizer.ggml.tokens"), int(of("vocab_size", 0))),
        parameters=weights.parameters,
        tensor_bytes=weights.bytes,
        quantisation=_file_type(fields.get("general.file_type")),
        tied_output=not weights.output,
        repacked=weights.repacked,
        latent_kv=_latent(of("attention.kv_lora_rank"), of("rope.dimension_count")),
        window=of("attention.sliding_window"),
        experts=of("expert_count"),
        pooling=of("pooling_type"),
        chat_template=fields.get("tokenizer.chat_template"),
        tokenizer=fields.get("tokenizer.ggml.model"),
    )


def _per_layer(value: Any, layers: int) -> tuple[int, ...]:
    return tuple(int(v) for v in value) if isinstance(value, tuple) else (int(value),) * layers  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _length(value: Any, default: int) -> int:
    if isinstance(value, _Count):
        return value.length
    return len(value) if isinstance(value, tuple) else default  # pyright: ignore[reportUnknownArgumentType]


def _latent(rank: Any, rope: Any) -> int | None:
    """Values kept for a token and layer by multi-head latent attention (DeepSeek V2 and later): rank + rope part."""
    return int(rank) + int(rope or 0) if rank else None


def _file_type(number: Any) -> str:
    """The name people use for a quantisation, such as Q4_K_M."""
    return _FILE_TYPES.get(number, "unknown")
