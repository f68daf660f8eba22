"""One choice of an answer, beginning to end: think if asked to, then reply in words or in a shape, or call tools.

Every phase continues the prompt of the one before with what the model wrote, so the process finds all it has read in
its cache and only new tokens cost time. Knows phases and deltas; how the bytes travel is link.py's.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from msgspec import Raw

from zhongshu.core.answers import (
    Delta,
    Event,
    LogprobsDelta,
    Stop,
    StopDelta,
    TextDelta,
    ThoughtDelta,
    ToolCallArguments,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from zhongshu.core.turns import Sampling, Tool
from zhongshu.upstreams.embedded import thoughts, tools
from zhongshu.upstreams.embedded.briefs import Brief
from zhongshu.upstreams.embedded.link import Link, Piece, Timings, Token
from zhongshu.upstreams.embedded.loops import Loop
from zhongshu.upstreams.embedded.options import Body, drawing, wanted_logprobs
from zhongshu.upstreams.embedded.stops import StopFinder

_CALLS_AT_MOST = 8
_NAME_TOKENS = 64
_PROBED = 24
Events = AsyncGenerator[Event, None]


class Tally:
    """Tokens used by all choices of a call. A prompt counts once, however many choices and phases read it.

    thought_ended: why the first thought that the model did not end itself was closed (thoughts.Ended), else empty.
    answer_ended: "repeating" where an answer that went round in a loop was broken off, else empty."""

    def __init__(self) -> None:
        self.prompt = 0
        self.cached = 0
        self.completion = 0
        self.thinking = 0
        self.thought_ended = ""
        self.answer_ended = ""

    def read(self, timings: Timings) -> None:
        """A prompt was read for the first time."""
        self.prompt += timings.prompt_n + timings.cache_n
        self.cached += timings.cache_n

    def usage(self) -> Usage:
        return Usage(prompt=self.prompt, completion=self.completion, cached=self.cached, thinking=self.thinking)


class Walk:
    """A choice on its way. `first_of_prompt`: the one of the choices that counts the prompt's tokens."""

    def __init__(
        self, link: Link, brief: Brief, sampling: Sampling, prompt: str, index: int, tally: Tally, first_of_prompt: bool
    ) -> None:
        self._link = link
        self._brief = brief
        self._sampling = sampling
        self._prompt = prompt
        self._index = index
        self._tally = tally
        self._prompt_counted = not first_of_prompt
        self._left = sampling.max_tokens
        self._ended: Stop = "stop"
        self._thought = ""

    async def events(self) -> Events:
        """Every event of the choice; the last one says why it stopped."""
        if self._brief.thought_tokens:
            async for event in self._think():
                yield event
        if self._spent():
            yield self._stop("length")
        elif not self._brief.tools:
            async for event in self._say():
                yield event
        elif self._brief.must_call or await self._wants_call():
            async for event in self._call():
                yield event
        else:
            async for event in self._reply():
                yield event

    # ---- the phases

    async def _think(self) -> Events:
        """Thought, at most the budget, up to its closing mark; then the mark is ours to write. A thought that its watch
        finds to be getting nowhere is broken off, and goes on to the answer with what is worth keeping of it."""
        began = len(self._prompt)
        self._prompt += thoughts.BEFORE
        budget = self._at_most(self._brief.thought_tokens)
        body: Body = {"stop": thoughts.STOPS, "n_predict": budget, "timings_per_token": self._brief.guarded}
        watch = thoughts.Watch(self._brief.thought_tokens) if self._brief.guarded else None
        before = self._tally.completion
        ended: thoughts.Ended = ""
        async with aclosing(self._generate(body, thought=True)) as pieces:
            async for piece in pieces:
                if piece.content:
                    yield Event((ThoughtDelta(self._index, piece.content),))
                if watch is not None and not piece.stop:
                    ended = watch.feed(piece.content, piece.tokens_predicted)
                    if ended:
                        self._count(piece, watch.kept())
                        break
        if not ended and self._ended == "length" and not self._spent():
            ended = "budget"
        self._tally.thought_ended = self._tally.thought_ended or ended
        self._tally.thinking += self._tally.completion - before
        self._prompt = self._prompt.rstrip() + thoughts.AFTER
        self._thought = self._prompt[began:]

    async def _say(self) -> Events:
        """An answer in words, or in the shape asked for."""
        body: Body = {"stop": self._sampling.stop, "n_predict": self._at_most(None)}
        body |= wanted_logprobs(self._sampling)
        if self._brief.schema is not None:
            body["json_schema"] = self._brief.schema
        marks = thoughts.MarkFilter() if self._brief.thought_tokens else None
        async with aclosing(self._generate(body)) as pieces:
            async for piece in pieces:
                text = piece.content if marks is None else marks.feed(piece.content, last=piece.stop)
                deltas: list[Delta] = [TextDelta(self._index, text)] if text else []
                if piece.completion_probabilities:
                    deltas.append(_logprobs(self._index, piece.completion_probabilities, self._sampling))
                if piece.stop:
                    deltas.append(StopDelta(self._index, self._ended))
                if deltas:
                    yield Event(tuple(deltas))

    async def _reply(self) -> Events:
        """An answer in words by a model that has tools: as if it had none, or its `reply` tool's text, read out of
        the JSON string."""
        if self._brief.talk is not None:
            self._prompt = await self._link.render(self._brief.talk) + self._thought
        if self._brief.talk is not None or self._brief.schema is not None:
            async for event in self._say():
                yield event
            return
        self._prompt += tools.before_reply(self._brief.reply)
        reader, stops = tools.StringReader(), StopFinder(self._sampling.stop)
        body = {"grammar": tools.STRING_REST, "n_predict": self._at_most(None)}
        async with aclosing(self._generate(body)) as pieces:
            async for piece in pieces:
                text = stops.feed(reader.feed(piece.content), last=piece.stop)
                if text:
                    yield Event((TextDelta(self._index, text),))
                if stops.found:
                    self._ended = "stop"
                    break
        yield self._stop(self._ended)

    async def _call(self) -> Events:
        """One tool call, and more while the model wants more and may make them."""
        made: set[str] = set()
        for number in range(_CALLS_AT_MOST):
            tool = await self._choose_tool()
            yield Event((ToolCallStart(self._index, number, f"call_{secrets.token_hex(12)}", tool.name),))
            began = len(self._prompt)
            async for event in self._arguments(tool, number):
                yield event
            if self._ended == "length" or self._spent():
                yield self._stop("length")
                return
            yield Event((ToolCallEnd(self._index, number),))
            written = tool.name + self._prompt[began:]
            self._prompt += tools.AFTER_CALL
            if written in made or not self._brief.several or not await self._wants_call(another=True):
                break
            made.add(written)
        yield self._stop("tool_calls")

    async def _arguments(self, tool: Tool, number: int) -> Events:
        body = {"json_schema": tools.arguments_schema(tool), "n_predict": self._at_most(None)}
        self._prompt += tools.before_arguments(tool.name)
        async with aclosing(self._generate(body, careful=True)) as pieces:
            async for piece in pieces:
                if piece.content:
                    yield Event((ToolCallArguments(self._index, number, piece.content),))

    # ---- the decisions

    async def _wants_call(self, *, another: bool = False) -> bool:
        """Whether the model would rather call a tool (once more) than reply, by the name it would write."""
        first = await self._probe(tools.BEFORE_NAME)
        return tools.wants_call(first, self._brief.tools, self._brief.reply, another=another)

    async def _choose_tool(self) -> Tool:
        """The only tool, or the one whose name the model writes."""
        usable = self._brief.tools
        if len(usable) == 1:
            return usable[0]
        began = len(self._prompt)
        self._prompt += tools.BEFORE_NAME
        body = {"grammar": tools.names_grammar(usable), "n_predict": _NAME_TOKENS, "temperature": 0}
        name = "".join([piece.content async for piece in self._generate(body)]).rstrip('"')
        self._prompt = self._prompt[:began]
        return next((tool for tool in usable if tool.name == name), usable[0])

    async def _probe(self, prefix: str) -> list[Token]:
        """What the model would write next, by likelihood. Nothing of it is kept."""
        body: Body = {"n_probs": _PROBED, "n_predict": 1, "temperature": 0}
        found: list[Token] = []
        async with aclosing(self._link.generate({"prompt": self._prompt + prefix, **body})) as pieces:
            async for piece in pieces:
                self._count_prompt(piece)
                for token in piece.completion_probabilities[:1]:
                    found = found or token.top_logprobs
        return found

    # ---- the way to the model

    async def _generate(
        self, body: Body, *, careful: bool = False, thought: bool = False
    ) -> AsyncGenerator[Piece, None]:
        """Continue the prompt, remember what was written, count it. `careful`: unless the caller set a temperature,
        take the likeliest token. An answer whose length nobody bounded ends, as at a limit, when it goes round in a
        loop; a thought has its own watch."""
        drawn = drawing(self._sampling, self._index)
        if careful:
            drawn.setdefault("temperature", 0)
        loop = Loop() if self._brief.guarded and self._left is None and not thought else None
        if loop is not None:
            drawn["timings_per_token"] = True
        async with aclosing(self._link.generate({"prompt": self._prompt, **drawn, **body})) as pieces:
            written: list[str] = []
            tokens = 0
            async for piece in pieces:
                written.append(piece.content)
                new, tokens = piece.tokens_predicted - tokens, piece.tokens_predicted
                broken_off = loop is not None and not piece.stop and loop.closes(piece.content, new)
                if broken_off:
                    self._tally.answer_ended = "repeating"
                    piece = msgspec.structs.replace(piece, stop=True, stop_type="limit")
                if piece.stop:
                    self._count(piece, "".join(written))
                yield piece
                if broken_off:
                    return

    def _count(self, piece: Piece, written: str) -> None:
        self._count_prompt(piece)
        self._prompt += written
        self._ended = "length" if piece.stop_type == "limit" else "stop"
        self._tally.completion += piece.tokens_predicted
        if self._left is not None:
            self._left -= piece.tokens_predicted

    def _count_prompt(self, piece: Piece) -> None:
        if piece.timings.prompt_n and not self._prompt_counted:
            self._prompt_counted = True
            self._tally.read(piece.timings)

    def _at_most(self, tokens: int | None) -> int:
        """The smaller of a phase's own limit and what is left of the caller's; -1 for neither."""
        limits = [limit for limit in (tokens, self._left) if limit is not None]
        return min(limits, default=-1)

    def _spent(self) -> bool:
        return self._left is not None and self._left <= 0

    def _stop(self, reason: Stop) -> Event:
        return Event((StopDelta(self._index, reason),))


def _logprobs(index: int, tokens: list[Token], sampling: Sampling) -> LogprobsDelta:
    top = sampling.top_logprobs or 0
    return LogprobsDelta(
        index,
        tuple(
            Raw(msgspec.json.encode(msgspec.structs.replace(token, top_logprobs=token.top_logprobs[:top])))
            for token in tokens
        ),
    )
