"""Google's request bodies -> Turn. The model stands in the path, and so does whether the answer is to be streamed."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw

from zhongshu.api.endpoint import Incoming
from zhongshu.api.gemini.contents import Reader, instruction, parts_of
from zhongshu.api.gemini.schema import json_schema
from zhongshu.api.gemini.shapes import (
    BatchEmbedRequest,
    Content,
    CountRequest,
    EmbedRequest,
    FunctionCallingConfig,
    FunctionDeclaration,
    GenerateRequest,
    GenerationConfig,
    ThinkingConfig,
    ToolIn,
)
from zhongshu.api.gemini.spelling import camel, respelt
from zhongshu.api.openai.unusable import in_both, unusable
from zhongshu.core.depth import asked
from zhongshu.core.problems import Said, fault
from zhongshu.core.turns import (
    NO_WISHES,
    Effort,
    Format,
    Kind,
    Sampling,
    Tool,
    ToolChoice,
    Turn,
    Wire,
)

GENERATE, EMBED = "gemini.generate", "gemini.embedding"

R = TypeVar("R")
_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_tool_fields: Callable[[Raw], list[dict[str, Raw]] | dict[str, Raw]] = msgspec.json.Decoder(
    list[dict[str, Raw]] | dict[str, Raw]
).decode
# Lax, as the JSON form of protocol buffers is: a number may be written as a text.
_generate = msgspec.json.Decoder(GenerateRequest, strict=False).decode
_count = msgspec.json.Decoder(CountRequest, strict=False).decode
_embed = msgspec.json.Decoder(EmbedRequest, strict=False).decode
_batch = msgspec.json.Decoder(BatchEmbedRequest, strict=False).decode

_DEEPEST = 200
_NOT_UTF8 = Said("it is not UTF-8", "编码不是 UTF-8")
_READ = frozenset({"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "zhongshu", "model"})
_EMBED_READ = frozenset({"content", "outputDimensionality", "requests", "zhongshu", "model"})
_CONFIG_READ = frozenset(field.encode_name for field in msgspec.structs.fields(GenerationConfig))
_EFFORTS: dict[str, Effort] = {
    "MINIMAL": "minimal", "LOW": "low", "MEDIUM": "medium", "HIGH": "high", "XHIGH": "high",
}  # fmt: skip
_NO_CONFIG = GenerationConfig()
_AUTO = ToolChoice()
_TEXT = Format()


def model_of(path: str) -> str:
    """`/v1beta/models/NAME:method` -> NAME, which may hold slashes, colons and `@`."""
    name = path.partition("/models/")[2].rpartition(":")[0]
    if not 0 < len(name) <= 256:
        raise fault("missing_field", param="model", field="model")
    return name


def generate_turn(incoming: Incoming, *, stream: bool) -> tuple[Turn, bool]:
    """The Turn of a generateContent request, and whether the caller wants to see thoughts."""
    with _complaining(GenerateRequest):
        return _turn(_generate(respelt(incoming.body)), incoming, stream=stream)


def _turn(request: GenerateRequest, incoming: Incoming, *, stream: bool) -> tuple[Turn, bool]:
    if request.cached_content:
        remedy = Said("Send the content itself.", "请直接发送内容。")
        what = Said("this server", "本服务")
        raise fault("unsupported", param="cachedContent", field="cachedContent", what=what, remedy=remedy)
    config = request.generation_config or _NO_CONFIG
    thinking, wishes = config.thinking_config, request.zhongshu or NO_WISHES
    deep = asked(wishes.depth, _effort(thinking), _budget(thinking))
    reader = Reader()
    messages = instruction(request.system_instruction) + reader.read(_listed(request.contents))
    tools, choice = _tools(request)
    wire = _fields(incoming.body)
    turn = Turn(
        incoming.trace,
        incoming.now_ns,
        "chat",
        GENERATE,
        model_of(incoming.path),
        messages=messages,
        stream=stream,
        sampling=_sampling(config),
        tools=tools,
        tool_choice=choice,
        format=_format(config),
        effort=deep.effort,
        thinking_tokens=deep.tokens,
        body_bytes=len(incoming.body),
        wire=Wire(
            GENERATE, wire, _read(wire, _READ), unsaid=(*reader.unsaid, *_unsaid(wire)), needed=_needed(wire, config)
        ),
        wishes=wishes,
    )
    return turn, bool(thinking and thinking.include_thoughts)


def embed_turn(incoming: Incoming, *, batch: bool) -> Turn:
    """The Turn of an embedContent or batchEmbedContents request."""
    if batch:
        whole = _decoded(_batch, BatchEmbedRequest, incoming.body)
        requests, wishes = whole.requests, whole.zhongshu
    else:
        one = _decoded(_embed, EmbedRequest, incoming.body)
        requests, wishes = [one], one.zhongshu
    wire = _fields(incoming.body)
    kind: Kind = "embedding"
    return Turn(
        trace=incoming.trace,
        arrived_ns=incoming.now_ns,
        kind=kind,
        protocol=EMBED,
        model=model_of(incoming.path),
        prompts=tuple(["".join(p.text or "" for p in parts_of(request.content)) for request in requests]),
        dimensions=requests[0].output_dimensionality,
        body_bytes=len(incoming.body),
        wire=Wire(EMBED, wire, _read(wire, _EMBED_READ)),
        wishes=wishes or NO_WISHES,
    )


def counted_turn(incoming: Incoming) -> Turn:
    """The Turn whose prompt a countTokens request wants counted. It is written from our words, so it has no wire."""
    request = _decoded(_count, CountRequest, incoming.body)
    whole = request.generate_content_request
    if whole is None:
        if request.contents is None:
            raise fault("missing_field", param="contents", field="contents")
        whole = GenerateRequest(request.contents, request.system_instruction, request.tools)
    with _complaining(CountRequest):
        turn, _ = _turn(whole, incoming, stream=False)
    return msgspec.structs.replace(turn, wire=None)


def _decoded(decode: Any, kind: type[R], body: bytes) -> R:
    with _complaining(kind):
        return decode(respelt(body))


@contextmanager
def _complaining(kind: type) -> Generator[None]:
    """What cannot be decoded, here or in a part that was kept as it came, is the Fault that says what is wrong."""
    try:
        yield
    except msgspec.ValidationError as error:
        raise unusable(kind, str(error)) from None
    except UnicodeDecodeError:
        raise fault("invalid_json", why=_NOT_UTF8) from None
    except msgspec.DecodeError as error:
        why = str(error).rstrip(".").removeprefix("JSON is malformed: ")
        raise fault("invalid_json", why=_NOT_UTF8 if "utf-8" in why.lower() else in_both(why)) from None
    except RecursionError:
        why = Said(f"it is nested deeper than {_DEEPEST} levels", f"嵌套超过 {_DEEPEST} 层")
        raise fault("invalid_json", why=why) from None


def _listed(contents: list[Content] | Content) -> list[Content]:
    return contents if isinstance(contents, list) else [contents]


def _read(wire: dict[str, Raw], known: frozenset[str]) -> frozenset[str]:
    """The names, as they were spelt, of the fields that were read."""
    return frozenset(name for name in wire if camel(name) in known)


def _unsaid(wire: dict[str, Raw]) -> list[str]:
    """What stands inside a field that was read and has no word of ours."""
    found: list[str] = []
    for name, raw in wire.items():
        match camel(name):
            case "generationConfig" if bytes(raw) != b"null":
                found += [f"generationConfig.{camel(key)}" for key in _fields(raw) if camel(key) not in _CONFIG_READ]
            case _:
                pass
    return found


def _needed(wire: dict[str, Raw], config: GenerationConfig) -> tuple[str, ...]:
    """What the answer would be another without: tools that Google itself runs, and answers that are no text."""
    raw = wire.get("tools")
    given: list[dict[str, Raw]] | dict[str, Raw] = []
    if raw is not None and bytes(raw) != b"null":
        given = _tool_fields(raw)
    kinds = [camel(key) for tool in (given if isinstance(given, list) else [given]) for key in tool]
    needed = [f"tools.{kind}" for kind in kinds if kind != "functionDeclarations"]
    modalities = {modality.upper() for modality in config.response_modalities or ()}
    if modalities - {"TEXT", "MODALITY_UNSPECIFIED"}:
        needed.append("generationConfig.responseModalities")
    return tuple(needed)


def _sampling(config: GenerationConfig) -> Sampling:
    if config is _NO_CONFIG:
        return Sampling()
    return Sampling(
        max_tokens=config.max_output_tokens,
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=int(config.top_k) if config.top_k is not None else None,
        seed=config.seed,
        stop=tuple(config.stop_sequences or ()),
        n=config.candidate_count or 1,
        presence_penalty=config.presence_penalty,
        frequency_penalty=config.frequency_penalty,
        logprobs=config.response_logprobs or False,
        top_logprobs=config.logprobs,
    )


def _format(config: GenerationConfig) -> Format:
    if config.response_json_schema is not UNSET and bytes(config.response_json_schema) != b"null":
        return Format("schema", _schema(config.response_json_schema, "responseJsonSchema"))
    if config.response_schema is not UNSET and bytes(config.response_schema) != b"null":
        return Format("schema", json_schema(_schema(config.response_schema, "responseSchema")))
    return Format("json") if config.response_mime_type == "application/json" else _TEXT


def _schema(raw: Raw, name: str) -> Raw:
    if not bytes(raw).startswith(b"{"):
        field = f"generationConfig.{name}"
        raise fault("invalid_value", param=field, field=field, why=Said("give a schema object", "应为 schema 对象"))
    return raw


def _effort(thinking: ThinkingConfig | None) -> Effort | None:
    if thinking is None:
        return None
    if thinking.thinking_level:
        level = thinking.thinking_level.upper()
        if level not in _EFFORTS and level != "THINKING_LEVEL_UNSPECIFIED":
            field = "generationConfig.thinkingConfig.thinkingLevel"
            names = ", ".join(f'"{name}"' for name in _EFFORTS)
            why = Said(f"it must be one of {names}", f"须为以下之一：{names}")
            raise fault("invalid_value", param=field, field=field, why=why)
        return _EFFORTS.get(level)
    return "off" if thinking.thinking_budget == 0 else None


def _budget(thinking: ThinkingConfig | None) -> int | None:
    """Tokens to think with; 0 is the effort "off" and -1 leaves it to the model."""
    if thinking is None or thinking.thinking_level or (thinking.thinking_budget or 0) <= 0:
        return None
    return thinking.thinking_budget


def _tools(request: GenerateRequest) -> tuple[tuple[Tool, ...], ToolChoice]:
    given = request.tools or []
    declared: list[Tool] = []
    for tool in given if isinstance(given, list) else [given]:
        declared += map(_tool, _declarations(tool))
    config = request.tool_config.function_calling_config if request.tool_config else None
    return (tuple(declared), _AUTO) if config is None else _chosen(tuple(declared), config)


def _declarations(tool: ToolIn) -> list[FunctionDeclaration]:
    given = tool.function_declarations
    return [] if given is None else given if isinstance(given, list) else [given]


def _tool(spec: FunctionDeclaration) -> Tool:
    if spec.parameters_json_schema is not UNSET and bytes(spec.parameters_json_schema).startswith(b"{"):
        return Tool(spec.name, spec.description or "", spec.parameters_json_schema)
    if spec.parameters is not UNSET and bytes(spec.parameters).startswith(b"{"):
        return Tool(spec.name, spec.description or "", json_schema(spec.parameters))
    return Tool(spec.name, spec.description or "")


def _chosen(tools: tuple[Tool, ...], config: FunctionCallingConfig) -> tuple[tuple[Tool, ...], ToolChoice]:
    """The tools that may be called, and whether one must be. ANY with names leaves only those tools."""
    mode = config.mode.upper()
    if mode == "NONE":
        return tools, ToolChoice("none")
    if mode not in ("ANY", "AUTO", "VALIDATED", "MODE_UNSPECIFIED"):
        field = "toolConfig.functionCallingConfig.mode"
        why = Said('it must be one of "AUTO", "ANY", "NONE", "VALIDATED"', "须为 AUTO、ANY、NONE 或 VALIDATED")
        raise fault("invalid_value", param=field, field=field, why=why)
    if config.allowed_function_names and mode in ("ANY", "VALIDATED"):
        names = config.allowed_function_names
        if not {tool.name for tool in tools}.issuperset(names):
            field = "toolConfig.functionCallingConfig.allowedFunctionNames"
            why = Said("no tool of that name was sent", "tools 中没有这个名称")
            raise fault("invalid_value", param=field, field=field, why=why)
        tools = tuple(tool for tool in tools if tool.name in names)
    if mode != "ANY":
        return tools, _AUTO
    if not tools:
        field = "toolConfig.functionCallingConfig.mode"
        why = Said("it is `ANY` but no functions were declared", "它为 `ANY`，但没有声明函数")
        raise fault("invalid_value", param=field, field=field, why=why)
    return tools, ToolChoice("tool", tools[0].name) if len(tools) == 1 else ToolChoice("required")
