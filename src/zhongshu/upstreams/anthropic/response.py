"""Reading a whole message: body bytes -> Answer. What a stream reads in pieces is read by the same words here."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from zhongshu.core.answers import Answer, Choice, Stop, Usage
from zhongshu.core.problems import fault
from zhongshu.core.signatures import signed
from zhongshu.core.turns import Thought, ToolCall
from zhongshu.upstreams.anthropic import errors
from zhongshu.upstreams.anthropic.shapes import MessageShape, UsageShape, count_decoder, message_decoder, models_decoder

DIALECT = "anthropic.messages"

# Unknown reasons count as "stop": the answer is there. pause_turn: a turn of server tools that may be continued.
STOPS: dict[str, Stop] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def read_answer(body: bytes, upstream: str, answer_tool: str = "") -> Answer:
    """The Answer of a plain reply with status 200. answer_tool: the tool whose arguments are the answer's text.

    Raises Fault: upstream_malformed when it is no message, or what an error object inside it says.
    """
    try:
        message = message_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise fault("upstream_malformed", upstream=upstream, why="the body is not a message in JSON") from None
    if message.content is None:
        if message.type == "error":
            raise errors.explain(upstream, "", 200, body)
        raise fault("upstream_malformed", upstream=upstream, why="the reply holds no content")
    choice = _choice(message, answer_tool)
    usage = usage_of(message.usage)
    if answer_tool:
        return Answer((choice,), usage, message.model or "")
    return Answer((choice,), usage, message.model or "", wire=body, dialect=DIALECT)


def _choice(message: MessageShape, answer_tool: str) -> Choice:
    texts: list[str] = []
    thoughts: list[Thought] = []
    calls: list[ToolCall] = []
    for block in message.content or ():
        match block.type:
            case "text":
                texts.append(block.text or "")
            case "thinking":
                thoughts.append(Thought(block.thinking or "", signed("anthropic", block.signature)))
            case "redacted_thinking":
                thoughts.append(Thought("", signed("anthropic", block.data) or "", redacted=True))
            case "tool_use" if answer_tool and block.name == answer_tool:
                texts = [arguments_of(block.input)]
            case "tool_use":
                calls.append(ToolCall(block.id or f"toolu_{len(calls)}", block.name or "", arguments_of(block.input)))
            case _:  # a server tool's call or result has no word of ours; it is in the wire form
                continue
    reason = message.stop_reason
    return Choice(
        index=0,
        text="".join(texts),
        thought="".join([thought.text for thought in thoughts]),
        tool_calls=tuple(calls),
        stop=stop_of(reason, called=bool(calls)),
        thoughts=tuple(thoughts) if any(thought.signature is not None for thought in thoughts) else (),
        stopped_by=message.stop_sequence if reason == "stop_sequence" else None,
    )


def stop_of(reason: str | None, *, called: bool) -> Stop:
    """Why it stopped. "tool_use" without a call of the client's is the answer tool's."""
    stop = STOPS.get(reason or "", "tool_calls" if called else "stop")
    return "stop" if stop == "tool_calls" and not called else stop


def arguments_of(given: Raw) -> str:
    """A call's arguments as the model wrote them."""
    return bytes(given).decode() if bytes(given) != b"null" else "{}"


def usage_of(shape: UsageShape | None) -> Usage | None:
    """Counts as whole numbers. Cached tokens are part of our prompt; Anthropic leaves them out of its input."""
    if shape is None or (shape.input_tokens is None and shape.output_tokens is None):
        return None
    cached, written = _count(shape.cache_read_input_tokens), _count(shape.cache_creation_input_tokens)
    completion = _count(shape.output_tokens)
    details = shape.output_tokens_details
    return Usage(
        prompt=_count(shape.input_tokens) + cached + written,
        completion=completion,
        cached=cached,
        thinking=min(_count(details.thinking_tokens if details else None), completion),
        written=written,
    )


def read_models(body: bytes, upstream: str) -> tuple[tuple[str, ...], str | None]:
    """The names on one page of a list of models, and the id after which the next begins."""
    try:
        page = models_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise fault("upstream_malformed", upstream=upstream, why="the body is not a list of models") from None
    return tuple([model.id for model in page.data]), page.last_id if page.has_more else None


def read_count(body: bytes, upstream: str) -> int:
    """The tokens of a prompt that was counted."""
    try:
        return count_decoder.decode(body).input_tokens
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise fault("upstream_malformed", upstream=upstream, why="the body is not a token count") from None


def _count(value: float | None) -> int:
    return max(int(value), 0) if value else 0
