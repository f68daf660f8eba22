"""What a turn asks of a local model, decided once for all its choices: prompt, thought, tools, shape. Does no I/O."""

from __future__ import annotations

from typing import Any

import msgspec

from zhongshu.core.ports import Call
from zhongshu.core.turns import Format, Tool, Turn
from zhongshu.upstreams.cannot import state
from zhongshu.upstreams.embedded import thoughts, tools
from zhongshu.upstreams.embedded.messages import chinese, rendered

_SHAPE = "Answer with JSON that follows this JSON Schema:\n{schema}"
_SHAPE_ZH = "请用符合以下 JSON Schema 的 JSON 回答：\n{schema}"


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """messages: for the chat template; empty when the turn brings its own prompts. thought_tokens: 0 for none.
    guarded: a thought is watched, and closed when it gets nowhere; an answer ends when it goes round in a loop.

    talk: the messages as they are told to a model that has decided to reply in words; None to reply in the middle of
    the tools' own prompt. tools: those that may be called now. must_call: a reply in words is not allowed. several: more than one call may
    be made. schema: the shape of an answer in words, None for free text.
    """

    messages: list[dict[str, str]]
    guarded: bool = False
    talk: list[dict[str, str]] | None = None
    thought_tokens: int = 0
    tools: tuple[Tool, ...] = ()
    must_call: bool = False
    several: bool = False
    reply: str = ""
    schema: dict[str, Any] | None = None

    def schemas(self) -> list[dict[str, Any]]:
        """Every JSON Schema that the caller brought."""
        return [*map(tools.arguments_schema, self.tools), *([self.schema] if self.schema is not None else [])]


def brief(call: Call, context_tokens: int, *, guarded: bool = False) -> Brief:
    """Read the call. guarded: thoughts and answers are to be watched. Raises Fault("model_cannot") for content that is not text."""
    turn = call.turn
    if turn.kind == "completion":
        return Brief(messages=[])
    if any(message.thoughts for message in turn.messages):
        state(call, "messages.thoughts")  # a template leaves out what was thought before
    zh = chinese(turn)
    usable = _usable(turn)
    may_reply = turn.tool_choice.mode == "auto"
    reply = tools.reply_name(usable)
    thought_tokens = _thought_tokens(call, context_tokens)
    also = [thoughts.instruction(zh) if thought_tokens else "", _shape(turn.format, zh)]
    return Brief(
        messages=rendered(
            turn,
            turn.model,
            _paragraphs(tools.briefing(usable, zh=zh) if usable else "", *also),
            tools.after_result(reply, zh) if usable and may_reply else "",
        ),
        talk=rendered(turn, turn.model, _paragraphs(tools.mention(usable, zh=zh), *also)) if _talks(turn) else None,
        thought_tokens=thought_tokens,
        guarded=guarded,
        tools=usable,
        must_call=not may_reply,
        several=turn.sampling.parallel_tool_calls is not False and turn.tool_choice.mode != "tool",
        reply=reply,
        schema=_schema(turn.format),
    )


def _usable(turn: Turn) -> tuple[Tool, ...]:
    match turn.tool_choice.mode:
        case "none":
            return ()
        case "tool":
            return tuple(tool for tool in turn.tools if tool.name == turn.tool_choice.name)
        case "auto" | "required":
            return turn.tools


def _talks(turn: Turn) -> bool:
    """Whether a reply in words is better made without the tools' prompt. It is, in both models and by far (2026-11);
    but with calls in the history, a prompt that does not explain them makes the 0.5B imitate them."""
    return bool(turn.tools) and not any(message.role == "tool" or message.tool_calls for message in turn.messages)


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(filter(None, texts))


def _thought_tokens(call: Call, context_tokens: int) -> int:
    turn = call.turn
    tokens = turn.thinking_tokens if call.effort in (None, turn.effort) else None
    if call.offer.card.thinking != "prompted":
        if tokens or turn.effort not in (None, "off"):
            state(call, "thinking_tokens" if tokens else "reasoning_effort")
        return 0
    if tokens:
        if tokens > context_tokens // 3:
            state(call, "thinking_tokens")
        return min(tokens, context_tokens // 3)
    return thoughts.budget(call.effort or turn.effort, context_tokens)


def _schema(format: Format) -> dict[str, Any] | None:
    match format.kind:
        case "text":
            return None
        case "json":
            return {"type": "object"}
        case "schema":
            return msgspec.json.decode(format.schema) if format.schema is not None else {"type": "object"}


def _shape(format: Format, zh: bool) -> str:
    if format.kind != "schema" or format.schema is None:
        return ""
    return (_SHAPE_ZH if zh else _SHAPE).format(schema=bytes(format.schema).decode())
