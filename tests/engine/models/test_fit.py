"""Memory sums, checked against numbers worked out by hand and against each other."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.engine.models import fit, rows, shapes
from zhongshu.engine.models.gpus import GPUS


def of(name: str, quantisation: str | None = None) -> fit.Shape:
    row = shapes.find(name)
    assert row is not None
    return fit.of_published(row, quantisation)


def cards(result: fit.Fit) -> dict[str, int | None]:
    return {row.gpu.name: row.cards for row in result.gpus}


@pytest.mark.parametrize(
    ("name", "kv_type", "per_token"),
    [
        ("llama-3.1-8b", "f16", 131_072),  # 32 layers * 2 * 8 heads * 128 * 2 B
        ("llama-3.1-8b", "q8_0", 69_632),
        ("qwen3-235b-a22b", "f16", 192_512),
        ("qwen2.5-7b", "f16", 57_344),
        ("deepseek-v3", "f16", 70_272),  # 61 layers * (512 + 64) * 2 B
    ],
)
def test_kv_bytes_of_a_token(name: str, kv_type: fit.KvType, per_token: int) -> None:
    assert fit.fit(of(name), 1000, 1, kv_type).kv_per_token == per_token


@pytest.mark.parametrize(
    ("name", "quantisation", "context", "slots", "expected"),
    [
        ("qwen2.5-7b", "BF16", 4096, 1, {"T4": 2, "A10": 1, "H100 / H800": 1}),
        ("qwen2.5-72b", "BF16", 4096, 1, {"GeForce RTX 4090": 8, "H100 / H800": 2, "H200": 2, "B200": 1}),
        ("qwen3-32b", "Q4_K_M", 8192, 1, {"GeForce RTX 3090": 1, "T4": 2, "L20": 1}),
        ("deepseek-r1", None, 32_768, 4, {"H100 / H800": 16, "H20 96G": 8, "H200": 8, "H20 141G": 8}),
    ],
)
def test_cards_that_people_use(
    name: str, quantisation: str | None, context: int, slots: int, expected: dict[str, int]
) -> None:
    found = cards(fit.fit(of(name, quantisation), context, slots))
    assert {gpu: found[gpu] for gpu in expected} == expected


def test_a_model_that_no_card_holds() -> None:
    assert cards(fit.fit(of("kimi-k2", "F32"), 131_072, 64))["GeForce RTX 3060 12G"] is None


@given(context=st.integers(1, 32_000), slots=st.integers(1, 64))
def test_more_never_needs_less(context: int, slots: int) -> None:
    shape = of("qwen3-8b")
    small, big = fit.fit(shape, context, slots), fit.fit(shape, context + 64, slots + 1)
    assert small.total < big.total
    for before, after in zip(small.gpus, big.gpus, strict=True):
        assert after.cards is None or (before.cards or 0) <= after.cards


def test_a_longer_context_than_the_models_own_counts_as_that() -> None:
    shape = fit.SHIPPED["smollm2-135m"]
    assert fit.fit(shape, 10**6).context == 8192
    assert fit.fit(shape, 10**6).total == fit.fit(shape, 8192).total


def test_an_encoder_keeps_no_kv() -> None:
    result = fit.fit(fit.SHIPPED["multilingual-e5-small"], 512, 4)
    assert result.kv == 0
    assert result.output == 512 * 250_037 * 4


def test_plain_numbers_come_near_the_published_shape() -> None:
    published = fit.fit(of("qwen2.5-7b"), 8192, 2)
    plain = fit.fit(
        fit.of_numbers(parameters=7_615_616_512, quantisation="bf16", layers=28, kv_heads=4, head_dim=128), 8192, 2
    )
    assert plain.kv == published.kv
    assert plain.total == pytest.approx(published.total, rel=0.02)


def test_an_unknown_quantisation_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"quantisation: `Q9` is not known.*Q4_K_M"):
        of("qwen3-8b", "Q9")
    assert fit.with_quantisation(of("qwen3-8b"), "q8_0").quantisation == "Q8_0"


def test_the_tables_are_whole() -> None:
    assert {row.name for row in rows.SHIPPED} == set(fit.SHIPPED)
    assert len({row.name for row in shapes.KNOWN}) == len(shapes.KNOWN)
    assert len({gpu.name for gpu in GPUS}) == len(GPUS)
    assert all(row.parameters > 1e8 and row.layers and row.kv_heads for row in shapes.KNOWN)
    assert not {row.name for row in rows.SHIPPED} & {row.name for row in shapes.KNOWN}


def test_published_parameters_agree_with_the_shape() -> None:
    """A dense model's parameters follow from its shape to within an eighth; a slip of a digit would not."""
    dense = [row for row in shapes.KNOWN if not any(word in row.name for word in ("-a", "deepseek-v", "k2", "glm"))]
    dense = [row for row in dense if row.name != "deepseek-r1"]
    for row in dense:
        attention = 2 * row.hidden * row.hidden + 2 * row.hidden * row.kv_heads * row.head_dim
        body = row.layers * (attention + 3 * row.hidden * row.feed_forward)
        embedding = row.vocabulary * row.hidden
        likely = [body + embedding, body + 2 * embedding]
        assert min(abs(row.parameters / guess - 1) for guess in likely) < 0.125, row.name


def test_sizes_grow_within_a_family() -> None:
    for prefix in ("qwen3-0", "qwen2.5", "llama-3"):
        family = [row for row in shapes.KNOWN if row.name.startswith(prefix)]
        assert all(a.parameters < b.parameters for a, b in pairwise(family))


def test_it_is_plain_data() -> None:
    assert msgspec.json.decode(msgspec.json.encode(fit.fit(of("qwen3-4b"), 4096)))["slots"] == 1
