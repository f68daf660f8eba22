"""A request to /v1/responses -> Turn, with what its reply and its place in a conversation need to know.

Fields we do not know stay in the wire form: an upstream of the same dialect gets them, others state them as dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Raw

from zhongshu.api.decoding import BodyDecoder, fields_of
from zhongshu.api.responses import shapes
from zhongshu.api.responses.items import Conversation, conversation_of, input_items, references_in
from zhongshu.api.responses.tools import offered
from zhongshu.core.depth import asked
from zhongshu.core.problems import Said, fault
from zhongshu.core.turns import NO_WISHES, Effort, Format, Message, Sampling, Turn, Wire, Wishes

DIALECT = "openai.responses"
LOGPROBS = "message.output_text.logprobs"

_EFFORTS: dict[str, Effort | None] = {
    "none": "off", "minimal": "minimal", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high",
    "auto": None,
}  # fmt: skip
_TEXT = Format()
_USUAL = ("truncation", "prompt", "service_tier", "prompt_cache_key", "max_tool_calls")
_READ = frozenset(shapes.ResponsesRequest.__struct_fields__) - frozenset(_USUAL)
_encode = msgspec.json.Encoder().encode
_object = msgspec.json.Decoder(dict[str, Raw]).decode

decode = BodyDecoder(shapes.ResponsesRequest)


class Read(msgspec.Struct, frozen=True):
    """A decoded request. items: its own input, completed, as it will be kept. open: references to
    items that were kept before, by place."""

    request: shapes.ResponsesRequest
    turn: Turn
    items: tuple[Raw, ...]
    open: dict[int, str]

    @property
    def stored(self) -> bool:
        """Whether the caller wants the response kept, as it does unless it says no."""
        return self.request.store is not False

    @property
    def summarised(self) -> bool:
        """Whether thoughts are to be given as a summary."""
        reasoning = self.request.reasoning
        wanted = reasoning and (reasoning.summary or reasoning.generate_summary)
        return bool(wanted) and wanted != "none"


def read_request(body: bytes, trace: str, now_ns: int) -> Read:
    """Decode a request. Raises the Fault that names the field and what is wrong with it."""
    request = decode(body)
    _refuse(request)
    items = input_items(request.input, trace)
    open_ = references_in(items) if b"item_reference" in body or b'"id"' in body else {}
    said = conversation_of([item for number, item in enumerate(items) if number not in open_])
    tools = offered(request)
    fields = fields_of(body)
    if request.reasoning and request.reasoning.effort == "auto":
        fields["reasoning"] = Raw(_encode(_without_effort(fields["reasoning"])))
    needed = _needed(request, *tools.foreign, *said.foreign)
    deep = asked(request.zhongshu.depth if request.zhongshu else None, _effort(request))
    turn = Turn(
        trace,
        now_ns,
        "chat",
        DIALECT,
        request.model,
        messages=_with_instructions(request, said.messages),
        stream=request.stream or False,
        sampling=_sampling(request),
        tools=tools.tools,
        tool_choice=tools.choice,
        format=_format(request.text.format) if request.text and request.text.format else _TEXT,
        effort=deep.effort,
        thinking_tokens=deep.tokens,
        user=request.safety_identifier or request.user,
        body_bytes=len(body),
        wire=Wire(
            DIALECT,
            fields,
            _read_of(request),
            unsaid=_unsaid(request),
            needed=needed,
        ),
        wishes=_wishes(request, needed),
    )
    return Read(request, turn, items, open_)


def with_history(read: Read, history: Sequence[Raw], own: tuple[Raw, ...]) -> Read:
    """The same request behind `history`, its references replaced by what they refer to (`own`)."""
    said: Conversation = conversation_of((*history, *own))
    turn = read.turn
    assert turn.wire is not None
    whole = _encode([*history, *own])
    fields = dict(turn.wire.fields)
    fields.pop("previous_response_id", None)
    fields["input"] = Raw(whole)
    grown = len(whole) - len(bytes(turn.wire.fields["input"]))
    turn = msgspec.structs.replace(
        turn,
        messages=_with_instructions(read.request, said.messages),
        body_bytes=turn.body_bytes + max(grown, 0),
        wire=msgspec.structs.replace(turn.wire, fields=fields, needed=(*turn.wire.needed, *said.foreign)),
    )
    return msgspec.structs.replace(read, turn=turn, items=own, open={})


def _refuse(request: shapes.ResponsesRequest) -> None:
    if request.conversation is not None:
        remedy = Said(
            "Send `previous_response_id`, which goes on from a stored response.",
            "请使用 `previous_response_id` 从已保存的响应继续。",
        )
        raise fault("unsupported", param="conversation", field="conversation", what="/v1/responses", remedy=remedy)
    if request.background and request.store is False:
        why = Said(
            "a response in the background is fetched later, so it must be stored; leave `store` out",
            "后台响应需稍后获取，必须保存；请省略 `store`",
        )
        raise fault("invalid_value", param="background", field="background", why=why)


def _with_instructions(request: shapes.ResponsesRequest, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    return (Message("system", request.instructions), *messages) if request.instructions else messages


def _sampling(request: shapes.ResponsesRequest) -> Sampling:
    logprobs = LOGPROBS in (request.include or ())
    return Sampling(
        max_tokens=request.max_output_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        presence_penalty=request.presence_penalty or None,
        frequency_penalty=request.frequency_penalty or None,
        logprobs=logprobs,
        top_logprobs=request.top_logprobs if logprobs else None,
        parallel_tool_calls=request.parallel_tool_calls,
    )


def _effort(request: shapes.ResponsesRequest) -> Effort | None:
    effort = request.reasoning.effort if request.reasoning else None
    return _EFFORTS[effort] if effort else None


def _without_effort(reasoning: Raw) -> dict[str, Raw]:
    """`auto` is a word of ours, which no provider knows."""
    return {name: raw for name, raw in _object(reasoning).items() if name != "effort"}


def _format(wanted: shapes.TextFormat) -> Format:
    if wanted.type == "text":
        return _TEXT
    if wanted.type == "json_object":
        return Format("json")
    schema = bytes(wanted.schema) if wanted.schema is not UNSET else b""
    if not schema.startswith(b"{"):
        raise fault("missing_field", param="text.format.schema", field="text.format.schema")
    return Format("schema", Raw(schema), wanted.name or "answer")


def _wishes(request: shapes.ResponsesRequest, needed: tuple[str, ...]) -> Wishes:
    """What the caller wants of us. What a built-in tool did cannot be given again from a cache, which holds words only."""
    wishes = request.zhongshu or NO_WISHES
    return msgspec.structs.replace(wishes, cache="no-store") if needed else wishes


def _needed(request: shapes.ResponsesRequest, *foreign: str) -> tuple[str, ...]:
    """What only an upstream of this dialect understands, and an answer would be another without."""
    return (*(("prompt",) if request.prompt is not None else ()), *foreign)


def _unsaid(request: shapes.ResponsesRequest) -> tuple[str, ...]:
    verbosity = request.text.verbosity if request.text else None
    return ("text.verbosity",) if verbosity in ("low", "high") else ()


def _read_of(request: shapes.ResponsesRequest) -> frozenset[str]:
    """The fields whose whole meaning our words hold, for this request: what is left at its usual value means nothing."""
    read = set(_READ)
    if request.truncation != "auto":
        read.add("truncation")
    if request.service_tier in (None, "auto", "default"):
        read.add("service_tier")
    for name in ("prompt_cache_key", "max_tool_calls"):
        if getattr(request, name) is None:
            read.add(name)
    return frozenset(read)
