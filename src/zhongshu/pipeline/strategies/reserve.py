"""The most that an assistant's turn may come to: every call its strategy can make, at each one's dearest price."""

from __future__ import annotations

from typing import Literal, NamedTuple

from zhongshu.core.access import Ask
from zhongshu.core.models import Assistant, Offer
from zhongshu.core.turns import Turn
from zhongshu.pipeline.stages import Rooms

_WORDING = 400
"""Tokens of what the strategy itself says in a call, at most."""


class _Part(NamedTuple):
    """A call: by which model, and how many earlier answers its prompt holds."""

    by: Literal["general", "reasoning", "either"]
    carried: int = 0


def ask_of_assistant(rooms: Rooms, turn: Turn, assistant: Assistant) -> Ask:
    """Prompts by size, answers by their limit."""
    prompt = turn.body_bytes // 4 + 1 + len(assistant.prompt.encode()) // 3
    completion = (turn.sampling.max_tokens or rooms.assume.completion_tokens) * turn.sampling.n
    room = max(completion, rooms.assume.completion_tokens)
    tokens = cost_nano = 0
    for part in _parts(assistant):
        wording = 0 if assistant.strategy in ("direct", "tiered") else _WORDING
        asked = prompt + wording + part.carried * room
        answered = completion if part.by == "either" else room
        tokens += asked + answered
        cost_nano += max((_most(rooms, turn, o, asked, answered) for o in _offers(rooms, assistant, part)), default=0)
    return Ask(tokens, cost_nano, turn.user, turn.model)


def _parts(assistant: Assistant) -> tuple[_Part, ...]:
    match assistant.strategy:
        case "direct" | "tiered":
            return (_Part("either"),)
        case "cascade":
            return (_Part("general"), _Part("reasoning"))
        case "front-back":
            return (_Part("general"), _Part("reasoning"), _Part("general", 1))
        case "draft-check":
            check, repair = _Part("reasoning", 1), _Part("either", 2)
            return (_Part("general"), *((check, repair) * assistant.rounds))


def _offers(rooms: Rooms, assistant: Assistant, part: _Part) -> list[Offer]:
    """Who may answer that call, those that it falls back to included."""
    names = {"general": (assistant.general,), "reasoning": (assistant.reasoning,)}.get(
        part.by, (assistant.general, assistant.reasoning)
    )
    offers = [offer for name in names for offer in rooms.catalog.find(name)]
    more = dict.fromkeys(name for offer in offers for name in offer.card.fallbacks)
    return [*offers, *(offer for name in more for offer in rooms.catalog.find(name))]


def _most(rooms: Rooms, turn: Turn, offer: Offer, prompt: int, completion: int) -> int:
    """In the currency that budgets are counted in."""
    price = offer.card.price
    cost_nano = price.most_nano(prompt, completion, turn.arrived_ns)
    if rooms.exchange is None:
        return cost_nano
    return rooms.exchange.to_home(cost_nano, price.currency, turn.arrived_ns)
