"""A turn: one request to be answered, whatever protocol it came in by. Knows no wire format's spelling."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from zhongshu.core.depth import NOT_SAID, Depth, Effort, deep


class Text(msgspec.Struct, frozen=True, tag="text"):
    """A piece of written content."""

    text: str


class Image(msgspec.Struct, frozen=True, tag="image"):
    """A picture, by address or as a `data:` URL."""

    url: str
    detail: str | None = None


class Audio(msgspec.Struct, frozen=True, tag="audio"):
    """Speech or sound: Base64 `data` in `format` ("wav", "mp3")."""

    data: str
    format: str


class Video(msgspec.Struct, frozen=True, tag="video"):
    """A film, by address or as a `data:` URL."""

    url: str


class File(msgspec.Struct, frozen=True, tag="file"):
    """A document handed over with the turn: Base64 `data` (or a `data:` URL), an `id` of one uploaded before, or the
    address where it lies. media_type: such as "application/pdf", where it was said."""

    name: str | None = None
    data: str | None = None
    id: str | None = None
    url: str | None = None
    media_type: str | None = None


Part = Text | Image | Audio | Video | File


class ToolCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call the model makes. `arguments` is the JSON text exactly as the model wrote it; `signature` a provider's
    opaque proof of the thought behind it (Gemini), handed back unchanged."""

    id: str
    name: str
    arguments: str
    signature: str | None = None


class Thought(msgspec.Struct, frozen=True):
    """One block of a model's reasoning. `signature` is a provider's opaque proof, handed back unchanged; of a redacted
    block it is all there is."""

    text: str = ""
    signature: str | None = None
    redacted: bool = False


Role = Literal["system", "developer", "user", "assistant", "tool"]


class Message(msgspec.Struct, frozen=True):
    """One message of the conversation. `thoughts` is a model's earlier reasoning, if the client sent it back;
    `failed` marks the result of a tool that did not work."""

    role: Role
    content: str | tuple[Part, ...] = ""
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    thoughts: tuple[Thought, ...] = ()
    failed: bool = False

    @property
    def thought(self) -> str:
        """All of the earlier reasoning that can be read."""
        return "".join([thought.text for thought in self.thoughts])

    def text(self) -> str:
        """All written content, joined; pictures and sound leave nothing."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, Text))


class Tool(msgspec.Struct, frozen=True):
    """Something a model may call. `parameters` is a JSON Schema, kept as it was sent."""

    name: str
    description: str = ""
    parameters: Raw = Raw(b'{"type":"object","properties":{}}')
    strict: bool = False


class ToolChoice(msgspec.Struct, frozen=True):
    """auto: may call; none: must not; required: must call one; tool: must call `name`."""

    mode: Literal["auto", "none", "required", "tool"] = "auto"
    name: str | None = None


class Format(msgspec.Struct, frozen=True):
    """The shape the answer must have. `schema` is a JSON Schema when kind is "schema"."""

    kind: Literal["text", "json", "schema"] = "text"
    schema: Raw | None = None
    name: str | None = None


class Sampling(msgspec.Struct, frozen=True):
    """How the answer is drawn. None leaves the upstream's default."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool = False
    top_logprobs: int | None = None
    parallel_tool_calls: bool | None = None


class Form(msgspec.Struct, frozen=True):
    """A multipart form as it arrived. model_at: where the value of its field `model` begins and ends in `body`.
    summary: what is kept of it, as JSON: its fields, and of each file the name, size and SHA-256."""

    body: bytes
    content_type: str
    model_at: tuple[int, int]
    summary: bytes


def rest_of(dialect: str) -> str:
    """The dialect's name for what is left of a changed request."""
    return dialect if dialect.endswith(" rest") else f"{dialect} rest"


