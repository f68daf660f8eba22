"""Messages request bodies -> Turn.

What has no word of ours stays in the turn's wire form, which an upstream of the same dialect forwards. An upstream of
another dialect refuses tools that the provider runs, and states the blocks they left and the fields we do not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec
from msgspec import UNSET, Raw

from zhongshu.api.anthropic.shapes import (
    KNOWN_BLOCKS,
    KNOWN_IN_RESULTS,
    Base64Source,
    Block,
    ContentSource,
    DocumentBlock,
    FileSource,
    ImageBlock,
    MessagesRequest,
    OnlyText,
    RedactedThinkingBlock,
    SearchResultBlock,
    TextBlock,
    TextSource,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    UrlSource,
    WireMessage,
    WireTool,
    WireToolChoice,
    Written,
)
from zhongshu.api.decoding import BodyDecoder
from zhongshu.api.endpoint import Incoming
from zhongshu.core.depth import asked
from zhongshu.core.problems import Fault, Said, fault
from zhongshu.core.signatures import arriving, of_call
from zhongshu.core.turns import (
    NO_WISHES,
    Effort,
    File,
    Format,
    Image,
    Message,
    Part,
    Sampling,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    Turn,
    Wire,
)

DIALECT = "anthropic.messages"

_decode = BodyDecoder(MessagesRequest)
_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_plain = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_FIELDS = frozenset(MessagesRequest.__struct_fields__)
_AUTO = ToolChoice()
_TEXT = Format()
_EFFORTS: dict[str, Effort] = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
_OFF = frozenset({"disabled", "between_tools"})
# Budgets in tokens, and the effort they amount to where an upstream takes a word.
_BUDGETS: tuple[tuple[int, Effort], ...] = ((1024, "minimal"), (4096, "low"), (12288, "medium"))
_LONGEST_HEADER = 1024


def messages_turn(incoming: Incoming, *, counting: bool = False) -> Turn:
    """The Turn of a Messages request. counting: only its tokens are wanted, so max_tokens may be missing.

    Raises the Fault that names the field and what is wrong with it.
    """
    body = incoming.body
    request, unsaid, asked_of = _read(body)
    if request.max_tokens is None and not counting:
        raise fault("missing_field", param="max_tokens", field="max_tokens")
    tools = tuple(_tools(request.tools)) if request.tools else ()
    fields = _fields(body)
    needed = asked_of
    if request.tools and len(tools) < len(request.tools):
        needed += _server_tools(request.tools)
    if bytes(fields.get("mcp_servers", b"null")) not in (b"null", b"[]"):
        needed += ("mcp_servers",)
    if _is_begun(request.messages[-1]):
        unsaid += (f"messages[{len(request.messages) - 1}] (an answer to be continued)",)
    wishes = request.zhongshu or NO_WISHES
    deep = asked(wishes.depth, *_thinking(request))
    return Turn(
        incoming.trace,
        incoming.now_ns,
        "chat",
        DIALECT,
        request.model,
        messages=_messages(request),
        stream=request.stream or False,
        sampling=_sampling(request),
        tools=tools,
        tool_choice=_tool_choice(request.tool_choice, tools, bool(needed)) if request.tool_choice else _AUTO,
        format=_format(request),
        effort=deep.effort,
        thinking_tokens=deep.tokens,
        user=request.metadata.user_id if request.metadata else None,
        body_bytes=len(body),
        wire=Wire(DIALECT, fields, _FIELDS, unsaid=unsaid, needed=needed, headers=_passed_headers(incoming.headers)),
        wishes=wishes,
    )


# Decoding -----------------------------------------------------------------------------------------------------


def _read(body: bytes) -> tuple[MessagesRequest, tuple[str, ...], tuple[str, ...]]:
    """The request, what was left unread inside its fields, and which blocks of that are the user's own."""
    try:
        return _decode(body), (), ()
    except Fault as unusable:
        known = _known_blocks(body) if unusable.problem.code == "invalid_value" else None
        if known is None:
            raise
    body, asked_of = known
    return _decode(body), ("messages (blocks of the provider's own tools)",), asked_of


def _known_blocks(body: bytes) -> tuple[bytes, tuple[str, ...]] | None:
    """The body without the blocks that have no word of ours, and where the user's own stood, which the question may be
    about; None when it holds none, or is something else."""
    try:
        given = _plain(body)
    except msgspec.DecodeError:  # a number that no float holds
        return None
    messages = _field(given, "messages")
    if not isinstance(messages, list):
        return None
    rows = cast("list[Any]", messages)
    asked_of = tuple([place for number, message in enumerate(rows) for place in _users(number, message)])
    left_out = sum([_strip(message, KNOWN_BLOCKS) for message in rows])
    return (_encode(given), asked_of) if left_out else None


