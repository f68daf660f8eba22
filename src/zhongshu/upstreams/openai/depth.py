"""How deep a call is to think, in the words that its upstream and its model take; what they cannot be told is stated.

The spellings themselves are in thinking.py, the words by model in efforts.py.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.core.ports import Call
from zhongshu.core.problems import Said
from zhongshu.upstreams.cannot import cannot, state
from zhongshu.upstreams.openai.efforts import (
    SCALE,
    always_thinks,
    calls_without_thought,
    draws_itself,
    nearest,
    takes_required,
    words_for_a_switch,
    words_of,
)
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.openai.thinking import BUDGETED, WORDLESS, Thinking, effort_fields, word_of

# A model that never thinks has no switch, and one that is prompted to think has been prompted already.
_SWITCHED = frozenset({"switch", "always"})
# What every model that has words takes.
_LEAST_OF_ALL = ("low", "medium", "high")
# Where a demand for a tool is refused while the model thinks (DeepSeek, Moonshot, DashScope; read 2026-11-22).
_NOT_ON_DEMAND = frozenset({"thinking", "thinking+effort", "enable_thinking"})
_DEMANDS = frozenset({"required", "tool"})
_REQUIRED = Raw(b'"required"')
# How an answer is drawn, and the value that is no wish; and what OpenAI's models do not tell of it while they think.
_USUAL = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
_USUAL_OF_OPENAI = {**_USUAL, "logprobs": False, "top_logprobs": 0}

_encode = msgspec.json.Encoder().encode


def set_depth(fields: dict[str, Raw], call: Call, manner: Manner, effort: str, tokens: int | None) -> str:
    """Write an effort over what a request's fields say of depth; what was said. tokens: the caller's budget, which goes
    before it."""
    spelling = spelling_of(call, manner)
    said = _sayable(call, manner, spelling, effort, tokens)
    _set(fields, spelling, said, tokens)
    return said


def depth_of(call: Call, manner: Manner) -> tuple[str | None, int | None]:
    """The effort to write, and the budget in tokens that the caller gave, unless the route decided otherwise. What the
    upstream cannot be told is stated."""
    turn = call.turn
    effort = call.effort or turn.effort
    tokens = turn.thinking_tokens if call.effort in (None, turn.effort) else None
    if call.offer.card.thinking not in _SWITCHED or manner.thinking == "none":
        if tokens or turn.effort not in (None, "off"):
            state(call, "thinking_tokens" if tokens else "reasoning_effort")
        return None, None
    if barred(call, manner):
        if tokens or effort not in (None, "off"):
            state(call, "thinking_tokens" if tokens else "reasoning_effort")
        return "off", None
    if tokens and manner.thinking not in BUDGETED:
        state(call, "thinking_tokens")
    return effort or (word_of(tokens) if tokens else None), tokens


def barred(call: Call, manner: Manner) -> bool:
    """Whether thought would have this turn refused: a demanded tool goes before it, and in OpenAI's chat any tool does."""
    turn = call.turn
    if manner.thinking == "reasoning_effort":
        return bool(turn.tools) and calls_without_thought(call.offer.release.upstream_model)
    return _demanded(call, manner) and not takes_required(call.offer.release.upstream_model)


def _demanded(call: Call, manner: Manner) -> bool:
    """Whether a tool is demanded where that and thought are refused together."""
    return call.turn.tool_choice.mode in _DEMANDS and manner.thinking in _NOT_ON_DEMAND


def say_demand(call: Call, fields: dict[str, Raw], manner: Manner) -> None:
    """See to a demanded tool where the model cannot stop thinking. Of one tool, to demand it is to demand any. Raises
    Fault("model_cannot") where the model takes no such demand: it may answer without the tool, if merely asked."""
    if not (_demanded(call, manner) and thinks_always(call)):
        return
    choice, required = call.turn.tool_choice, takes_required(call.offer.release.upstream_model)
    if required and (choice.mode == "required" or len(call.turn.tools) == 1):
        fields["tool_choice"] = _REQUIRED
        return
    word = "required" if required else "auto"
    remedy = Said(
        f'It thinks whatever it is told: send `tool_choice` "{word}", or use a model that can stop thinking.',
        f'该模型始终思考：请将 `tool_choice` 设为 "{word}"，或改用可关闭思考的模型。',
    )
    raise cannot(call, Said("a tool call that is demanded", "强制调用工具"), "tool_choice", remedy)


