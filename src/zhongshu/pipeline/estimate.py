"""Token counts by size, for reservations and for upstreams that do not say. Flagged as estimates, but for the share of
thoughts in a count that is known."""

from __future__ import annotations

import msgspec

from zhongshu.core.access import Ask
from zhongshu.core.answers import Answer, Choice, Usage
from zhongshu.core.models import Offer, Shape
from zhongshu.core.money import Exchange
from zhongshu.core.turns import Turn

_WORDLESS = frozenset({"embedding", "rerank", "moderation"})
_WRITTEN = frozenset({"chat", "completion"})


def tokens_of_size(characters: int, utf8_bytes: int) -> int:
    """About one token for four ASCII characters and seven for ten others (Qwen's and DeepSeek's own rule of thumb).

    The count of non-ASCII characters follows from the sizes, as nearly all take three bytes.
    """
    other = (utf8_bytes - characters) // 2
    return (characters - other) // 4 + other * 7 // 10 + 1


def tokens_of(text: str) -> int:
    """The estimate for a text."""
    return tokens_of_size(len(text), len(text) if text.isascii() else len(text.encode("utf-8", "replace")))


def ask_of(turn: Turn, offers: tuple[Offer, ...], completion_tokens: int, exchange: Exchange | None = None) -> Ask:
    """The most a turn may come to: prompt by size, completion by its limit, at the dearest of its possible prices. The
    prompt of a release of its own is part of what that release is asked.

    offers: whoever may answer, fallbacks too. exchange: between the currencies of prices and of budgets, where they
    differ.
    """
    prompt = turn.body_bytes // 4 + 1
    completion = 0 if turn.kind in _WORDLESS else (turn.sampling.max_tokens or completion_tokens) * turn.sampling.n
    dearest = added = 0
    for offer in offers:
        price, shape = offer.card.price, offer.release.shape
        more = 0 if shape is None else shape_tokens(turn, shape)
        if more > added:
            added = more
        if price.free:
            continue
        cost_nano = price.most_nano(prompt + more, completion, turn.arrived_ns)
        if exchange is not None:
            cost_nano = exchange.to_home(cost_nano, price.currency, turn.arrived_ns)
        if cost_nano > dearest:
            dearest = cost_nano
    return Ask(prompt + added + completion, dearest, turn.user, turn.model)


def shape_tokens(turn: Turn, shape: Shape) -> int:
    """What a release puts before the conversation (`shaped`): the prompt, and a message around it."""
    return tokens_of(shape.prompt) + 4 if shape.prompt and turn.kind == "chat" else 0


def usage_of(turn: Turn, answer: Answer | None) -> Usage:
    """Usage of an answer whose upstream gave none. Of what was handed on, only the words that went in are counted."""
    prompt = sum(tokens_of(message.text()) + 4 for message in turn.messages) + sum(map(tokens_of, turn.prompts))
    thinking, completion = _made(answer.choices if answer and turn.kind in _WRITTEN else ())
    return Usage(prompt=prompt, completion=completion, thinking=thinking, estimated=True)


def told_apart(usage: Usage, answer: Answer) -> Usage:
    """Usage whose thoughts were counted with the answer and not apart (vLLM and others, and where they stand between
    tags): their share of the upstream's count, by size."""
    if usage.thinking or not answer.choices or not answer.choices[0].thought:
        return usage
    thinking, completion = _made(answer.choices)
    return msgspec.structs.replace(usage, thinking=usage.completion * thinking // completion)


def _made(choices: tuple[Choice, ...]) -> tuple[int, int]:
    """The tokens of thoughts by size, and of all."""
    thinking = completion = 0
    for choice in choices:
        thought = tokens_of(choice.thought) if choice.thought else 0
        thinking += thought
        completion += thought + (tokens_of(choice.text) if choice.text else 0)
        completion += sum(tokens_of(call.arguments) + tokens_of(call.name) for call in choice.tool_calls)
    return thinking, completion
