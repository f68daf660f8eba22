"""Reading a whole response object: its output items -> Answer, and what its status means.

    completed    "tool_calls" where a function is called, or a built-in tool and nothing said; else "stop"
    incomplete   "content_filter", else "length"
    failed       the Fault that its error says

Items of built-in tools are not read: they live on in `Answer.wire` alone, which an API of the same dialect passes on.
"""

from __future__ import annotations

from typing import Any

import msgspec

from zhongshu.core.answers import Answer, Choice, Stop, Usage
from zhongshu.core.problems import Fault, fault
from zhongshu.core.signatures import signed
from zhongshu.core.turns import Thought, ToolCall
from zhongshu.upstreams.openai import errors
from zhongshu.upstreams.responses.shapes import Item, Reply, UsageShape, reply_decoder

DIALECT = "openai.responses"
READ = frozenset({"message", "reasoning", "function_call"})


def read_answer(body: bytes, upstream: str) -> Answer:
    """The Answer of a plain reply with status 200.

    Raises Fault: upstream_malformed when it is no response object, or what the error inside it says.
    """
    try:
        reply = reply_decoder.decode(body)
        if reply.output is None or reply.status in ("failed", "cancelled"):
            raise no_answer(reply, body, upstream)
        choice = _choice(reply.output, reply)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise fault("upstream_malformed", upstream=upstream, why="the body is not a response object") from None
    return Answer((choice,), usage_of(reply.usage), reply.model or "", wire=body, dialect=DIALECT)


def no_answer(reply: Reply, body: bytes, upstream: str) -> Fault:
    """What a response object says that holds no answer."""
    if reply.error is not None:
        return errors.explain(upstream, "", 200, msgspec.json.encode({"error": reply.error}))
    if reply.status == "cancelled":
        return fault("upstream_cut", upstream=upstream)
    if b'"error"' in body or b'"message"' in body:
        return errors.explain(upstream, "", 200, body)
    return fault("upstream_malformed", upstream=upstream, why="the reply holds no output")


def stop_of(reply: Reply, *, calls: bool) -> Stop:
    """Why it stopped."""
    if reply.status == "incomplete":
        reason = reply.incomplete_details.reason if reply.incomplete_details else None
        return "content_filter" if reason == "content_filter" else "length"
    return "tool_calls" if calls else "stop"


def thought_of(item: Item) -> Thought:
    """A reasoning item as a block: its own text, else its summary; what is encrypted is its signature."""
    text = "".join([part.text or "" for part in item.parts("content")])
    if not text:
        text = "\n\n".join([part.text or "" for part in item.parts("summary")])
    return Thought(
        text, signed("responses", item.encrypted_content), redacted=not text and bool(item.encrypted_content)
    )


def call_of(item: Item, number: int) -> ToolCall:
    """A function_call item."""
    return ToolCall(item.call_id or item.id or f"call_{number}", item.name or "", arguments_of(item.arguments))


def arguments_of(given: Any) -> str:
    """The argument JSON as the model wrote it, also when it was sent as an object."""
    if given is None or isinstance(given, str):
        return given or ""
    return msgspec.json.encode(given).decode()


def usage_of(shape: UsageShape | None) -> Usage | None:
    """Counts as whole numbers; None where nothing was said. Parts never exceed what they are part of."""
    if shape is None or (shape.input_tokens is None and shape.output_tokens is None and shape.total_tokens is None):
        return None
    prompt, made = shape.input_tokens, shape.output_tokens
    if made is None:
        made = (shape.total_tokens or 0) - (prompt or 0) if shape.total_tokens else 0
    if prompt is None:
        prompt = shape.total_tokens - made if shape.total_tokens else 0
    prompt, made = max(int(prompt), 0), max(int(made), 0)
    cached = (shape.input_tokens_details.cached_tokens if shape.input_tokens_details else None) or 0
    thinking = (shape.output_tokens_details.reasoning_tokens if shape.output_tokens_details else None) or 0
    return Usage(prompt, made, cached=min(max(int(cached), 0), prompt), thinking=min(max(int(thinking), 0), made))


def _choice(items: list[Item], reply: Reply) -> Choice:
    text: list[str] = []
    refusal: list[str] = []
    thoughts: list[Thought] = []
    calls: list[ToolCall] = []
    logprobs: list[msgspec.Raw] = []
    for item in items:
        match item.type:
            case "message":
                for part in item.parts("content"):
                    text.append(part.text or "")
                    refusal.append(part.refusal or "")
                    logprobs += part.logprobs or ()
            case "reasoning":
                thoughts.append(thought_of(item))
            case "function_call":
                calls.append(call_of(item, len(calls)))
            case _:
                pass
    called = bool(calls) or (any(item.type not in READ for item in items) and not any(text) and not any(refusal))
    signed = any(thought.signature for thought in thoughts)
    return Choice(
        index=0,
        text="".join(text),
        thought="".join([thought.text for thought in thoughts]),
        tool_calls=tuple(calls),
        stop=stop_of(reply, calls=called),
        refusal="".join(refusal) or None,
        logprobs=tuple(logprobs) or None,
        thoughts=_blocks(thoughts) if signed else (),
    )


def _blocks(thoughts: list[Thought]) -> tuple[Thought, ...]:
    """As a stream's blocks fold: a block ends with its signature, so unsigned ones belong to what follows them."""
    blocks: list[Thought] = []
    held = ""
    for thought in thoughts:
        if thought.signature is None:
            held += thought.text
        else:
            text = held + thought.text
            blocks.append(Thought(text, thought.signature, thought.redacted and not text))
            held = ""
    return (*blocks, Thought(held)) if held else tuple(blocks)
