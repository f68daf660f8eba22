"""OpenAI requests -> Turn, by the shapes that decode them."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from msgspec import UNSET, Raw

from zhongshu.api.decoding import BodyDecoder, fields_of
from zhongshu.api.openai.shapes import (
    AudioPart,
    ChatRequest,
    CompletionRequest,
    EmbeddingRequest,
    FilePart,
    ImagePart,
    NamedTool,
    RefusalPart,
    ResponseFormat,
    TextPart,
    VideoPart,
    WireMessage,
    WirePart,
    WireTool,
    WireToolCall,
)
from zhongshu.api.openai.thoughts import thoughts_of
from zhongshu.core.depth import asked
from zhongshu.core.problems import Said, fault
from zhongshu.core.signatures import arriving
from zhongshu.core.turns import (
    NO_WISHES,
    Audio,
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
    Video,
    Wire,
)

decode_chat = BodyDecoder(ChatRequest)
decode_completion = BodyDecoder(CompletionRequest)
decode_embedding = BodyDecoder(EmbeddingRequest)


def chat_turn(request: ChatRequest, body: bytes, trace: str, now_ns: int) -> Turn:
    """The Turn of a chat request. `body` gives the exact fields for pass-through."""
    tools = tuple(map(_tool, request.tools)) if request.tools else ()
    word, wishes = request.reasoning_effort, request.zhongshu or NO_WISHES
    deep = asked(wishes.depth, _EFFORTS[word] if word else None)
    fields = fields_of(body)
    if word == "auto":
        del fields["reasoning_effort"]
    return Turn(  # five by place: CPython makes a dict first of more than fifteen keywords
        trace,
        now_ns,
        "chat",
        "openai.chat",
        request.model,
        messages=tuple([_message(message, i) for i, message in enumerate(request.messages)]),
        stream=request.stream or False,
        sampling=_sampling(
            request,
            max_tokens=request.max_completion_tokens or request.max_tokens,
            logprobs=request.logprobs or False,
            top_logprobs=request.top_logprobs,
            parallel_tool_calls=request.parallel_tool_calls,
        ),
        tools=tools,
        tool_choice=_tool_choice(request.tool_choice, tools) if request.tool_choice else _AUTO,
        format=_format(request.response_format) if request.response_format else _TEXT,
        effort=deep.effort,
        thinking_tokens=deep.tokens,
        user=request.user,
        body_bytes=len(body),
        wire=Wire("openai.chat", fields, _CHAT_FIELDS),
        wishes=wishes,
    )


def completion_turn(request: CompletionRequest, body: bytes, trace: str, now_ns: int) -> Turn:
    """The Turn of a text-completion request. Prompts given as tokens stay in the wire form only."""
    return Turn(
        trace=trace,
        arrived_ns=now_ns,
        kind="completion",
        protocol="openai.completion",
        model=request.model,
        prompts=_texts(request.prompt, "prompt"),
        stream=request.stream or False,
        sampling=_sampling(
            request,
            max_tokens=request.max_tokens,
            logprobs=request.logprobs is not None,
            top_logprobs=request.logprobs,
        ),
        user=request.user,
        body_bytes=len(body),
        wire=Wire("openai.completion", fields_of(body), _COMPLETION_FIELDS),
        wishes=request.zhongshu or NO_WISHES,
    )


def embedding_turn(request: EmbeddingRequest, body: bytes, trace: str, now_ns: int) -> Turn:
    """The Turn of an embedding request."""
    return Turn(
        trace=trace,
        arrived_ns=now_ns,
        kind="embedding",
        protocol="openai.embedding",
        model=request.model,
        prompts=_texts(request.input, "input"),
        dimensions=request.dimensions,
        user=request.user,
        body_bytes=len(body),
        wire=Wire("openai.embedding", fields_of(body), _EMBEDDING_FIELDS),
        wishes=request.zhongshu or NO_WISHES,
    )


_CHAT_FIELDS = frozenset(ChatRequest.__struct_fields__)
_COMPLETION_FIELDS = frozenset(CompletionRequest.__struct_fields__)
_EMBEDDING_FIELDS = frozenset(EmbeddingRequest.__struct_fields__)
_AUTO = ToolChoice()
_TEXT = Format()
_EFFORTS: dict[str, Effort | None] = {
    "none": "off", "off": "off", "minimal": "minimal", "low": "low", "medium": "medium", "high": "high", "xhigh": "high",
    "max": "high", "auto": None,
}  # fmt: skip


def _sampling(
    request: ChatRequest | CompletionRequest,
    *,
    max_tokens: int | None,
    logprobs: bool,
    top_logprobs: int | None,
    parallel_tool_calls: bool | None = None,
) -> Sampling:
    stop = request.stop
    return Sampling(
        max_tokens=max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        seed=request.seed,
        stop=() if not stop else (stop,) if isinstance(stop, str) else tuple(stop),
        n=request.n or 1,
        presence_penalty=request.presence_penalty,
        frequency_penalty=request.frequency_penalty,
        logprobs=logprobs,
        top_logprobs=top_logprobs,
        parallel_tool_calls=parallel_tool_calls,
    )


def _message(message: WireMessage, place: int) -> Message:
    content = message.content
    bare = message.name is None and message.tool_call_id is None and not message.tool_calls
    if bare and isinstance(content, str) and message.role in ("user", "system"):
        return Message(message.role, content, thoughts=_thoughts(message))
    role = "tool" if message.role == "function" else message.role
    if message.role == "tool" and not message.tool_call_id:
        field = f"messages[{place}].tool_call_id"
        raise fault("missing_field", param=field, field=field)
    return Message(
        role=role,
        content=content if isinstance(content, str) else tuple(map(_part, content)) if content else "",
        name=message.name,
        tool_calls=tuple(map(_call, message.tool_calls)) if message.tool_calls else (),
        tool_call_id=message.tool_call_id,
        thoughts=_thoughts(message),
    )


def _thoughts(message: WireMessage) -> tuple[Thought, ...]:
    if not message.reasoning_content and message.reasoning is UNSET and message.reasoning_details is UNSET:
        return ()
    text = message.reasoning_content
    if not text and message.reasoning is not UNSET and bytes(message.reasoning).startswith(b'"'):
        text = msgspec.json.decode(message.reasoning, type=str)
    return thoughts_of(text, message.reasoning_details)


def _call(call: WireToolCall) -> ToolCall:
    extra = call.extra_content
    google = (extra.google or extra.vertex) if extra else None
    signature = arriving(google.thought_signature, "gemini") if google else None
    return ToolCall(call.id, call.function.name, call.function.arguments, signature)


def _part(part: WirePart) -> Part:
    match part:
        case TextPart():
            return Text(part.text)
        case ImagePart():
            return Image(part.image_url.url, part.image_url.detail)
        case AudioPart():
            return Audio(part.input_audio.data, part.input_audio.format)
        case VideoPart():
            return Video(part.video_url.url)
        case FilePart():
            return File(part.file.filename, part.file.file_data, part.file.file_id)
        case RefusalPart():
            return Text(part.refusal)


def _tool(tool: WireTool) -> Tool:
    spec = tool.function
    given = bytes(spec.parameters) if spec.parameters is not UNSET else b""
    if given in (b"", b"null"):
        return Tool(spec.name, spec.description or "", strict=spec.strict or False)
    if not given.startswith(b"{"):
        raise fault(
            "invalid_value",
            param="tools",
            field="tools.function.parameters",
            why=Said("give a JSON Schema object", "应为 JSON Schema 对象"),
        )
    return Tool(spec.name, spec.description or "", Raw(given), spec.strict or False)


def _tool_choice(choice: str | NamedTool, tools: tuple[Tool, ...]) -> ToolChoice:
    if isinstance(choice, NamedTool):
        if choice.function.name not in {tool.name for tool in tools}:
            raise fault(
                "invalid_value",
                param="tool_choice",
                field="tool_choice.function.name",
                why=Said("no tool of that name was sent", "tools 中没有这个名称"),
            )
        return ToolChoice("tool", choice.function.name)
    if choice == "required" and not tools:
        raise fault(
            "invalid_value",
            param="tool_choice",
            field="tool_choice",
            why=Said("it is `required` but no tools were sent", "它为 `required`，但没有提供 tools"),
        )
    return ToolChoice("none" if choice == "none" else "required" if choice == "required" else "auto")


def _format(wanted: ResponseFormat) -> Format:
    if wanted.type == "text":
        return _TEXT
    if wanted.type == "json_object":
        return Format("json")
    schema = bytes(wanted.json_schema.schema) if wanted.json_schema and wanted.json_schema.schema is not UNSET else b""
    if wanted.json_schema is None or not schema.startswith(b"{"):
        field = "response_format.json_schema.schema"
        raise fault("missing_field", param=field, field=field)
    return Format("schema", Raw(schema), wanted.json_schema.name)


def _texts(given: str | list[Any], field: str) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,)
    if not given:
        raise fault("invalid_value", param=field, field=field, why=Said("the list is empty", "列表为空"))
    if all(isinstance(item, str) for item in given):
        return tuple(given)
    if _is_tokens(given) or all(_is_tokens(item) for item in given):
        return ()
    raise fault(
        "invalid_value",
        param=field,
        field=field,
        why=Said("give a text, a list of texts, or tokens", "应为文本、文本列表或词元列表"),
    )


def _is_tokens(item: object) -> bool:
    if not isinstance(item, list):
        return False
    tokens = cast("list[object]", item)
    return bool(tokens) and all(type(token) is int and 0 <= token < 1 << 32 for token in tokens)
