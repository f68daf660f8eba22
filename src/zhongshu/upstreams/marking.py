"""Several providers of one wire format are told apart: what one of them signed is given to no other.

A format names who made a signature ("anthropic"), which is enough while one provider signs in it. Where several do, the
first of them stays as it is, and each other one's signatures bear its name ("anthropic@6e1f0a2b"): to every client they
go marked, as the provider's own bytes would not tell whose they are. A server of OpenAI's format may sign in two formats,
thoughts in its own and calls in Google's. Around an upstream, not in it: the formats' own code knows nothing of this, and
who signs in a format alone pays nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec
from msgspec import Raw

from zhongshu.core.answers import Answer, Choice, Delta, Embeddings, Event, Passed, ThoughtDelta, ToolCallStart
from zhongshu.core.ports import Call, Counter, EventStream, Upstream
from zhongshu.core.signatures import Maker, by_another, leaving, maker_of
from zhongshu.core.turns import Message, Thought, ToolCall, Turn, Wire

_SPELT_BY: dict[str, Maker] = {
    "anthropic.messages": "anthropic",
    "gemini.generate": "gemini",
    "openai.chat": "openai",
    "openai.responses": "responses",
}
"""How the requests and replies of a dialect spell the signatures of thoughts; those of calls are spelt in Google's way."""
Batch = tuple[Event, ...]
Rename = Callable[[str], str]


def tag_of(provider: str) -> str:
    """What a provider is called in signatures, which clients see: an address of the house does not show in it."""
    return hashlib.sha256(provider.encode()).hexdigest()[:8]


class MarkedUpstream:
    """An upstream whose signatures bear a name of their own. tags: of the formats it is not the first to sign in, the name
    beside the format's."""

    def __init__(self, inner: Upstream, tags: Mapping[Maker, str]) -> None:
        self.name = inner.name
        self._inner = inner
        self._tagged: dict[str, str] = {form: f"{form}@{tag}" for form, tag in tags.items()}
        self._forms = {tagged: form for form, tagged in self._tagged.items()}

    async def complete(self, call: Call) -> Answer:
        """As the upstream itself does."""
        self._ready(call)
        return self._marked(await self._inner.complete(call))

    async def stream(self, call: Call) -> EventStream:
        """As the upstream itself does."""
        self._ready(call)
        return _MarkedStream(await self._inner.stream(call), self._named)

    async def count_tokens(self, call: Call) -> int | None:
        """None where the upstream cannot count."""
        self._ready(call)
        return await self._inner.count_tokens(call) if isinstance(self._inner, Counter) else None

    async def embed(self, call: Call) -> Embeddings:
        """As the upstream itself does."""
        return await self._inner.embed(call)

    async def hand_on(self, call: Call) -> Passed:
        """As the upstream itself does."""
        return await self._inner.hand_on(call)

    async def check(self) -> None:
        """As the upstream itself does."""
        await self._inner.check()

    async def aclose(self) -> None:
        """As the upstream itself does."""
        await self._inner.aclose()

    def _ready(self, call: Call) -> None:
        """Its own signatures become what it takes back; those of the format's first provider are nobody's here, so that
        they are left out and that is stated."""
        call.turn = _renamed(call.turn, self._given)

    def _given(self, signature: str) -> str:
        maker = maker_of(signature)
        if maker in self._forms:
            return by_another(signature, self._forms[maker])
        return by_another(signature, "") if maker in self._tagged else signature

    def _named(self, signature: str) -> str:
        tagged = self._tagged.get(maker_of(signature))
        return by_another(signature, tagged) if tagged else signature

    def _marked(self, answer: Answer) -> Answer:
        marks: dict[str, str] = {}
        choices = tuple([_choice(choice, _Noting(self._named, marks)) for choice in answer.choices])
        if not marks:
            return answer
        wire = None if answer.wire is None else _respelt(answer.wire, _spelt(marks, answer.dialect), whole=True)
        return msgspec.structs.replace(answer, choices=choices, wire=wire)


class _Noting:
    """Renames, and keeps what it renamed."""

    def __init__(self, rename: Rename, marks: dict[str, str]) -> None:
        self._rename = rename
        self._marks = marks

    def __call__(self, signature: str) -> str:
        renamed = self._rename(signature)
        if renamed != signature:
            self._marks[signature] = renamed
        return renamed


