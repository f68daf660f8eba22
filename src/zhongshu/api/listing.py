"""The models that a caller may ask for, for the protocols that list them."""

from __future__ import annotations

from zhongshu.core.access import Caller
from zhongshu.core.models import AUTO, ModelCard
from zhongshu.pipeline.stages import Rooms


def listed(rooms: Rooms, caller: Caller) -> dict[str, ModelCard | None]:
    """Their cards by name, in the order of the settings; before them `auto`, which has no card."""
    cards: dict[str, ModelCard | None] = {AUTO: None} if rooms.catalog.find(AUTO) else {}
    cards |= {card.name: card for card in rooms.catalog.cards()}
    return {name: card for name, card in cards.items() if not caller.models or name in caller.models}