class Wire(msgspec.Struct, frozen=True):
    """The request as it arrived: its dialect and each top-level field's exact JSON.

    An upstream of the same dialect forwards these bytes, so fields we do not know pass through untouched. A stage
    that changes the turn leaves only what was not read (`turn.changed(...)`), under another name of dialect, and the
    upstream writes the request from our words.
    read: the fields that were read into our words; an upstream of another dialect states the others as not carried.
    form: of a request that is no JSON. unsaid: what stands inside a field that was read and has no word of ours.
    needed: what only an upstream of the same dialect can do, and without which the answer would be another; one of
    another dialect refuses it. headers: the dialect's own that belong to the request.
    """

    dialect: str
    fields: dict[str, Raw]
    read: frozenset[str] = frozenset()
    form: Form | None = None
    unsaid: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()

    def unread(self) -> list[str]:
        """What only an upstream of the same dialect understands."""
        return [*[name for name in self.fields if name not in self.read], *self.unsaid]

    def rest(self) -> Wire:
        """What was not read, of a request that has been changed: an upstream of the same dialect may add it to what it
        writes from our words (`rest_of`), to any other it is another dialect's."""
        fields = {name: raw for name, raw in self.fields.items() if name not in self.read}
        return msgspec.structs.replace(self, dialect=rest_of(self.dialect), fields=fields)


class Wishes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a caller may say to us, beside the request: the field `zhongshu` of any JSON body.

    cache: "no-store" neither uses nor keeps a cached answer, "refresh" asks anew and keeps. priority: who waits first
    when there is a queue, "normal" where nobody says; a key or tenant may have a class above which it cannot ask. quality: of `auto`, 0 cheapest to 1 best; max_cost: what its turn may be expected to cost at
    most, in the currency budgets are counted in; max_seconds: how long it may be expected to take. depth: of thought; it
    goes before the protocol's own words. None: nothing said.
    """

    cache: Literal["use", "no-store", "refresh"] = "use"
    priority: Literal["low", "normal", "high"] | None = None
    quality: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_cost: Annotated[float, Meta(ge=0)] | None = None
    max_seconds: Annotated[float, Meta(gt=0)] | None = None
    depth: Depth | None = None


NO_WISHES = Wishes()

Kind = Literal[
    "chat", "completion", "embedding", "rerank", "moderation", "speech", "transcription", "translation", "image"
]


class Turn(msgspec.Struct, frozen=True):
    """One request to be answered.

    trace: 32 hex characters, also the ProduceID of its label. arrived_ns: wall clock, UTC, ns. body_bytes: the size
    of the request, the basis of token estimates. For kind "completion", `prompts` holds the prompts (messages is
    empty); for "embedding", the texts to embed; for "rerank", the query and then the documents. thinking_tokens: a
    budget for thoughts, where the caller gave one in tokens.
    """

    trace: str
    arrived_ns: int
    kind: Kind
    protocol: str
    model: str
    messages: tuple[Message, ...] = ()
    prompts: tuple[str, ...] = ()
    stream: bool = False
    sampling: Sampling = Sampling()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    format: Format = Format()
    effort: Effort | None = None
    thinking_tokens: int | None = None
    dimensions: int | None = None
    user: str | None = None
    body_bytes: int = 0
    wire: Wire | None = None
    wishes: Wishes = NO_WISHES

    @property
    def deepened(self) -> bool:
        """Whether the depth was asked for by our own setting, so that the request as it arrived does not say it."""
        return self.wishes.depth is not None and deep(self.wishes.depth) != NOT_SAID

    def changed(
        self,
        *,
        messages: tuple[Message, ...] | UnsetType = UNSET,
        sampling: Sampling | UnsetType = UNSET,
    ) -> Turn:
        """The turn with other content; of its wire form only what was not read still holds."""
        return msgspec.structs.replace(
            self,
            messages=self.messages if messages is UNSET else messages,
            sampling=self.sampling if sampling is UNSET else sampling,
            wire=self.wire.rest() if self.wire else None,
        )
