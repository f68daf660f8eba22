"""Reading Google's replies: one piece of JSON -> deltas. A whole reply is a stream of one piece, read by the same words.

What our words have no place for - code that Google ran, pictures it drew - becomes text, so that nobody loses it.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw

from zhongshu.core.answers import (
    Answer,
    Delta,
    Embeddings,
    Event,
    Fold,
    LogprobsDelta,
    Stop,
    StopDelta,
    TextDelta,
    ThoughtDelta,
    ToolCallArguments,
    ToolCallEnd,
    ToolCallStart,
    Usage,
    UsageDelta,
)
from zhongshu.core.problems import fault
from zhongshu.core.signatures import signed
from zhongshu.upstreams.gemini import errors
from zhongshu.upstreams.gemini.request import DIALECT
from zhongshu.upstreams.gemini.shapes import (
    Candidate,
    LogprobsResult,
    Modality,
    PartShape,
    Token,
    UsageMetadata,
    count_decoder,
    models_decoder,
    reply_decoder,
    vectors_decoder,
)

# Reasons of the Gemini API's reference (read 2026-11-22). Unknown ones count as "stop": the answer is there.
STOPS: dict[str, Stop] = {
    "STOP": "stop",
    "CONTINUATION": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "LANGUAGE": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "ESCALATION": "content_filter",
    "OTHER": "error",
    "IMAGE_OTHER": "error",
    "NO_IMAGE": "error",
    "MALFORMED_FUNCTION_CALL": "error",
    "MALFORMED_RESPONSE": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
}
_PLAIN = frozenset({"TEXT", "DOCUMENT", "VIDEO"})
_UNSPECIFIED = (None, "", "FINISH_REASON_UNSPECIFIED")


class _Progress:
    """One candidate's memory: how many calls it has made, and whether it has stopped."""

    __slots__ = ("calls", "stopped")

    def __init__(self) -> None:
        self.calls = 0
        self.stopped = False


class PieceReader:
    """Turns each piece's JSON into an Event. No I/O."""

    __slots__ = ("_progress", "_upstream", "done", "model")

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._progress: dict[int, _Progress] = {}
        self.done = False
        self.model = ""

    def read(self, payload: bytes) -> Event | None:
        """The Event of one piece. Raises Fault: upstream_malformed when it is no such piece, or what an error object in
        its place says."""
        if payload.startswith(b"[DONE]"):  # Google sends none; some gateways that speak its format do
            self.done = True
            return None
        try:
            reply = reply_decoder.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            why = "a piece is not JSON of a generateContent answer"
            raise fault("upstream_malformed", upstream=self._upstream, why=why) from None
        if reply.error is not None:
            raise errors.explain(self._upstream, "", 200, payload)
        if reply.candidates is None and reply.usage_metadata is None and reply.prompt_feedback is None:
            raise fault("upstream_malformed", upstream=self._upstream, why="the reply holds no candidates")
        self.model = self.model or reply.model_version or ""
        deltas: list[Delta] = []
        try:
            for number, candidate in enumerate(reply.candidates or ()):
                self._candidate(candidate, number, deltas)
        except UnicodeDecodeError:
            raise fault("upstream_malformed", upstream=self._upstream, why="a call's arguments are not UTF-8") from None
        if reply.prompt_feedback is not None and reply.prompt_feedback.block_reason and not self._progress:
            self._progress[0] = progress = _Progress()
            progress.stopped = True
            deltas.append(StopDelta(0, "content_filter"))
        usage = usage_of(reply.usage_metadata)
        if usage is not None:
            deltas.append(UsageDelta(usage))
        return Event(tuple(deltas), payload, DIALECT)

    def finish(self) -> Event | None:
        """The end of the stream. Raises Fault("upstream_cut") when a candidate has not said why it stopped."""
        self.done = True
        if not self._progress or not all(progress.stopped for progress in self._progress.values()):
            raise fault("upstream_cut", upstream=self._upstream)
        return None

    def _candidate(self, candidate: Candidate, number: int, deltas: list[Delta]) -> None:
        index = number if candidate.index is None else candidate.index
        progress = self._progress.get(index)
        if progress is None:
            progress = self._progress[index] = _Progress()
        for part in (candidate.content.parts or ()) if candidate.content else ():
            self._part(index, progress, part, deltas)
        if candidate.logprobs_result is not None:
            entries = _entries(candidate.logprobs_result)
            if entries:
                deltas.append(LogprobsDelta(index, entries))
        reason = candidate.finish_reason
        if reason not in _UNSPECIFIED and not progress.stopped:
            progress.stopped = True
            stop = STOPS.get(reason or "", "stop")
            deltas.append(StopDelta(index, "tool_calls" if stop == "stop" and progress.calls else stop))

    def _part(self, index: int, progress: _Progress, part: PartShape, deltas: list[Delta]) -> None:
        signature = signed("gemini", part.thought_signature)
        if part.function_call is not None:
            call = part.function_call
            number = progress.calls
            progress.calls += 1
            call_id = call.id or f"call_{index}_{number}_{call.name}"[:40]
            args = bytes(call.args) if call.args is not UNSET else b"{}"
            deltas.append(ToolCallStart(index, number, call_id, call.name, signature))
            deltas.append(ToolCallArguments(index, number, "{}" if args == b"null" else args.decode()))
            deltas.append(ToolCallEnd(index, number))
            return
        if part.thought:
            text = part.text or ""
            if text or signature:
                deltas.append(ThoughtDelta(index, text, signature, redacted=bool(signature and not text)))
            return
        text = part.text if part.text is not None else _as_text(part)
        if text:
            deltas.append(TextDelta(index, text))
        if signature:
            deltas.append(ThoughtDelta(index, "", signature))