def _users(number: int, message: Any) -> list[str]:
    """Where the unknown blocks of a user's message stand."""
    content = _field(message, "content")
    if _field(message, "role") != "user" or not isinstance(content, list):
        return []
    blocks = enumerate(cast("list[Any]", content))
    return [f"messages[{number}].content[{at}]" for at, block in blocks if _unknown(block, KNOWN_BLOCKS)]


def _strip(holder: Any, known: frozenset[str]) -> int:
    """Take the unknown blocks out of a message's or a tool result's content; how many there were."""
    content = _field(holder, "content")
    if not isinstance(content, list):
        return 0
    blocks = cast("list[Any]", content)
    kept = [block for block in blocks if not _unknown(block, known)]
    left_out = len(blocks) - len(kept)
    holder["content"] = kept
    return left_out + sum([_strip(block, KNOWN_IN_RESULTS) for block in kept if _kind(block) == "tool_result"])


def _unknown(block: Any, known: frozenset[str]) -> bool:
    kind = _kind(block)
    return kind is not None and kind not in known


def _kind(block: Any) -> str | None:
    kind = _field(block, "type")
    return kind if isinstance(kind, str) else None


def _field(holder: Any, name: str) -> Any:
    return cast("dict[str, Any]", holder).get(name) if isinstance(holder, dict) else None


def _passed_headers(headers: Mapping[bytes, bytes]) -> tuple[tuple[str, str], ...]:
    """The client's own beta flags, for an upstream of the same dialect."""
    beta = headers.get(b"anthropic-beta", b"").decode("latin-1")
    return (("anthropic-beta", beta),) if 0 < len(beta) <= _LONGEST_HEADER and beta.isprintable() else ()


# Messages -----------------------------------------------------------------------------------------------------


def _messages(request: MessagesRequest) -> tuple[Message, ...]:
    out: list[Message] = []
    if request.system:
        out.append(Message("system", _system_text(request.system)))
    for message in request.messages:
        if isinstance(message.content, str):
            out.append(Message(message.role, message.content))
        elif message.role == "user":
            out += _of_user(message.content)
        elif message.role == "assistant":
            out.append(_of_assistant(message.content))
        else:
            out.append(_of_system(message))
    return tuple(out)


def _is_begun(last: WireMessage) -> bool:
    """Whether the answer is to go on where this message ends, which other formats do not know."""
    if last.role != "assistant":
        return False
    content = last.content
    return bool(content) and (isinstance(content, str) or not isinstance(content[-1], ToolUseBlock))


def _system_text(system: str | list[OnlyText]) -> str:
    return system if isinstance(system, str) else "\n\n".join([block.text for block in system])


def _of_system(message: WireMessage) -> Message:
    return Message("system", "\n\n".join([block.text for block in message.content if isinstance(block, TextBlock)]))


def _of_user(blocks: list[Block]) -> Iterator[Message]:
    """Tool results are messages of their own; what stands between them is what the user says."""
    said: list[Part] = []
    for block in blocks:
        if isinstance(block, ToolResultBlock):
            if said:
                yield Message("user", _content(said))
                said = []
            yield _of_tool(block)
        elif isinstance(block, Written):
            said += _parts(block)
    if said:
        yield Message("user", _content(said))


def _of_tool(block: ToolResultBlock) -> Message:
    content = block.content
    if isinstance(content, list):
        parts = [part for inner in content for part in _parts(inner)]
        content = _joined(parts, "\n")
    return Message("tool", content or "", tool_call_id=block.tool_use_id, failed=block.is_error or False)


def _of_assistant(blocks: list[Block]) -> Message:
    said: list[Part] = []
    calls: list[ToolCall] = []
    thoughts: list[Thought] = []
    beside: str | None = None
    for block in blocks:
        match block:
            case ToolUseBlock():
                calls.append(ToolCall(block.id, block.name, bytes(block.input).decode(), beside))
                beside = None
            case ThinkingBlock():
                thoughts.append(Thought(block.thinking, arriving(block.signature, "anthropic")))
            case RedactedThinkingBlock():
                beside = of_call(block.data)
                if beside is None:
                    thoughts.append(Thought("", arriving(block.data, "anthropic"), redacted=True))
            case ToolResultBlock():
                continue
            case _:
                said += _parts(block)
    return Message("assistant", _joined(said, ""), tool_calls=tuple(calls), thoughts=tuple(thoughts))


def _content(parts: list[Part]) -> str | tuple[Part, ...]:
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return tuple(parts)


def _joined(parts: list[Part], between: str) -> str | tuple[Part, ...]:
    """One text where there is nothing but text: many servers take no list there."""
    texts = [part.text for part in parts if isinstance(part, Text)]
    return between.join(texts) if len(texts) == len(parts) else tuple(parts)


def _parts(block: Written) -> list[Part]:
    match block:
        case TextBlock():
            return [Text(block.text)]
        case ImageBlock():
            return [_image(block)]
        case SearchResultBlock():
            return [Text("\n".join([block.title, block.source, *[piece.text for piece in block.content]]))]
        case DocumentBlock():
            return _document(block)


