"""The most that an assistant's turn may come to: every call its strategy can make, at each one's dearest price."""

from __future__ import annotations

from typing import Literal, NamedTuple

from zhongshu.core.access import Ask
from zhongshu.core.models import Assistant, Offer
from zhongshu.core.turns import Turn
from zhongshu.pipeline.estimate import shape_tokens
from zhongshu.pipeline.stages import Rooms
from zhongshu.pipeline.strategies.alike import needs_thought, wants_result
from zhongshu.pipeline.strategies.calls import inner_limit
from zhongshu.pipeline.strategies.front_back import brings_tools, is_first
from zhongshu.router.conversation import whole_question

_WORDING = 400
"""Tokens of what the strategy itself says in a call, at most."""


class _Call(NamedTuple):
    """A call: of which model, and the tokens of its prompt and of its answer at most."""

    by: Literal["general", "reasoning", "either"]
    prompt: int
    answer: int


def ask_of_assistant(rooms: Rooms, turn: Turn, assistant: Assistant) -> Ask:
    """Prompts by size, answers by their limit."""
    tokens = cost_nano = 0
    for call in _calls(rooms, turn, assistant):
        offers = _offers(rooms, assistant, call)
        more = max((shape_tokens(turn, o.release.shape) for o in offers if o.release.shape is not None), default=0)
        prompt = call.prompt + more
        tokens += prompt + call.answer
        cost_nano += max((_most(rooms, turn, offer, prompt, call.answer) for offer in offers), default=0)
    return Ask(tokens, cost_nano, turn.user, turn.model)


def _calls(rooms: Rooms, turn: Turn, assistant: Assistant) -> list[_Call]:
    """The calls of the dearest way that the strategy may go, as far as the turn itself shows which. asked: the prompt of a
    call that gets the conversation; worded: with what the strategy says; inner: an answer to the strategy itself."""
    asked = turn.body_bytes // 4 + 1 + len(assistant.prompt.encode()) // 3
    worded = asked + _WORDING
    most = turn.sampling.max_tokens
    answer = (most or rooms.assume.completion_tokens) * turn.sampling.n
    inner = rooms.assume.completion_tokens if most is None else inner_limit(most)
    draft = _Call("general", asked, answer)
    match assistant.strategy:
        case "direct" | "tiered":
            return [_Call("either", asked, answer)]
        case "cascade":
            return [draft, _Call("reasoning", asked, answer)]
        case "front-back":
            if brings_tools(turn):
                return [draft]
            phrase = _Call("general", worded + inner, answer)
            if is_first(turn):
                return [_Call("reasoning", asked, inner), phrase]
            return [_Call("general", worded, inner), _Call("reasoning", max(asked, inner), inner), phrase]
        case "draft-check":
            question = whole_question(turn)
            if wants_result(question, turn.format):
                glances = assistant.rounds > 1 and not needs_thought(question)
                return [draft, *[_Call("reasoning", asked, answer)] * (2 if glances else 1)]
            # Of a text; where a short draft turns out to be a result, no more calls are made, and shorter ones.
            check, repaired = _Call("reasoning", worded + answer, inner), worded + answer + inner
            again = (check, _Call("general", repaired, answer)) * (assistant.rounds - 1)
            return [draft, *again, check, _Call("reasoning", repaired, answer)]


def _offers(rooms: Rooms, assistant: Assistant, call: _Call) -> list[Offer]:
    """Who may answer that call, those that it falls back to included."""
    names = {"general": (assistant.general,), "reasoning": (assistant.reasoning,)}.get(
        call.by, (assistant.general, assistant.reasoning)
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
