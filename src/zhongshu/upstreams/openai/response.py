"""Reading a whole reply: body bytes -> Answer or Embeddings. What a stream reads in pieces is read by the same words
here, so that both ways of answering amount to the same."""

from __future__ import annotations

import struct
from base64 import b64decode
from typing import NoReturn

import msgspec
from msgspec import Raw

from zhongshu.core.answers import Answer, Choice, Embeddings, Stop, Usage
from zhongshu.core.problems import fault
from zhongshu.core.signatures import signed
from zhongshu.core.turns import Thought as Block
from zhongshu.core.turns import ToolCall
from zhongshu.upstreams.openai import errors
from zhongshu.upstreams.openai.manner import Thoughts
from zhongshu.upstreams.openai.shapes import (
    ChoiceShape,
    Detail,
    Function,
    Message,
    Part,
    Reply,
    UsageShape,
    embedding_decoder,
    models_decoder,
    reply_decoder,
)
from zhongshu.upstreams.openai.tags import split

CHAT = "openai.chat"

# What followers write where OpenAI has five words. Unknown ones count as "stop": the answer is there.
STOPS: dict[str, Stop] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",  # Mistral
    "model_context_window_exceeded": "length",  # Zhipu
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",  # Zhipu
    "error": "error",
    "network_error": "error",  # Zhipu
    "insufficient_system_resource": "error",  # DeepSeek
}


_OTHER_THOUGHTS = (b'"reasoning_content"', b'"reasoning_details"', b'"thinking"')


class Thought(msgspec.Struct, frozen=True):
    """A thought read from a message, whatever its spelling. `respelt` when it was not called `reasoning_content`.
    blocks: its pieces, where more than one was signed; a piece that was not belongs to the signed one after it."""

    text: str
    signature: str | None = None
    respelt: bool = False
    blocks: tuple[Block, ...] = ()


NO_THOUGHT = Thought("")


def read_answer(body: bytes, upstream: str, dialect: str = CHAT, thoughts: Thoughts = "field") -> Answer:
    """The Answer of a plain reply with status 200. thoughts: where they are found (Manner.thoughts).

    Raises Fault: upstream_malformed when it is no such reply, or what an error object inside it says.
    """
    try:
        reply = reply_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise fault("upstream_malformed", upstream=upstream, why="the body is not a chat completion in JSON") from None
    if reply.choices is None:
        raise_error(reply, body, upstream)
    choices: list[Choice] = []
    respelt = False
    for number, shape in enumerate(reply.choices):
        choice, thought = _choice(shape, number, reply.id)
        choices.append(choice)
        respelt = respelt or thought.respelt
    if not choices:
        raise fault("upstream_malformed", upstream=upstream, why="the reply holds no choice")
    if thoughts != "field":
        split_choices = [_split(choice, already_open=thoughts == "tags-open") for choice in choices]
        if split_choices != choices:
            return Answer(tuple(split_choices), usage_of(reply), reply.model or "")
    usage = usage_of(reply)
    if (usage is not None and reply.usage is None) or _unnamed_calls(reply.choices):
        return Answer(tuple(choices), usage, reply.model or "")  # put right, so it is written anew
    return Answer(
        choices=tuple(choices),
        usage=usage,
        model=reply.model or "",
        wire=with_reasoning_content(body, "message") if respelt else body,
        dialect=dialect,
    )


def _unnamed_calls(choices: list[ChoiceShape]) -> bool:
    """Whether the server left out a call's id, which its result is to be handed back by."""
    for choice in choices:
        message = choice.message
        if message is not None and message.tool_calls and not all(call.id for call in message.tool_calls):
            return True
    return False


def read_embeddings(body: bytes, upstream: str) -> Embeddings:
    """The vectors of an embedding reply, in the order of the texts. Raises Fault as read_answer does."""
    try:
        reply = embedding_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise fault("upstream_malformed", upstream=upstream, why="the body is not a list of embeddings") from None
    if reply.data is None:
        raise_error(Reply(error=reply.error), body, upstream)
    numbered = [(number if v.index is None else v.index, v.embedding) for number, v in enumerate(reply.data)]
    numbered.sort(key=lambda pair: pair[0])
    vectors = tuple(_floats(vector, upstream) for _, vector in numbered)
    return Embeddings(vectors=vectors, usage=_usage(reply.usage), model=reply.model or "")


