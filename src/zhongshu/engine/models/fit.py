"""How much memory a model needs, and which cards hold it. Arithmetic only: reads no file and asks no machine.

    weights  the tensors' bytes; from parameters: parameters * bits per weight / 8
    repacked on a CPU, 4-bit matrices are copied into a faster layout beside the mapped file (as its header tells)
    KV       context * slots * the sum over layers of kv_heads * (key_dim + value_dim) * bytes of the KV type;
             latent attention: layers * (rank + rotary part) * bytes. An encoder keeps none
    compute  micro-batch * 4 B * (3 * feed_forward + 5 * hidden) for the largest step's values, and
             micro-batch * 2 B * context for its attention mask
    output   an embedding engine reserves logits for each token of a batch: batch * vocabulary * 4 B; else a slot each
    runtime  33 MB of program and 430 B for each word of the vocabulary, held in the process's ordinary memory

The last four were fitted to llama.cpp (xllamacpp 2026.10) on a CPU on 2026-11-21, from the buffer sizes it logs and the
resident memory of its process (mapped pages included) for SmolLM2-135M and Qwen2.5-Coder-0.5B, 2,048 and 4,096 tokens, 1 and 4
slots: within 1.5% of the process for these and for Qwen2.5-Coder-1.5B, 4% for multilingual-e5-small.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from zhongshu.engine.models.gguf_header import Header
from zhongshu.engine.models.gpus import GPUS, Gpu
from zhongshu.engine.models.shapes import Published

KvType = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]
KV_TYPES: tuple[KvType, ...] = get_args(KvType)
# Bytes of one value. Quantised: a block of 32 values with a half-precision scale, and a minimum in the *_1 types.
_KV_BYTES: dict[KvType, float] = {
    "f32": 4,
    "f16": 2,
    "bf16": 2,
    "q8_0": 34 / 32,
    "q5_1": 24 / 32,
    "q5_0": 22 / 32,
    "q4_1": 20 / 32,
    "q4_0": 18 / 32,
}
# Bits for each weight. K-quants mix types: measured on Llama 3.1 8B in llama.cpp's quantize documentation. INT4 counts
# a scale and zero for each group of 128.
BITS: dict[str, float] = {
    "F32": 32,
    "BF16": 16,
    "F16": 16,
    "FP8": 8,
    "INT8": 8,
    "Q8_0": 8.5,
    "Q6_K": 6.56,
    "Q5_K_M": 5.70,
    "Q5_K_S": 5.57,
    "Q5_1": 6,
    "Q5_0": 5.5,
    "Q4_K_M": 4.89,
    "Q4_K_S": 4.67,
    "Q4_1": 5,
    "Q4_0": 4.5,
    "INT4": 4.25,
    "IQ4_XS": 4.46,
    "Q3_K_M": 4.00,
    "Q2_K": 3.16,
}
_MICRO_BATCH = 512
_PROGRAM_BYTES = 33_000_000
_VOCABULARY_BYTES = 430
_CARD_COUNTS = (1, 2, 4, 8, 16, 32, 64)
# Of a card's memory, what an engine may fill (vLLM's default), and what its own context takes of each card.
_USABLE = 0.9
_CONTEXT_BYTES = 500_000_000


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers a need is computed from. kv_values: kept for one token over all layers. repacked: bytes copied
    into a faster layout when it runs on a CPU."""

    name: str
    weights: int
    kv_values: int
    hidden: int
    feed_forward: int
    vocabulary: int
    context: int
    parameters: int
    quantisation: str
    embeds: bool = False
    repacked: int = 0


# What the shipped models' own headers say, so that the question can be asked before a file is here; a test compares.
SHIPPED: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape(
            name="qwen2.5-coder-0.5b",
            weights=485452288,
            kv_values=6144,
            hidden=896,
            feed_forward=4864,
            vocabulary=151936,
            context=32768,
            parameters=630167424,
            quantisation="Q4_K_M",
            embeds=False,
            repacked=29417472,
        ),
        Shape(
            name="qwen2.5-coder-1.5b",
            weights=1111370240,
            kv_values=14336,
            hidden=1536,
            feed_forward=8960,
            vocabulary=151936,
            context=32768,
            parameters=1777088000,
            quantisation="Q4_K_M",
            embeds=False,
            repacked=625508352,
        ),
        Shape(
            name="smollm2-135m",
            weights=96576768,
            kv_values=11520,
            hidden=576,
            feed_forward=1536,
            vocabulary=49152,
            context=8192,
            parameters=134515008,
            quantisation="Q4_1",
            embeds=False,
            repacked=0,
        ),
        Shape(
            name="multilingual-e5-small",
            weights=66984128,
            kv_values=0,
            hidden=384,
            feed_forward=1536,
            vocabulary=250037,
            context=512,
            parameters=117505920,
            quantisation="Q4_0",
            embeds=True,
            repacked=11943936,
        ),
    )
}


