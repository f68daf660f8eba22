"""What comes back: the whole answer, or its typed pieces on their way. Knows no wire format's spelling.

An upstream yields Events; each holds the Deltas of one piece of its stream. Fold joins Events into the Answer that a
plain reply would have been: whatever way a stream was cut into pieces, the folded Answer is the same.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw

from zhongshu.core.turns import ToolCall

Stop = Literal["stop", "length", "tool_calls", "content_filter", "error"]


class Usage(msgspec.Struct, frozen=True):
    """Tokens used. `cached` is part of `prompt`; `thinking` is part of `completion`.

    `estimated` is true when the upstream did not say and we counted by size.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    thinking: int = 0
    estimated: bool = False

    @property
    def total(self) -> int:
        return self.prompt + self.completion


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    """More text of choice `index`."""

    index: int
    text: str


class ThoughtDelta(msgspec.Struct, frozen=True, gc=False):
    """More of the model's reasoning; `signature` is a provider's opaque proof, handed back unchanged."""

    index: int
    text: str
    signature: str | None = None


class ToolCallStart(msgspec.Struct, frozen=True, gc=False):
    """Tool call number `call` of choice `index` begins."""

    index: int
    call: int
    id: str
    name: str


class ToolCallArguments(msgspec.Struct, frozen=True, gc=False):
    """More of a tool call's argument JSON."""

    index: int
    call: int
    text: str


class ToolCallEnd(msgspec.Struct, frozen=True, gc=False):
    """A tool call's arguments are complete."""

    index: int
    call: int


class LogprobsDelta(msgspec.Struct, frozen=True):
    """Log-probabilities of the tokens just sent: a JSON array of OpenAI's token entries."""

    index: int
    content: tuple[Raw, ...]


class RefusalDelta(msgspec.Struct, frozen=True, gc=False):
    """More of the model's own words of refusal (OpenAI's `refusal`)."""

    index: int
    text: str


class StopDelta(msgspec.Struct, frozen=True, gc=False):
    """Choice `index` is complete."""

    index: int
    reason: Stop


class UsageDelta(msgspec.Struct, frozen=True):
    """The tokens used so far or in all: the last one counts."""

    usage: Usage


Delta = (
    TextDelta
    | ThoughtDelta
    | ToolCallStart
    | ToolCallArguments
    | ToolCallEnd
    | LogprobsDelta
    | RefusalDelta
    | StopDelta
    | UsageDelta
)


class Event(msgspec.Struct, frozen=True):
    """The deltas of one piece of a stream.

    `wire` is the piece's exact JSON as the upstream sent it, in `dialect`; an API of the same dialect may pass it on
    unread. A stage that changes the deltas makes a new Event without it.
    """

    deltas: tuple[Delta, ...]
    wire: bytes | None = None
    dialect: str = ""


class Choice(msgspec.Struct, frozen=True):
    """One of the n answers asked for."""

    index: int
    text: str = ""
    thought: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    stop: Stop = "stop"
    refusal: str | None = None
    logprobs: tuple[Raw, ...] | None = None
    signature: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """A whole answer. `model` is what the upstream says answered; `wire` its exact body in `dialect`, if passed on."""

    choices: tuple[Choice, ...]
    usage: Usage | None
    model: str = ""
    wire: bytes | None = None
    dialect: str = ""


class Embeddings(msgspec.Struct, frozen=True):
    """One vector for each text, in order; float32, unit length where the model makes it so."""

    vectors: tuple[tuple[float, ...], ...]
    usage: Usage | None
    model: str = ""


class _Growing:
    """A choice being joined."""

    __slots__ = ("calls", "logprobs", "refusal", "signature", "stop", "text", "thought")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.thought: list[str] = []
        self.refusal: list[str] = []
        self.signature: str | None = None
        self.calls: dict[int, tuple[str, str, list[str]]] = {}
        self.logprobs: list[Raw] = []
        self.stop: Stop | None = None


class Fold:
    """Joins a stream's events into the answer they amount to."""

    __slots__ = ("_choices", "usage")

    def __init__(self) -> None:
        self._choices: dict[int, _Growing] = {}
        self.usage: Usage | None = None

    def add(self, event: Event) -> None:
        """Take in one event."""
        for delta in event.deltas:
            if isinstance(delta, UsageDelta):
                self.usage = delta.usage
                continue
            choice = self._choices.get(delta.index)
            if choice is None:
                choice = self._choices[delta.index] = _Growing()
            match delta:
                case TextDelta():
                    choice.text.append(delta.text)
                case ThoughtDelta():
                    choice.thought.append(delta.text)
                    if delta.signature is not None:
                        choice.signature = delta.signature
                case ToolCallStart():
                    choice.calls[delta.call] = (delta.id, delta.name, [])
                case ToolCallArguments():
                    if delta.call in choice.calls:
                        choice.calls[delta.call][2].append(delta.text)
                case ToolCallEnd():
                    pass
                case LogprobsDelta():
                    choice.logprobs.extend(delta.content)
                case RefusalDelta():
                    choice.refusal.append(delta.text)
                case StopDelta():
                    choice.stop = delta.reason

    @property
    def complete(self) -> bool:
        """Whether every choice seen has said why it stopped."""
        return bool(self._choices) and all(choice.stop is not None for choice in self._choices.values())

    def sent_content(self) -> bool:
        """Whether anything a reader would see has gone by."""
        return any(any(c.text) or any(c.thought) or c.calls or any(c.refusal) for c in self._choices.values())

    def size(self) -> int:
        """Characters of content so far, the basis of an estimate when the upstream gives no usage."""
        return sum(
            sum(map(len, c.text))
            + sum(map(len, c.thought))
            + sum(len(a) for _, _, parts in c.calls.values() for a in parts)
            for c in self._choices.values()
        )

    def answer(self, model: str = "") -> Answer:
        """The answer so far. A choice that has not stopped counts as stopped by "error"."""
        return Answer(
            choices=tuple(
                Choice(
                    index=index,
                    text="".join(c.text),
                    thought="".join(c.thought),
                    tool_calls=tuple(
                        ToolCall(call_id, name, "".join(parts)) for call_id, name, parts in c.calls.values()
                    ),
                    stop=c.stop or "error",
                    refusal="".join(c.refusal) or None,
                    logprobs=tuple(c.logprobs) or None,
                    signature=c.signature,
                )
                for index, c in sorted(self._choices.items())
            ),
            usage=self.usage,
            model=model,
        )