def leave_drawing(call: Call, fields: dict[str, Any], word: str | None, manner: Manner) -> None:
    """Take out how the answer is to be drawn, where the model refuses to be told; stated unless it is the usual. word: of
    effort, as it was said."""
    if not draws_itself(call.offer.release.upstream_model, word, manner.thinking):
        return
    for name, usual in (_USUAL if manner.thinking == "thinking" else _USUAL_OF_OPENAI).items():
        if fields.pop(name, None) is not None and getattr(call.turn.sampling, name) not in (None, usual):
            state(call, name)


def spelling_of(call: Call, manner: Manner) -> Thinking:
    """How depth is spelt for this model: one of a service of switches may take words."""
    if manner.thinking != "thinking":
        return manner.thinking
    return words_for_a_switch(call.offer.release.upstream_model) or manner.thinking


def _sayable(call: Call, manner: Manner, spelling: Thinking, effort: str, tokens: int | None) -> str:
    """The effort nearest to this one that the model and the spelling know; that it is another is stated. A model that
    always thinks takes the least it knows."""
    if tokens and spelling in BUDGETED:
        return effort
    if spelling in WORDLESS:
        always = effort == "off" and thinks_always(call)
        said = "low" if always else effort
        if always or (effort in ("minimal", "low", "medium") and not tokens):
            state(call, "reasoning_effort")
        return said
    word = word_taken(call, effort, manner.efforts)
    return "off" if word == "none" else word


def thinks_always(call: Call) -> bool:
    """Whether the model cannot be told to stop thinking."""
    return call.offer.card.thinking == "always" or always_thinks(call.offer.release.upstream_model)


def word_taken(call: Call, effort: str, known: tuple[str, ...] = SCALE) -> str:
    """The word for an effort that this model takes, of those its service knows; stated where it is another."""
    words = words_of(call.offer.release.upstream_model)
    taken = tuple([word for word in words if word in known]) or known
    if effort == "off" and thinks_always(call):
        least = SCALE[1:] if words is not SCALE else _LEAST_OF_ALL
        taken = tuple([word for word in taken if word in least]) or taken
    word = nearest(effort, taken)
    if word != ("none" if effort == "off" else effort):
        state(call, "reasoning_effort")
    return word


def effort_over(call: Call, fields: dict[str, Raw], manner: Manner) -> str | None:
    """The effort to write over a client's own fields; None when those say it already, or there is nothing to say."""
    turn, effort = call.turn, call.effort or call.turn.effort
    if effort is None or call.offer.card.thinking not in _SWITCHED:
        return None
    own_spelling = "reasoning_effort" in fields and manner.thinking == "reasoning_effort"
    if own_spelling and call.effort in (None, turn.effort):
        return None
    if effort != "off" and barred(call, manner):
        state(call, "reasoning_effort")
        return "off"
    return effort


def _set(fields: dict[str, Raw], thinking: Thinking, effort: str, tokens: int | None) -> None:
    if "effort" not in thinking:
        fields.pop("reasoning_effort", None)
    for name, value in effort_fields(thinking, effort, tokens).items():
        asked = fields.get(name)
        said = Raw(_encode(value))
        if asked is not None and bytes(asked).startswith(b"{") and bytes(said).startswith(b"{"):
            merged = msgspec.json.decode(asked, type=dict[str, Raw])
            merged.update(msgspec.json.decode(said, type=dict[str, Raw]))
            said = Raw(_encode(merged))
        fields[name] = said