class _MarkedStream:
    """An EventStream whose signatures bear their provider's name."""

    def __init__(self, inner: EventStream, rename: Rename) -> None:
        self._inner = inner
        self._marks: dict[str, str] = {}
        self._rename = _Noting(rename, self._marks)

    async def batches(self) -> AsyncIterator[Batch]:
        """Every batch. A signature that comes again, in an event that sums up, is spelt anew there too."""
        async for batch in self._inner.batches():
            yield tuple([self._event(event) for event in batch])

    async def aclose(self) -> None:
        """Leave."""
        await self._inner.aclose()

    def _event(self, event: Event) -> Event:
        before = len(self._marks)
        deltas = tuple([_delta(delta, self._rename) for delta in event.deltas])
        if event.wire is None or not self._marks:
            return event if deltas == event.deltas else Event(deltas)
        spelt = _spelt(self._marks, event.dialect)
        return Event(deltas, _respelt(event.wire, spelt, whole=len(self._marks) > before), event.dialect)


def _choice(choice: Choice, rename: Rename) -> Choice:
    thoughts = tuple([_thought(thought, rename) for thought in choice.thoughts])
    calls = tuple([_call(call, rename) for call in choice.tool_calls])
    return msgspec.structs.replace(choice, thoughts=thoughts, tool_calls=calls)


def _thought(thought: Thought, rename: Rename) -> Thought:
    return msgspec.structs.replace(thought, signature=rename(thought.signature)) if thought.signature else thought


def _call(call: ToolCall, rename: Rename) -> ToolCall:
    return msgspec.structs.replace(call, signature=rename(call.signature)) if call.signature else call


def _delta(delta: Delta, rename: Rename) -> Delta:
    if isinstance(delta, ThoughtDelta | ToolCallStart) and delta.signature:
        return msgspec.structs.replace(delta, signature=rename(delta.signature))
    return delta


def _renamed(turn: Turn, rename: Rename) -> Turn:
    """The turn with other names on its signatures, in our words and where it stands as it came."""
    changed: dict[str, str] = {}
    noting = _Noting(rename, changed)
    messages = tuple([_message(message, noting) for message in turn.messages])
    if not changed:
        return turn
    return msgspec.structs.replace(turn, messages=messages, wire=turn.wire and _rewired(turn.wire, changed))


def _message(message: Message, rename: Rename) -> Message:
    if not message.thoughts and not any(call.signature for call in message.tool_calls):
        return message
    thoughts = tuple([_thought(thought, rename) for thought in message.thoughts])
    calls = tuple([_call(call, rename) for call in message.tool_calls])
    return msgspec.structs.replace(message, thoughts=thoughts, tool_calls=calls)


def _rewired(wire: Wire, changed: dict[str, str]) -> Wire:
    """The request as it came, with its signatures respelt; only what was not read of it, where one of them stands there
    in a spelling that is not found."""
    if wire.dialect not in _SPELT_BY:
        return wire
    for old, new in _spelt(changed, wire.dialect).items():
        fields = {name: Raw(bytes(raw).replace(old, new)) for name, raw in wire.fields.items()}
        if fields == wire.fields:
            return wire.rest()
        wire = msgspec.structs.replace(wire, fields=fields)
    return wire


def _spelt(changed: dict[str, str], dialect: str) -> dict[bytes, bytes]:
    """The changes as this dialect has them in its JSON."""
    spelt: dict[bytes, bytes] = {}
    for old, new in changed.items():
        calls = maker_of(old).partition("@")[0] == "gemini"
        form = "gemini" if calls else _SPELT_BY.get(dialect, "openai")
        spelt[_quoted(leaving(old, form))] = _quoted(leaving(new, form) if maker_of(new) else "ZhSigned")
    return spelt


def _respelt(wire: bytes, spelt: dict[bytes, bytes], *, whole: bool) -> bytes | None:
    """JSON with its signatures respelt. whole: it must hold one of them; None where none is found, so that it is
    written anew."""
    made = wire
    for old, new in spelt.items():
        made = made.replace(old, new)
    return None if whole and made == wire else made


def _quoted(text: str) -> bytes:
    return msgspec.json.encode(text)


def marked(upstreams: dict[str, Upstream], speakers: Sequence[tuple[str, Maker, str]]) -> dict[str, Upstream]:
    """The upstreams, those that are not the first provider to sign in a format under a name of their own. speakers: of each
    that signs, the upstream, a format and its provider, the one that stays as it is first."""
    first: dict[str, str] = {}
    tags: dict[str, dict[Maker, str]] = {}
    for name, form, provider in speakers:
        if first.setdefault(form, provider) != provider:
            tags.setdefault(name, {})[form] = tag_of(provider)
    return upstreams | {name: MarkedUpstream(upstreams[name], own) for name, own in tags.items()}
