"""Reading a stream: the data of server-sent events -> core Events, one for each, with what followers leave out
put right. ChunkReader is one stream's memory: which tool calls are open, which choices have stopped. No I/O.

Put right: tool-call pieces without index or id, arguments before the name, the old function_call, a finish_reason
that never comes, a missing [DONE]. A chunk that had to be put right, and every chunk made here, has no `wire`.
"""

from __future__ import annotations

import msgspec

from zhongshu.core.answers import (
    Delta,
    Event,
    LogprobsDelta,
    RefusalDelta,
    StopDelta,
    TextDelta,
    ThoughtDelta,
    ToolCallArguments,
    ToolCallEnd,
    ToolCallStart,
    UsageDelta,
)
from zhongshu.core.problems import fault
from zhongshu.upstreams.openai.chunks import ChunkForm, form_of
from zhongshu.upstreams.openai.manner import Thoughts
from zhongshu.upstreams.openai.response import (
    CHAT,
    arguments_of,
    made_id,
    raise_error,
    stop_of,
    text_of,
    thought_of,
    usage_of,
    with_reasoning_content,
)
from zhongshu.upstreams.openai.shapes import ChoiceShape, Message, ToolCallShape, reply_decoder
from zhongshu.upstreams.openai.tags import Piece, TagSplitter

_NEVER_ALIKE = 8
"""After so many chunks in a row that are unlike the one before, the rest of the stream is expected to be so too."""


class _Call:
    """A tool call on its way. It starts for the reader when its name is known; what came before is held."""

    __slots__ = ("held", "id", "name", "number", "open", "signature", "started")

    def __init__(self, number: int, id: str) -> None:
        self.number = number
        self.id = id
        self.name = ""
        self.held = ""
        self.signature: str | None = None
        self.started = False
        self.open = True


class _Progress:
    """One choice's memory. tags: what takes thoughts out of its content, if they stand there."""

    __slots__ = ("by_wire_index", "calls", "stopped", "tags")

    def __init__(self, tags: TagSplitter | None = None) -> None:
        self.tags = tags
        self.calls: list[_Call] = []
        self.by_wire_index: dict[int, _Call] = {}
        self.stopped = False


