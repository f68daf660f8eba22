"""The shapes of models too big to ship, as rows, so that `models fit` can answer before anything is fetched.

Each row is what the model's own repository publishes in config.json; `source` names the repository. Collected
2026-11-21; training scripts and documentation of other projects that carry the same numbers were compared where found. Parameters count embeddings. `latent_kv`: values kept for a token and layer by multi-head latent attention
(rank + rotary part), in place of heads.
"""

from __future__ import annotations

import msgspec


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A model's published shape. parameters: in all; `quantisation`: what its weights are published in."""

    name: str
    source: str
    parameters: int
    layers: int
    kv_heads: int
    head_dim: int
    hidden: int
    feed_forward: int
    vocabulary: int
    context: int
    latent_kv: int | None = None
    quantisation: str = "BF16"


def _llama(name: str, source: str, parameters: int, layers: int, hidden: int, feed_forward: int) -> Published:
    return Published(
        name=name,
        source=source,
        parameters=parameters,
        layers=layers,
        kv_heads=8,
        head_dim=64 if hidden == 2048 else 128,
        hidden=hidden,
        feed_forward=feed_forward,
        vocabulary=128_256,
        context=131_072,
    )


def _qwen3(name: str, parameters: int, layers: int, kv_heads: int, hidden: int, feed_forward: int) -> Published:
    return Published(
        name=name.lower(),
        source=f"Qwen/{name}",
        parameters=parameters,
        layers=layers,
        kv_heads=kv_heads,
        head_dim=128,
        hidden=hidden,
        feed_forward=feed_forward,
        vocabulary=151_936,
        context=40_960,
    )


def _qwen2(name: str, source: str, parameters: int, layers: int, kv_heads: int, hidden: int, ffn: int) -> Published:
    return Published(
        name=name,
        source=source,
        parameters=parameters,
        layers=layers,
        kv_heads=kv_heads,
        head_dim=128,
        hidden=hidden,
        feed_forward=ffn,
        vocabulary=152_064,
        context=131_072 if "distill" in name else 32_768,
    )


def _latent(
    name: str, source: str, parameters: int, vocabulary: int, context: int, quantisation: str = "FP8"
) -> Published:
    """DeepSeek-V3's shape, which others took over: 61 layers, latent rank 512 and 64 rotary values."""
    return Published(
        name=name,
        source=source,
        parameters=parameters,
        layers=61,
        kv_heads=1,
        head_dim=576,
        hidden=7168,
        feed_forward=18_432,
        vocabulary=vocabulary,
        context=context,
        latent_kv=576,
        quantisation=quantisation,
    )


KNOWN: tuple[Published, ...] = (
    _qwen3("Qwen3-0.6B", 596_049_920, 28, 8, 1024, 3072),
    _qwen3("Qwen3-1.7B", 1_720_574_976, 28, 8, 2048, 6144),
    _qwen3("Qwen3-4B", 4_022_468_096, 36, 8, 2560, 9728),
    _qwen3("Qwen3-8B", 8_190_735_360, 36, 8, 4096, 12_288),
    _qwen3("Qwen3-14B", 14_768_307_200, 40, 8, 5120, 17_408),
    _qwen3("Qwen3-32B", 32_762_123_264, 64, 8, 5120, 25_600),
    _qwen3("Qwen3-30B-A3B", 30_532_122_624, 48, 4, 2048, 6144),
    _qwen3("Qwen3-235B-A22B", 235_093_634_560, 94, 4, 4096, 12_288),
    _qwen2("qwen2.5-7b", "Qwen/Qwen2.5-7B-Instruct", 7_615_616_512, 28, 4, 3584, 18_944),
    _qwen2("qwen2.5-14b", "Qwen/Qwen2.5-14B-Instruct", 14_770_033_664, 48, 8, 5120, 13_824),
    _qwen2("qwen2.5-32b", "Qwen/Qwen2.5-32B-Instruct", 32_763_876_352, 64, 8, 5120, 27_648),
    _qwen2("qwen2.5-72b", "Qwen/Qwen2.5-72B-Instruct", 72_706_203_648, 80, 8, 8192, 29_568),
    _latent("deepseek-v3", "deepseek-ai/DeepSeek-V3", 671_026_419_200, 129_280, 163_840),
    _latent("deepseek-r1", "deepseek-ai/DeepSeek-R1", 671_026_419_200, 129_280, 163_840),
    _latent("kimi-k2", "moonshotai/Kimi-K2-Instruct", 1_026_000_000_000, 163_840, 131_072),
    _qwen2(
        "deepseek-r1-distill-qwen-32b",
        "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B",
        32_763_876_352,
        64,
        8,
        5120,
        27_648,
    ),
    _llama("llama-3.2-1b", "meta-llama/Llama-3.2-1B-Instruct", 1_235_814_400, 16, 2048, 8192),
    _llama("llama-3.2-3b", "meta-llama/Llama-3.2-3B-Instruct", 3_212_749_824, 28, 3072, 8192),
    _llama("llama-3.1-8b", "meta-llama/Llama-3.1-8B-Instruct", 8_030_261_248, 32, 4096, 14_336),
    _llama("llama-3.3-70b", "meta-llama/Llama-3.3-70B-Instruct", 70_553_706_496, 80, 8192, 28_672),
    _llama("llama-3.1-405b", "meta-llama/Llama-3.1-405B-Instruct", 405_853_388_800, 126, 16_384, 53_248),
    Published(
        name="glm-4.5",
        source="zai-org/GLM-4.5",
        parameters=355_000_000_000,
        layers=92,
        kv_heads=8,
        head_dim=128,
        hidden=5120,
        feed_forward=12_288,
        vocabulary=151_552,
        context=131_072,
    ),
    Published(
        name="glm-4.5-air",
        source="zai-org/GLM-4.5-Air",
        parameters=106_000_000_000,
        layers=46,
        kv_heads=8,
        head_dim=128,
        hidden=4096,
        feed_forward=10_944,
        vocabulary=151_552,
        context=131_072,
    ),
)

_BY_NAME = {row.name: row for row in KNOWN}


def find(name: str) -> Published | None:
    """The row of a name, in any letter case."""
    return _BY_NAME.get(name.lower())
