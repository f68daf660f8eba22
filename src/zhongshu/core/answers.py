"""What comes back: the whole answer, or its typed pieces on their way. Knows no wire format's spelling.

An upstream yields Events; each holds the Deltas of one piece of its stream. Fold joins Events into the Answer that a
plain reply would have been: whatever way a stream was cut into pieces, the folded Answer is the same.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw

from zhongshu.core.turns import Thought, ToolCall

Stop = Literal["stop", "length", "tool_calls", "content_filter", "error"]


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tokens used. Parts of `prompt`: `cached` (read from the provider's cache), `written` (to it),
    `audio_in`, `image_in`. Parts of `completion`: `thinking`, `audio_out`, `image_out`. Parts do not overlap.
    `searches`: what a reranker bills in place of tokens.

    `estimated` is true when the upstream did not say and we counted by size.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    thinking: int = 0
    estimated: bool = False
    written: int = 0
    audio_in: int = 0
    audio_out: int = 0
    image_in: int = 0
    image_out: int = 0
    searches: int = 0

    @property
    def total(self) -> int:
        return self.prompt + self.completion


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    """More text of choice `index`."""

    index: int
    text: str


class ThoughtDelta(msgspec.Struct, frozen=True, gc=False):
    """More of the model's reasoning. `signature` is a provider's opaque proof, handed back unchanged: it ends the block
    of thought it comes with. A redacted block has no text."""

    index: int
    text: str
    signature: str | None = None
    redacted: bool = False


class ToolCallStart(msgspec.Struct, frozen=True, gc=False):
    """Tool call number `call` of choice `index` begins."""

    index: int
    call: int
    id: str
    name: str
    signature: str | None = None


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
    """Choice `index` is complete. `by`: the stop text that was met, where the upstream says."""

    index: int
    reason: Stop
    by: str | None = None


class UsageDelta(msgspec.Struct, frozen=True):
    """The tokens used so far or in all: the last one counts."""

    usage: Usage


class DataDelta(msgspec.Struct, frozen=True, gc=False):
    """More of what is no text of ours: sound, a picture, or a foreign form. Its `size` bytes are the event's `wire`."""

    index: int
    size: int


class ProgressDelta(msgspec.Struct, frozen=True, gc=False):
    """An assistant begins a stage of its work ("draft", "check", "solve", ...) with this model. No content."""

    stage: str
    model: str
    index: int = 0


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
    | DataDelta
    | ProgressDelta
)


class Event(msgspec.Struct, frozen=True):
    """The deltas of one piece of a stream.

    `wire` is the piece's exact JSON as the upstream sent it, in `dialect`; an API of the same dialect may pass it on
    unread. A stage that changes the deltas makes a new Event without it. Of what is handed on as it is (sound, a
    foreign form), `dialect` is the content type.
    """

    deltas: tuple[Delta, ...]
    wire: bytes | None = None
    dialect: str = ""


class Choice(msgspec.Struct, frozen=True):
    """One of the n answers asked for. `thought` is all reasoning that can be read; `thoughts` its blocks, where the
    provider signed or redacted any."""

    index: int
    text: str = ""
    thought: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    stop: Stop = "stop"
    refusal: str | None = None
    logprobs: tuple[Raw, ...] | None = None
    thoughts: tuple[Thought, ...] = ()
    stopped_by: str | None = None

    def blocks(self) -> tuple[Thought, ...]:
        """The reasoning in blocks; one for all where nothing was signed."""
        return self.thoughts or ((Thought(self.thought),) if self.thought else ())


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


class Passed(msgspec.Struct, frozen=True):
    """A reply handed on as it is: scores, moderation, sound, pictures. usage is None where the upstream did not say."""

    body: bytes
    content_type: str
    usage: Usage | None = None
    model: str = ""