class CardFit(msgspec.Struct, frozen=True):
    """How many of one card hold the model, a power of two as tensor parallelism wants; None when 64 do not."""

    gpu: Gpu
    cards: int | None


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """What a model needs. All sizes in bytes. `total` is one process on a CPU; `gpus` counts what a card holds."""

    shape: Shape
    context: int
    slots: int
    kv_type: KvType
    kv_per_token: float
    weights: int
    repacked: int
    kv: int
    compute: int
    output: int
    runtime: int
    total: int
    gpus: tuple[CardFit, ...]


def of_header(header: Header) -> Shape:
    """The shape of a GGUF's model."""
    encoder = header.pooling is not None
    return Shape(
        name=header.name,
        weights=header.tensor_bytes,
        kv_values=0 if encoder else _kv_values(header),
        hidden=header.dimensions,
        feed_forward=header.feed_forward,
        vocabulary=header.vocabulary,
        context=header.context,
        parameters=header.parameters,
        quantisation=header.quantisation,
        embeds=encoder,
        repacked=header.repacked,
    )


def _kv_values(header: Header) -> int:
    if header.latent_kv:
        return header.layers * header.latent_kv
    return sum(header.kv_heads) * (header.key_dim + header.value_dim)


def of_published(row: Published, quantisation: str | None = None) -> Shape:
    """The shape of a known big model, in its published weights or another quantisation."""
    return of_numbers(
        name=row.name,
        parameters=row.parameters,
        quantisation=quantisation or row.quantisation,
        layers=row.layers,
        kv_heads=row.kv_heads,
        head_dim=row.head_dim,
        hidden=row.hidden,
        feed_forward=row.feed_forward,
        vocabulary=row.vocabulary,
        context=row.context,
        latent_kv=row.latent_kv,
    )


def of_numbers(
    *,
    name: str = "",
    parameters: int,
    quantisation: str,
    layers: int,
    kv_heads: int,
    head_dim: int,
    hidden: int | None = None,
    feed_forward: int | None = None,
    vocabulary: int = 152_000,
    context: int = 32_768,
    latent_kv: int | None = None,
) -> Shape:
    """A shape from plain numbers. Raises ValueError naming an unknown quantisation. `hidden` defaults to the one that
    `parameters` and `layers` imply (12 * layers * hidden**2), feed_forward to four times that."""
    hidden = hidden or int((parameters / (12 * layers)) ** 0.5)
    return Shape(
        name=name,
        weights=int(parameters * _bits(quantisation) / 8),
        kv_values=layers * (latent_kv or 2 * kv_heads * head_dim),
        hidden=hidden,
        feed_forward=feed_forward or 4 * hidden,
        vocabulary=vocabulary,
        context=context,
        parameters=parameters,
        quantisation=quantisation.upper(),
    )


def fit(shape: Shape, context: int, slots: int = 1, kv_type: KvType = "f16") -> Fit:
    """What `shape` needs with `slots` requests of `context` tokens each at once. A longer context than the model's own
    counts as that."""
    context = min(context, shape.context) if shape.context else context
    per_token = shape.kv_values * _KV_BYTES[kv_type]
    kv = int(per_token * context * slots)
    compute = _MICRO_BATCH * (4 * (3 * shape.feed_forward + 5 * shape.hidden) + 2 * context)
    output = 4 * shape.vocabulary * (max(context, _MICRO_BATCH) if shape.embeds else slots)
    runtime = _PROGRAM_BYTES + _VOCABULARY_BYTES * shape.vocabulary
    return Fit(
        shape=shape,
        context=context,
        slots=slots,
        kv_type=kv_type,
        kv_per_token=per_token,
        weights=shape.weights,
        repacked=shape.repacked,
        kv=kv,
        compute=compute,
        output=output,
        runtime=runtime,
        total=shape.weights + shape.repacked + kv + compute + output + runtime,
        gpus=tuple(CardFit(gpu, _cards(gpu, shape.weights + kv, compute + output)) for gpu in GPUS),
    )


def with_quantisation(shape: Shape, quantisation: str) -> Shape:
    """The same model with other weights, counted from its parameters."""
    return msgspec.structs.replace(
        shape, weights=int(shape.parameters * _bits(quantisation) / 8), repacked=0, quantisation=quantisation.upper()
    )


def _bits(quantisation: str) -> float:
    bits = BITS.get(quantisation.upper())
    if bits is None:
        raise ValueError(f"quantisation: `{quantisation}` is not known; use one of {', '.join(BITS)}")
    return bits


def _cards(gpu: Gpu, shared: int, each: int) -> int | None:
    """How many cards: weights and KV are shared out among them, buffers and the card's own context are on each."""
    usable = gpu.gib * 2**30 * _USABLE - each - _CONTEXT_BYTES
    return next((count for count in _CARD_COUNTS if usable > 0 and shared <= usable * count), None)