def read_models(body: bytes, upstream: str) -> tuple[str, ...]:
    """The names in a list of models. Raises Fault("upstream_malformed") when it is none."""
    try:
        listed = models_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise fault("upstream_malformed", upstream=upstream, why="the body is not a list of models") from None
    return tuple(model.id for model in listed.data)


def raise_error(reply: Reply, body: bytes, upstream: str) -> NoReturn:
    """A reply with status 200 that is none: an error object, or something else altogether."""
    if reply.error is not None or reply.message is not None:
        raise errors.explain(upstream, "", 200, body)
    raise fault("upstream_malformed", upstream=upstream, why="the reply holds no choices")


def usage_of(reply: Reply) -> Usage | None:
    """The tokens a reply or chunk says were used. Moonshot says it inside the last choice."""
    if reply.usage is not None:
        return _usage(reply.usage)
    for choice in reply.choices or ():
        if choice.usage is not None:
            return _usage(choice.usage)
    return None


def text_of(message: Message) -> str:
    """The written content of a message or delta."""
    content = message.content
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part.text for part in content if part.text and part.type in ("text", "output_text", ""))


def thought_of(message: Message) -> Thought:
    """The thought of a message or delta: `reasoning_content`, else `reasoning`, else `reasoning_details`, else
    thinking parts of the content. A signature stays with it whichever spelling held the text."""
    text, respelt = message.reasoning_content, False
    if not text and message.reasoning:
        text, respelt = message.reasoning, True
    signature, several = None, False
    details = message.reasoning_details
    if details:
        signatures = [s for d in details if (s := d.signature or d.data)]
        signature, several = signatures[-1] if signatures else None, len(signatures) > 1
        if not text:
            text = "".join(d.text or d.summary or "" for d in details)
            respelt = bool(text)
    if not text and isinstance(message.content, list):
        text = "".join(_thinking(part) for part in message.content)
        respelt = bool(text)
    if not text and signature is None:
        return NO_THOUGHT
    blocks = _pieces(details, text or "") if details and several else ()
    return Thought(text or "", signed("openai", signature), respelt, blocks)


def _pieces(details: list[Detail], text: str) -> tuple[Block, ...]:
    """Each detail as a block. Text that stands elsewhere, and is not theirs joined, goes with the first."""
    texts = [detail.text or detail.summary or "" for detail in details]
    if "".join(texts) != text:
        texts = [text, *[""] * (len(details) - 1)]
    return tuple(
        [
            Block(said, proof, redacted=detail.data is not None and not said)
            for detail, said in zip(details, texts, strict=True)
            if (proof := signed("openai", detail.signature or detail.data)) or said
        ]
    )