def read_answer(body: bytes, upstream: str) -> Answer:
    """The Answer of a plain reply with status 200. Raises Fault as PieceReader.read does."""
    reader, fold = PieceReader(upstream), Fold()
    event = reader.read(body)
    if event is None:
        raise fault("upstream_malformed", upstream=upstream, why="the body is not a generateContent answer")
    fold.add(event)
    answer = fold.answer(reader.model)
    if not answer.choices:
        raise fault("upstream_malformed", upstream=upstream, why="the reply holds no candidates")
    return Answer(answer.choices, answer.usage, answer.model, body, DIALECT)


def read_pieces(body: bytes, upstream: str) -> tuple[Event, ...]:
    """The events of a stream that came whole: as a JSON array, or one piece."""
    reader = PieceReader(upstream)
    pieces = [Raw(body)]
    if body.lstrip().startswith(b"["):
        try:
            pieces = msgspec.json.decode(body, type=list[Raw])
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise fault("upstream_malformed", upstream=upstream, why="the body is not JSON") from None
    events = [reader.read(bytes(piece)) for piece in pieces]
    reader.finish()
    return tuple([event for event in events if event is not None])


def read_count(body: bytes, upstream: str) -> int:
    """The number of a countTokens reply."""
    try:
        return count_decoder.decode(body).total_tokens
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise fault("upstream_malformed", upstream=upstream, why="the body is not a count of tokens") from None


def read_embeddings(body: bytes, upstream: str) -> Embeddings:
    """The vectors of batchEmbedContents, in the order of the texts."""
    try:
        reply = vectors_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise fault("upstream_malformed", upstream=upstream, why="the body is not a list of embeddings") from None
    if reply.embeddings is None:
        raise fault("upstream_malformed", upstream=upstream, why="the reply holds no embeddings")
    return Embeddings(tuple([tuple(vector.values) for vector in reply.embeddings]), usage_of(reply.usage_metadata))


def read_models(body: bytes, upstream: str) -> tuple[str, ...]:
    """The names in a list of models, without `models/`."""
    try:
        listed = models_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise fault("upstream_malformed", upstream=upstream, why="the body is not a list of models") from None
    return tuple([model.name.removeprefix("models/") for model in listed.models])


def usage_of(said: UsageMetadata | None) -> Usage | None:
    """Tokens as we count them: thoughts are part of the completion, results of Google's own tools of the prompt. Parts
    do not overlap: sound and pictures that were cached count as cached."""
    if said is None:
        return None
    prompt = said.prompt_token_count + said.tool_use_prompt_token_count
    thinking, cached = said.thoughts_token_count, said.cached_content_token_count
    completion = said.candidates_token_count + thinking
    usage = Usage(prompt, completion, cached if cached <= prompt else prompt, thinking)
    if said.prompt_tokens_details is None and said.candidates_tokens_details is None:
        return usage
    given, kept = _kinds(said.prompt_tokens_details), _kinds(said.cache_tokens_details)
    made = _kinds(said.candidates_tokens_details)
    if given.keys() <= _PLAIN and made.keys() <= _PLAIN:
        return usage
    return msgspec.structs.replace(
        usage,
        audio_in=max(given.get("AUDIO", 0) - kept.get("AUDIO", 0), 0),
        image_in=max(given.get("IMAGE", 0) - kept.get("IMAGE", 0), 0),
        audio_out=made.get("AUDIO", 0),
        image_out=made.get("IMAGE", 0),
    )


def _kinds(details: list[Modality] | None) -> dict[str, int]:
    return {detail.modality: detail.token_count for detail in details or ()}


def _as_text(part: PartShape) -> str:
    if part.executable_code is not None:
        return f"```{part.executable_code.language.lower()}\n{part.executable_code.code}\n```\n"
    if part.code_execution_result is not None:
        return f"```\n{part.code_execution_result.output}\n```\n"
    if part.inline_data is not None:
        return f"![](data:{part.inline_data.mime_type};base64,{part.inline_data.data})"
    return ""


def _entries(result: LogprobsResult) -> tuple[Raw, ...]:
    """Google's probabilities as OpenAI's entries, which our words keep."""
    tops = result.top_candidates or []
    return tuple(
        [
            Raw(
                msgspec.json.encode(
                    _entry(token)
                    | {"top_logprobs": [_entry(t) for t in (tops[n].candidates or [] if n < len(tops) else [])]}
                )
            )
            for n, token in enumerate(result.chosen_candidates or ())
        ]
    )


def _entry(token: Token) -> dict[str, object]:
    return {"token": token.token, "logprob": token.log_probability, "bytes": list(token.token.encode())}