class _Growing:
    """A choice being joined. `blocks` holds (where its text begins in `thought`, signature, redacted) of each block
    that was signed."""

    __slots__ = ("blocks", "by", "calls", "data", "logprobs", "refusal", "stop", "text", "thought")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.thought: list[str] = []
        self.refusal: list[str] = []
        self.blocks: list[tuple[int, str, bool]] = []
        self.calls: dict[int, tuple[str, str, list[str], str | None]] = {}
        self.logprobs: list[Raw] = []
        self.stop: Stop | None = None
        self.by: str | None = None
        self.data = 0

    def signed(self, signature: str, redacted: bool) -> None:
        """The block of thought that was under way is complete."""
        self.blocks.append((len(self.thought), signature, redacted))

    def thoughts(self) -> tuple[Thought, ...]:
        """The blocks, where any was signed. What follows the last signature is a block of its own."""
        if not self.blocks:
            return ()
        made: list[Thought] = []
        begin = 0
        for end, signature, redacted in self.blocks:
            made.append(Thought("".join(self.thought[begin:end]), signature, redacted))
            begin = end
        rest = "".join(self.thought[begin:])
        return (*made, Thought(rest)) if rest else tuple(made)


class Fold:
    """Joins a stream's events into the answer they amount to."""

    __slots__ = ("_choices", "usage")

    def __init__(self) -> None:
        self._choices: dict[int, _Growing] = {}
        self.usage: Usage | None = None

    def add(self, event: Event) -> None:
        """Take in one event."""
        for delta in event.deltas:
            if isinstance(delta, TextDelta):  # nearly all: to ask for another class first costs a call of its metaclass
                choice = self._choices.get(delta.index) or self._begun(delta.index)
                choice.text.append(delta.text)
                continue
            if isinstance(delta, UsageDelta):
                self.usage = delta.usage
                continue
            choice = self._choices.get(delta.index) or self._begun(delta.index)
            match delta:
                case ThoughtDelta():
                    choice.thought.append(delta.text)
                    if delta.signature is not None:
                        choice.signed(delta.signature, delta.redacted)
                case ToolCallStart():
                    choice.calls[delta.call] = (delta.id, delta.name, [], delta.signature)
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
                    choice.stop, choice.by = delta.reason, delta.by
                case DataDelta():
                    choice.data += delta.size
                case ProgressDelta():
                    pass

    def _begun(self, index: int) -> _Growing:
        choice = self._choices[index] = _Growing()
        return choice

    @property
    def complete(self) -> bool:
        """Whether every choice seen has said why it stopped."""
        return bool(self._choices) and all(choice.stop is not None for choice in self._choices.values())

    def sent_content(self) -> bool:
        """Whether anything a reader would see has gone by."""
        return any(any(c.text) or any(c.thought) or c.calls or any(c.refusal) or c.data for c in self._choices.values())

    def size(self) -> int:
        """Characters of content so far, the basis of an estimate when the upstream gives no usage."""
        return sum(
            sum(map(len, c.text))
            + sum(map(len, c.thought))
            + sum(len(a) for _, _, parts, _ in c.calls.values() for a in parts)
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
                        ToolCall(call_id, name, "".join(parts), signature)
                        for call_id, name, parts, signature in c.calls.values()
                    ),
                    stop=c.stop or "error",
                    refusal="".join(c.refusal) or None,
                    logprobs=tuple(c.logprobs) or None,
                    thoughts=c.thoughts(),
                    stopped_by=c.by,
                )
                for index, c in sorted(self._choices.items())
            ),
            usage=self.usage,
            model=model,
        )


def unfold(answer: Answer) -> Event:
    """The event that a whole answer amounts to: folded again it is the same."""
    deltas: list[Delta] = []
    for choice in answer.choices:
        index = choice.index
        for block in choice.blocks():
            deltas.append(ThoughtDelta(index, block.text, block.signature, block.redacted))
        if choice.text:
            deltas.append(TextDelta(index, choice.text))
        if choice.refusal:
            deltas.append(RefusalDelta(index, choice.refusal))
        for number, call in enumerate(choice.tool_calls):
            deltas.append(ToolCallStart(index, number, call.id, call.name, call.signature))
            if call.arguments:
                deltas.append(ToolCallArguments(index, number, call.arguments))
            deltas.append(ToolCallEnd(index, number))
        if choice.logprobs:
            deltas.append(LogprobsDelta(index, choice.logprobs))
        deltas.append(StopDelta(index, choice.stop, choice.stopped_by))
    if answer.usage is not None:
        deltas.append(UsageDelta(answer.usage))
    return Event(tuple(deltas))
