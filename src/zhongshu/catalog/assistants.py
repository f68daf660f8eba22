"""Settings of one assistant: `[[assistants]]` in the TOML; and the offer it is in the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

from zhongshu.catalog.settings import NAME
from zhongshu.core.dials import FIELDS, RANGES, fits
from zhongshu.core.models import AUTO, Ability, Assistant, ModelCard, Offer, Release

_INHERITED: frozenset[Ability] = frozenset({"chat", "tools", "json", "schema", "vision", "audio", "files"})
_MOST_ROUNDS = 5


class AssistantSettings(Assistant, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An assistant: models that answer together, asked like a model by its name. See core.models.Assistant."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or self.name == AUTO:
            raise ValueError(
                'name: use letters, digits and . _ : / - only, at most 128, and not "auto"',
                'name: 只能使用字母、数字和 . _ : / -，最多 128 个字符，且不能是 "auto"',
            )
        if not 0 <= self.threshold <= 1:
            raise ValueError("threshold: give a chance, from 0 to 1", "threshold: 请填写 0 到 1 之间的概率")
        if not 1 <= self.rounds <= _MOST_ROUNDS:
            raise ValueError(f"rounds: give 1 to {_MOST_ROUNDS}", f"rounds: 请填写 1 到 {_MOST_ROUNDS}")
        for field in FIELDS:
            value = getattr(self, field)
            if value is not None and not fits(field, value):
                en, zh = RANGES[field]
                raise ValueError(f"{field}: {en}", f"{field}: {zh}")
        if self.strategy == "direct":
            if bool(self.general) == bool(self.reasoning):
                raise ValueError(
                    'general: "direct" asks one model; name it in `general` or in `reasoning`, not in both',
                    'general: "direct" 只使用一个模型；请只在 general 或 reasoning 之一中填写',
                )
            return
        for field in ("general", "reasoning"):
            if not getattr(self, field):
                raise ValueError(
                    f'{field}: "{self.strategy}" needs a model here; name one of your models',
                    f'{field}: 策略 "{self.strategy}" 需要在此填写一个模型名',
                )

    @property
    def models(self) -> tuple[str, ...]:
        """The names of its models."""
        return tuple(name for name in (self.general, self.reasoning) if name)


def offer_of_assistant(assistant: Assistant, offers: Sequence[Offer]) -> Offer | None:
    """The assistant in the catalogue, beside `offers`; None while one of its models is not there.

    It takes what its first model takes; its prompt stands on no card, which callers may read.
    """
    names = tuple(name for name in (assistant.general, assistant.reasoning) if name)
    cards = [next((o.card for o in offers if name in (o.release.model, o.release.name)), None) for name in names]
    known = [card for card in cards if card is not None]
    if not known or len(known) < len(names):
        return None
    thinks: frozenset[Ability] = frozenset({"thinking"}) if any(c.thinking != "never" for c in known) else frozenset()
    contexts = [card.context for card in known if card.context]
    card = ModelCard(
        name=assistant.name,
        abilities=(known[0].abilities & _INHERITED) | thinks,
        context=min(contexts) if contexts else None,
        strategy=assistant.strategy,
        made_of=names,
    )
    release = Release(model=assistant.name, version="1", upstream="assistant", upstream_model=assistant.name)
    return Offer(release, card, assistant)
