"""Which local models come up when the settings name none: rows, by profile."""

from __future__ import annotations

from typing import Literal

from zhongshu.catalog.settings import ModelSettings
from zhongshu.engine.models import rows

Profile = Literal["default", "tiny", "none"]

# name of the model -> what `auto` uses it for
_MODELS: dict[Profile, dict[str, str]] = {
    "default": {"qwen2.5-coder-0.5b": "general", "qwen2.5-coder-1.5b": "reasoning", "multilingual-e5-small": "none"},
    "tiny": {"smollm2-135m": "general"},
    "none": {},
}


def models(profile: Profile) -> tuple[ModelSettings, ...]:
    """The profile's models, with the abilities and sizes of their files."""
    return tuple(_row(name, tier) for name, tier in _MODELS[profile].items() if rows.find(name))


def joined(profile: Profile, own: tuple[ModelSettings, ...]) -> tuple[ModelSettings, ...]:
    """The profile's models and the user's; a row of the user's replaces a built-in of the same name."""
    named = {row.name for row in own}
    return (*(row for row in models(profile) if row.name not in named), *own)


def _row(name: str, tier: str) -> ModelSettings:
    local = rows.find(name)
    assert local is not None
    card = local.card()
    return ModelSettings(
        name=name,
        upstream="embedded",
        tier=tier,
        family=card.family,
        abilities=tuple(sorted(card.abilities)),
        thinking=card.thinking,
        context=card.context,
        parameters=card.parameters,
        dimensions=card.dimensions,
        licence=card.licence,
        note=card.note,
    )
