"""What a turn needs a model to be able to do, and the refusal when none of those at hand can. Pure.

Pictures, sound, films and documents go where they are taken; `pipeline/reading` makes text of some that nobody takes.
"""

from __future__ import annotations

from collections.abc import Sequence

from zhongshu.core.models import Ability, ModelCard, Offer
from zhongshu.core.problems import Refusal, Said, problem
from zhongshu.core.turns import Audio, File, Image, Turn, Video

# What a part needs, what to call it, and the field that brought it.
_PARTS: tuple[tuple[type, Ability, Said], ...] = (
    (Image, "vision", Said("pictures", "图片")),
    (Audio, "audio", Said("sound", "音频")),
    (Video, "vision", Said("films", "视频")),
    (File, "files", Said("documents", "文档")),
)


class Need:
    """One thing a turn needs: any of `abilities` will do."""

    __slots__ = ("abilities", "param", "what")

    def __init__(self, what: Said, param: str, *abilities: Ability) -> None:
        self.what = what
        self.param = param
        self.abilities = frozenset(abilities)


_OF_PARTS: dict[type, Need] = {part: Need(what, "messages", ability) for part, ability, what in _PARTS}
_TOOLS = Need(Said("tools", "工具调用"), "tools", "tools")
_JSON = Need(Said("JSON answers", "JSON 输出"), "response_format", "json", "schema")
_SCHEMA = Need(Said("answers by a JSON Schema", "按 JSON Schema 输出"), "response_format", "schema")


def needs(turn: Turn) -> tuple[Need, ...]:
    """What this turn needs beyond words in and out."""
    found: list[Need] = []
    for message in turn.messages:
        if type(message.content) is not str:
            found += [need for part in message.content if (need := _OF_PARTS.get(type(part))) is not None]
    if turn.tools and turn.tool_choice.mode != "none":
        found.append(_TOOLS)
    if turn.format.kind != "text":
        found.append(_SCHEMA if turn.format.kind == "schema" else _JSON)
    return tuple(dict.fromkeys(found)) if found else ()


def able(turn: Turn, offers: tuple[Offer, ...], cards: Sequence[ModelCard]) -> tuple[Offer, ...] | Refusal:
    """Those of the offers that can do all that the turn needs. cards: every configured model, to be named where none
    of the offers can."""
    wanted = needs(turn)
    if not wanted:
        return offers
    left = offers
    for need in wanted:
        left = tuple([offer for offer in left if offer.card.abilities & need.abilities])
        if not left:
            return _refusal(turn, need, wanted, cards)
    return left


def _refusal(turn: Turn, missing: Need, wanted: Sequence[Need], cards: Sequence[ModelCard]) -> Refusal:
    chatting = [card for card in cards if turn.kind in card.abilities]
    could = [card.name for card in chatting if all(card.abilities & need.abilities for need in wanted)]
    ability = " / ".join(f"`{name}`" for name in sorted(missing.abilities))
    if missing is _OF_PARTS[Audio]:
        ability += " / `transcription`"  # by which `auto` writes it down first
    if could:
        names = ", ".join(f"`{name}`" for name in could[:5])
        remedy = Said(f"Ask for one that can by its name: {names}.", f"请按名称指定可用的模型：{names}。")
    else:
        remedy = Said(
            f"No configured model can; add one with the ability {ability}.",
            f"已配置的模型都不支持；请添加具备 {ability} 能力的模型。",
        )
    refused = problem("model_cannot", param=missing.param, model=turn.model, what=missing.what, remedy=remedy)
    return Refusal("route", refused)