def _image(block: ImageBlock) -> Part:
    match block.source:
        case Base64Source():
            return Image(f"data:{block.source.media_type};base64,{block.source.data}")
        case UrlSource():
            return Image(block.source.url)
        case FileSource():
            return File(id=block.source.file_id, media_type="image/*")


def _document(block: DocumentBlock) -> list[Part]:
    """A document whose text is given is text; any other is a file. Its title and context stand before it."""
    source, title = block.source, block.title
    before: list[Part] = [Text(block.context)] if block.context else []
    match source:
        case Base64Source():
            return [*before, File(name=title, data=source.data, media_type=source.media_type)]
        case UrlSource():
            return [*before, File(name=title, url=source.url, media_type="application/pdf")]
        case FileSource():
            return [*before, File(name=title, id=source.file_id)]
        case TextSource():
            return [*before, Text(f"{title}\n\n{source.data}" if title else source.data)]
        case ContentSource():
            return [*before, *([Text(title)] if title else []), *_inside(source)]


def _inside(source: ContentSource) -> list[Part]:
    if isinstance(source.content, str):
        return [Text(source.content)]
    return [part for inner in source.content for part in _parts(inner)]


# What is asked for beside the messages ------------------------------------------------------------------------


def _sampling(request: MessagesRequest) -> Sampling:
    choice = request.tool_choice
    parallel = (
        None if choice is None or choice.disable_parallel_tool_use is None else not choice.disable_parallel_tool_use
    )
    return Sampling(
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        stop=tuple(request.stop_sequences or ()),
        parallel_tool_calls=parallel,
    )


def _tools(tools: list[WireTool]) -> Iterator[Tool]:
    """The client's own tools; those that the provider runs stay in the wire form."""
    for place, tool in enumerate(tools):
        if _runs_there(tool):
            continue
        if not tool.name:
            field = f"tools[{place}].name"
            raise fault("missing_field", param=field, field=field)
        field = f"tools[{place}].input_schema"
        if tool.input_schema is UNSET:
            raise fault("missing_field", param=field, field=field)
        if not bytes(tool.input_schema).startswith(b"{"):
            why = Said("give a JSON Schema object", "应为 JSON Schema 对象")
            raise fault("invalid_value", param=field, field=field, why=why)
        yield Tool(tool.name, tool.description or "", Raw(bytes(tool.input_schema)), tool.strict or False)


def _runs_there(tool: WireTool) -> bool:
    return tool.input_schema is UNSET and tool.type not in (None, "custom")


def _server_tools(tools: list[WireTool]) -> tuple[str, ...]:
    return tuple([f"tools[{place}] ({tool.type})" for place, tool in enumerate(tools) if _runs_there(tool)])


def _tool_choice(choice: WireToolChoice, tools: tuple[Tool, ...], others: bool) -> ToolChoice:
    if choice.type == "tool":
        if not choice.name:
            raise fault("missing_field", param="tool_choice.name", field="tool_choice.name")
        if choice.name not in {tool.name for tool in tools} and not others:
            why = Said("no tool of that name was sent", "tools 中没有这个名称")
            raise fault("invalid_value", param="tool_choice.name", field="tool_choice.name", why=why)
        return ToolChoice("tool", choice.name)
    if choice.type == "any" and not tools and not others:
        why = Said("it is `any` but no tools were sent", "它为 `any`，但没有提供 tools")
        raise fault("invalid_value", param="tool_choice", field="tool_choice", why=why)
    return ToolChoice("required" if choice.type == "any" else "none" if choice.type == "none" else "auto")


def _thinking(request: MessagesRequest) -> tuple[Effort | None, int | None]:
    """How deep, and within how many tokens where that was said."""
    wanted = request.thinking
    asked = request.output_config.effort if request.output_config else None
    effort = _EFFORTS[asked] if asked else None
    if wanted is None:
        return effort, None
    if wanted.type in _OFF:
        return "off", None
    if wanted.budget_tokens is None:
        if wanted.type == "enabled":
            raise fault("missing_field", param="thinking.budget_tokens", field="thinking.budget_tokens")
        return effort or "high", None
    budget = wanted.budget_tokens
    words: list[Effort] = [word for most, word in _BUDGETS if budget <= most]
    return effort or (words[0] if words else "high"), budget


def _format(request: MessagesRequest) -> Format:
    """output_format is the older place of output_config.format."""
    wanted = (request.output_config.format if request.output_config else None) or request.output_format
    if wanted is None:
        return _TEXT
    if not bytes(wanted.schema).startswith(b"{"):
        field = "output_config.format.schema"
        why = Said("give a JSON Schema object", "应为 JSON Schema 对象")
        raise fault("invalid_value", param=field, field=field, why=why)
    return Format("schema", Raw(bytes(wanted.schema)), "answer")