class ChunkReader:
    """Turns each chunk's JSON into an Event. `choices` is how many were asked for (n). thoughts: where they are found
    (Manner.thoughts); where they have to be taken out of the content, no chunk is passed on as it came."""

    __slots__ = (
        "_asked",
        "_dialect",
        "_form",
        "_progress",
        "_reply_id",
        "_thoughts",
        "_unlike",
        "_upstream",
        "done",
        "model",
    )

    def __init__(self, upstream: str, dialect: str = CHAT, choices: int = 1, thoughts: Thoughts = "field") -> None:
        self._upstream = upstream
        self._thoughts = thoughts
        self._dialect = dialect
        self._asked = choices
        self._progress: dict[int, _Progress] = {}
        self._reply_id: str | None = None
        self._form: ChunkForm | None = None
        self._unlike = 0 if thoughts == "field" else _NEVER_ALIKE
        self.done = False
        self.model = ""

    def read(self, payload: bytes) -> Event | None:
        """The Event of one chunk; None for the end marker.

        Raises Fault: upstream_malformed when it is no JSON chunk, or what an error object inside it says.
        """
        form = self._form
        if form is not None and (delta := form.delta(payload)) is not None:
            self._unlike = 0
            return Event((delta,), payload, self._dialect)
        if payload.startswith(b"[DONE]"):
            self.done = True
            return None
        event = self._decoded(payload)
        if self._unlike < _NEVER_ALIKE:
            self._unlike += 1
            self._form = form_of(payload, event)
        return event

    def straight(self, sent: bytes) -> Event | None:
        """The Event of a whole server-sent event of the form of the chunk before, as it came; None for any other."""
        form = self._form
        event = None if form is None else form.event(sent, self._dialect)
        if event is not None:
            self._unlike = 0
        return event

    def _decoded(self, payload: bytes) -> Event:
        try:
            reply = reply_decoder.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise fault("upstream_malformed", upstream=self._upstream, why="a chunk is not JSON of a chat") from None
        choices = reply.choices
        if reply.error is not None or (choices is None and reply.usage is None):
            raise_error(reply, payload, self._upstream)
        if self._reply_id is None:
            self._reply_id, self.model = reply.id or "", reply.model or ""
        deltas: list[Delta] = []
        wire: bytes | None = payload if self._thoughts == "field" else None
        for shape in choices or ():
            wire = self._choice(shape, deltas, wire)
        usage = usage_of(reply)
        if usage is not None:
            deltas.append(UsageDelta(usage))
        return Event(tuple(deltas), wire, self._dialect)

    def finish(self) -> Event | None:
        """The stream is over: what is still to be said for choices that never said why they stopped.

        Raises Fault("upstream_cut") when neither the end marker nor every choice's end had come.
        """
        progress = self._progress
        ended = len(progress) >= self._asked and all(choice.stopped for choice in progress.values())
        if not self.done and not ended:
            raise fault("upstream_cut", upstream=self._upstream)
        if not progress:
            raise fault("upstream_malformed", upstream=self._upstream, why="the stream holds no choice")
        deltas: list[Delta] = []
        for index, choice in progress.items():
            if not choice.stopped:
                _end_tags(index, choice, deltas)
                self._end_calls(index, choice, deltas)
                deltas.append(StopDelta(index, "tool_calls" if choice.calls else "stop"))
        return Event(tuple(deltas)) if deltas else None

    def _choice(self, shape: ChoiceShape, deltas: list[Delta], wire: bytes | None) -> bytes | None:
        """Add one choice's deltas; the wire that may still be passed on."""
        index = shape.index or 0
        progress = self._progress.get(index)
        if progress is None:
            progress = self._progress[index] = _Progress(self._splitter())
        message = shape.delta or shape.message
        if message is not None:
            wire = self._message(index, progress, message, deltas, wire)
        elif shape.text:
            deltas.append(TextDelta(index, shape.text))
        if shape.logprobs is not None and shape.logprobs.content:
            deltas.append(LogprobsDelta(index, tuple(shape.logprobs.content)))
        if shape.finish_reason and not progress.stopped:
            progress.stopped = True
            _end_tags(index, progress, deltas)
            if progress.calls:
                self._end_calls(index, progress, deltas)
            deltas.append(StopDelta(index, stop_of(shape.finish_reason) or "stop"))
        return wire

    def _splitter(self) -> TagSplitter | None:
        return None if self._thoughts == "field" else TagSplitter(already_open=self._thoughts == "tags-open")

    def _message(
        self, index: int, progress: _Progress, message: Message, deltas: list[Delta], wire: bytes | None
    ) -> bytes | None:
        content = message.content
        if message.reasoning_content or message.reasoning or message.reasoning_details or isinstance(content, list):
            thought = thought_of(message)
            if thought.blocks:
                deltas += [ThoughtDelta(index, b.text, b.signature, b.redacted) for b in thought.blocks]
            elif thought.text or thought.signature:
                deltas.append(ThoughtDelta(index, thought.text, thought.signature))
            if thought.respelt and wire is not None:
                wire = with_reasoning_content(wire, "delta")
            content = text_of(message)
        if content and progress.tags is not None:
            _add(index, progress.tags.feed(content), deltas)
        elif content:
            deltas.append(TextDelta(index, content))
        if message.refusal:
            deltas.append(RefusalDelta(index, message.refusal))
        if message.tool_calls:
            for piece in message.tool_calls:
                if self._tool_call(index, progress, piece, deltas):
                    wire = None
        elif message.function_call is not None:
            piece = ToolCallShape(index=0, function=message.function_call)
            self._tool_call(index, progress, piece, deltas)
        return wire

    def _tool_call(self, index: int, progress: _Progress, piece: ToolCallShape, deltas: list[Delta]) -> bool:
        """Add one piece of a tool call. True when the piece as sent would not do for a strict client."""
        call = self._call_of(progress, piece)
        put_right = piece.index is None
        if call is None:
            call = _Call(len(progress.calls), piece.id or made_id(self._reply_id, index, len(progress.calls)))
            put_right = put_right or not piece.id
            progress.calls.append(call)
        if piece.index is not None:
            put_right = put_right or piece.index != call.number
            progress.by_wire_index[piece.index] = call
        if piece.extra_content is not None:
            call.signature = call.signature or piece.signature()
        function = piece.function
        if function is None:
            return put_right
        arguments = arguments_of(function)
        if not call.started:
            if not function.name:
                call.held += arguments
                return True
            self._start(index, progress, call, function.name, deltas)
            arguments = call.held + arguments
        if arguments:
            deltas.append(ToolCallArguments(index, call.number, arguments))
        return put_right

    def _call_of(self, progress: _Progress, piece: ToolCallShape) -> _Call | None:
        """The call a piece belongs to; None when it begins a new one.

        A new id begins a new call only together with a name: some servers (vLLM before 0.6) gave every piece an id of
        its own, others number all calls 0. A piece with neither index nor id belongs to the last call, unless it names
        a function again.
        """
        name = piece.function.name if piece.function else None
        if piece.index is not None:
            call = progress.by_wire_index.get(piece.index)
            if call is not None and name and call.started and piece.id and piece.id != call.id:
                return None
            return call
        if piece.id:
            for call in progress.calls:
                if call.id == piece.id:
                    return call
            if name:
                return None
        last = progress.calls[-1] if progress.calls else None
        return None if last is not None and name and last.started else last

    def _start(self, index: int, progress: _Progress, call: _Call, name: str, deltas: list[Delta]) -> None:
        """The call's name is known. Those begun before it are complete, as models write one call after another."""
        for earlier in progress.calls:
            if earlier.started and earlier.open and earlier.number < call.number:
                earlier.open = False
                deltas.append(ToolCallEnd(index, earlier.number))
        call.started, call.name = True, name
        deltas.append(ToolCallStart(index, call.number, call.id, name, call.signature))

    def _end_calls(self, index: int, progress: _Progress, deltas: list[Delta]) -> None:
        for call in progress.calls:
            if not call.started:
                self._start(index, progress, call, "", deltas)
                if call.held:
                    deltas.append(ToolCallArguments(index, call.number, call.held))
            if call.open:
                call.open = False
                deltas.append(ToolCallEnd(index, call.number))


def _end_tags(index: int, progress: _Progress, deltas: list[Delta]) -> None:
    """Give what was held back for a tag that did not come."""
    if progress.tags is not None:
        _add(index, progress.tags.finish(), deltas)


def _add(index: int, piece: Piece, deltas: list[Delta]) -> None:
    if piece.thought:
        deltas.append(ThoughtDelta(index, piece.thought))
    if piece.text:
        deltas.append(TextDelta(index, piece.text))