def _joined(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """As a stream's blocks fold: a block ends with its signature, so unsigned ones belong to what follows them."""
    made: list[Block] = []
    held = ""
    for block in blocks:
        held += block.text
        if block.signature is not None:
            made.append(Block(held, block.signature, block.redacted and not held))
            held = ""
    return (*made, Block(held)) if held else tuple(made)


def stop_of(reason: str | None) -> Stop | None:
    """Why a choice stopped; None while it has not (null, or the empty string some send on every chunk)."""
    return STOPS.get(reason, "stop") if reason else None


def arguments_of(function: Function) -> str:
    """The argument JSON as the model wrote it, also when it was sent as an object instead of a string."""
    given = function.arguments
    if given is None or isinstance(given, str):
        return given or ""
    return msgspec.json.encode(given).decode()


def made_id(reply_id: str | None, choice: int, call: int) -> str:
    """A tool call's id when the upstream gave none: the same for a plain reply and a stream, and at most 40
    characters, which is all that OpenAI takes back."""
    tail = "".join(c for c in (reply_id or "") if c.isalnum())[-20:]
    return f"call_{tail}_{choice}_{call}"


def with_reasoning_content(wire: bytes, inside: str) -> bytes:
    """The same JSON with each thought called `reasoning_content`, in every choice's `inside` (message or delta), and
    no longer `reasoning`; signed `reasoning_details` stay, as a client hands them back. All other values stay exactly
    as they were.

    The usual case is one replacement: unescaped, `"reasoning"` can only be the key that the decoder has found when it
    occurs once. It happens on every chunk of a vLLM stream (0.5 against 6 microseconds).
    """
    if wire.count(b'"reasoning"') == 1 and not any(other in wire for other in _OTHER_THOUGHTS):
        return wire.replace(b'"reasoning"', b'"reasoning_content"')
    fields = msgspec.json.decode(wire, type=dict[str, Raw])
    choices = msgspec.json.decode(fields["choices"], type=list[dict[str, Raw]])
    for choice in choices:
        raw = choice.get(inside)
        if raw is None or bytes(raw) == b"null":
            continue
        thought = thought_of(msgspec.json.decode(raw, type=Message, strict=False))
        if thought.respelt:
            message = msgspec.json.decode(raw, type=dict[str, Raw])
            message.pop("reasoning", None)
            message["reasoning_content"] = Raw(msgspec.json.encode(thought.text))
            choice[inside] = Raw(msgspec.json.encode(message))
    fields["choices"] = Raw(msgspec.json.encode(choices))
    return msgspec.json.encode(fields)


def _split(choice: Choice, *, already_open: bool) -> Choice:
    """The choice with the thoughts taken out of its text, unless they came in a field of their own."""
    if not choice.text or choice.thought:
        return choice
    thought, text = split(choice.text, already_open=already_open)
    return msgspec.structs.replace(choice, thought=thought, text=text)


def _choice(shape: ChoiceShape, number: int, reply_id: str | None) -> tuple[Choice, Thought]:
    index = number if shape.index is None else shape.index
    message = shape.message
    stop = stop_of(shape.finish_reason)
    if message is None:
        return Choice(index=index, text=shape.text or "", stop=stop or "stop"), NO_THOUGHT
    thought = thought_of(message)
    calls = _tool_calls(message, index, reply_id)
    logprobs = shape.logprobs.content if shape.logprobs else None
    choice = Choice(
        index=index,
        text=text_of(message),
        thought=thought.text,
        tool_calls=calls,
        stop=stop or ("tool_calls" if calls else "stop"),
        refusal=message.refusal or None,
        logprobs=tuple(logprobs) if logprobs else None,
        thoughts=_joined(thought.blocks) or ((Block(thought.text, thought.signature),) if thought.signature else ()),
    )
    return choice, thought


def _tool_calls(message: Message, index: int, reply_id: str | None) -> tuple[ToolCall, ...]:
    if message.tool_calls:
        return tuple(
            ToolCall(
                id=call.id or made_id(reply_id, index, number),
                name=(call.function.name or "") if call.function else "",
                arguments=arguments_of(call.function) if call.function else "",
                signature=call.signature(),
            )
            for number, call in enumerate(message.tool_calls)
        )
    if message.function_call is not None:
        function = message.function_call
        return (ToolCall(made_id(reply_id, index, 0), function.name or "", arguments_of(function)),)
    return ()


def _thinking(part: Part) -> str:
    if isinstance(part.thinking, list):
        return "".join(inner.text or "" for inner in part.thinking)
    return part.thinking or ""


def _usage(shape: UsageShape | None) -> Usage | None:
    """Counts as whole numbers. A missing half is worked out of the total; parts never exceed what they are part of."""
    if shape is None:
        return None
    prompt, completion, total = shape.prompt_tokens, shape.completion_tokens, shape.total_tokens
    if prompt is None and completion is None and total is None:
        return None
    if completion is None:
        completion = (total or 0) - (prompt or 0) if total else 0
    if prompt is None:
        prompt = total - completion if total else 0
    details, made = shape.prompt_tokens_details, shape.completion_tokens_details
    cached = (details.cached_tokens if details else None) or shape.prompt_cache_hit_tokens or shape.cached_tokens
    thinking = (made.reasoning_tokens if made else None) or shape.reasoning_tokens
    read, written = int(prompt), int(completion)
    if read < 0 or written < 0:
        read, written = max(read, 0), max(written, 0)
    return Usage(
        read,
        written,
        min(max(int(cached), 0), read) if cached else 0,
        min(max(int(thinking), 0), written) if thinking else 0,
    )


def _floats(vector: list[float] | str, upstream: str) -> tuple[float, ...]:
    if isinstance(vector, list):
        return tuple(vector)
    try:
        data = b64decode(vector, validate=True)
        return struct.unpack(f"<{len(data) // 4}f", data)
    except (ValueError, struct.error):
        raise fault("upstream_malformed", upstream=upstream, why="an embedding is not Base64 of float32") from None
