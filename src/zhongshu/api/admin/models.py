"""Models: every release with its model's card, and whether a local one's file is here."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter

from zhongshu.api.admin.given import Parts
from zhongshu.api.admin.words import Shown

router = APIRouter(prefix="/models", tags=["models"])


class ModelOut(Shown):
    """A release. local_file: "present", "missing" (`zhongshu models pull` fetches it), or null when it needs none.
    card: what the model is and can do; money for a million tokens, sizes in bytes, context in tokens."""

    release: str
    model: str
    version: str
    upstream: str
    upstream_model: str
    weight: float
    local_file: str | None
    card: dict[str, Any]


class ModelList(Shown):
    """Every release, in the order of the settings."""

    data: list[ModelOut]


@router.get("", summary="List the models with their cards", openapi_extra={"x-summary-zh": "列出模型及其卡片"})
def list_models(parts: Parts) -> ModelList:
    return ModelList(
        data=[
            ModelOut(
                release=offer.release.name,
                model=offer.release.model,
                version=offer.release.version,
                upstream=offer.release.upstream,
                upstream_model=offer.release.upstream_model,
                weight=offer.release.weight,
                local_file=_presence(parts.local_file(offer)),
                card=msgspec.to_builtins(offer.card, order="deterministic"),
            )
            for offer in parts.offers()
        ]
    )


def _presence(here: bool | None) -> str | None:
    return None if here is None else "present" if here else "missing"
