"""Accelerators and the memory on them, as rows. Makers' published figures, collected 2026-11-21.

Memory is one card's, in GiB as sold. Whether an engine runs well on a card is not said here: only what it can hold.
"""

from __future__ import annotations

import msgspec


class Gpu(msgspec.Struct, frozen=True):
    """A card. `gib`: its memory."""

    name: str
    maker: str
    gib: int


GPUS: tuple[Gpu, ...] = (
    Gpu("GeForce RTX 3060 12G", "NVIDIA", 12),
    Gpu("T4", "NVIDIA", 16),
    Gpu("GeForce RTX 4060 Ti 16G", "NVIDIA", 16),
    Gpu("GeForce RTX 3090", "NVIDIA", 24),
    Gpu("GeForce RTX 4090", "NVIDIA", 24),
    Gpu("L4", "NVIDIA", 24),
    Gpu("A10", "NVIDIA", 24),
    Gpu("A30", "NVIDIA", 24),
    Gpu("GeForce RTX 5090", "NVIDIA", 32),
    Gpu("A100 40G", "NVIDIA", 40),
    Gpu("L20", "NVIDIA", 48),
    Gpu("L40S", "NVIDIA", 48),
    Gpu("A100 80G / A800", "NVIDIA", 80),
    Gpu("H100 / H800", "NVIDIA", 80),
    Gpu("H20 96G", "NVIDIA", 96),
    Gpu("RTX PRO 6000", "NVIDIA", 96),
    Gpu("H20 141G", "NVIDIA", 141),
    Gpu("H200", "NVIDIA", 141),
    Gpu("B200", "NVIDIA", 180),
    Gpu("Ascend 910B", "Huawei", 64),
    Gpu("Ascend 910C", "Huawei", 128),
    Gpu("Kunlun P800", "Kunlunxin", 96),
    Gpu("C500", "MetaX", 64),
    Gpu("K100 AI", "Hygon", 64),
    Gpu("MTT S4000", "Moore Threads", 48),
    Gpu("S60", "Enflame", 48),
    Gpu("MLU370-X8", "Cambricon", 48),
)
