"""The catalogue: model names, pinned releases and `auto`, each to the offers that can answer. Values only, no I/O."""

from __future__ import annotations

from collections.abc import Sequence

from zhongshu.catalog.assistants import offer_of_assistant
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.models import AUTO, Assistant, ModelCard, Offer, Release

_OTHER_WORK = frozenset({"embedding", "rerank", "moderation", "speech", "transcription", "translation", "image"})


def card_of(row: ModelSettings) -> ModelCard:
    """The card of a configured model."""
    return ModelCard(
        name=row.name,
        family=row.family,
        architecture="encoder" if row.family == "embedding" else "decoder",
        parameters=row.parameters,
        context=row.context,
        abilities=frozenset((*row.abilities, "rerank") if row.rerank == "cosine" else row.abilities),
        thinking=row.thinking,
        tier=row.tier,
        price=row.price,
        licence=row.licence,
        filing=row.filing,
        dimensions=row.dimensions,
        rerank=row.rerank,
        note=row.note,
        fallbacks=row.fallbacks,
    )


def offer_of(row: ModelSettings, card: ModelCard | None = None) -> Offer:
    """The release a configured model amounts to."""
    release = Release(
        model=row.name,
        version=row.version,
        upstream=row.upstream,
        upstream_model=row.upstream_model or row.name,
        share=row.share,
        weight=row.weight,
        shape=row.shape,
        adapter=row.adapter,
    )
    return Offer(release=release, card=card or card_of(row))


def _routed(card: ModelCard) -> bool:
    """Whether `auto` may choose it: a chat model that was given a tier, or any model that does other work."""
    return bool(card.abilities & _OTHER_WORK) or (card.tier in ("general", "reasoning") and "chat" in card.abilities)


class ModelCatalog:
    """Finds offers by name. Built once from settings and replaced whole when they change."""

    def __init__(self, offers: Sequence[Offer], assistants: Sequence[Assistant] = ()) -> None:
        self._by_name: dict[str, tuple[Offer, ...]] = {}
        for offer in offers:
            for name in (offer.release.model, offer.release.name):
                self._by_name[name] = (*self._by_name.get(name, ()), offer)
        cards = {offer.release.model: offer.card for offer in offers}
        for assistant in assistants:
            found = offer_of_assistant(assistant, offers)
            if found is not None:
                self._by_name[assistant.name], cards[assistant.name] = (found,), found.card
        self._cards = tuple(cards.values())
        routed = tuple(o for o in offers if _routed(o.card))
        if routed:
            self._by_name[AUTO] = routed
        self._payable = {name: self._paid(found) for name, found in self._by_name.items()}

    def find(self, name: str) -> tuple[Offer, ...]:
        """Offers of a model name, a pinned release (`name@version`) or "auto"."""
        return self._by_name.get(name, ())

    def payable(self, name: str) -> tuple[Offer, ...]:
        """Of the offers of a name, and those of the models they fall back to, which may be dearer: whoever costs anything or
        puts a prompt of its own before the turn's."""
        return self._payable.get(name, ())

    def _paid(self, offers: tuple[Offer, ...]) -> tuple[Offer, ...]:
        names = dict.fromkeys(name for offer in offers for name in offer.card.fallbacks)
        every = (*offers, *(offer for name in names for offer in self.find(name)))
        return tuple([offer for offer in every if offer.release.shape is not None or not offer.card.price.free])

    def cards(self) -> tuple[ModelCard, ...]:
        """Every model's card, in the order of the settings."""
        return self._cards
