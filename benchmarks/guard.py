"""The over-thinking guard on real thoughts: what it saves, and what it costs in right answers.

    python -m benchmarks.guard                      from the thoughts that are kept: minutes
    python -m benchmarks.guard --think              makes thoughts for the questions that have none, first: an hour

A local model thinks about arithmetic word problems with known answers (data/word_problems.json, half of them Chinese) at
effort "high" and temperature 0. Each thought is then gone on with twice: where the model would end it, it reads "Wait,
let me work it out again to check:" and thinks on, for at most 96 tokens (the "budget forcing" of s1, arXiv 2501.19393).
Models trained to reason do this on their own; the local model, which is only asked to, does not. Both are told apart:

    as it came          the thought up to where the model ended it
    with two checks     the whole of it

Beside them stand questions of other kinds, with nothing added to the thoughts: puzzles, questions without an answer, open ones
(data/puzzles.json). On those the model goes round in circles by itself.

The thoughts are kept (data/thoughts.jsonl, data/puzzle_thoughts.jsonl), so that both sides of a comparison are one and the same thought: the guard
reads it, and where it steps in, the thought is cut there and the answer alone is asked for anew. An answer is right when
its last number is the known one, or its last line holds the known word and no other of the question's.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import command, engine, machine
from benchmarks.rows import Reference, Row
from zhongshu.core.models import ModelCard, Offer, Release
from zhongshu.core.ports import Call
from zhongshu.core.turns import Message, Sampling, Turn
from zhongshu.engine.client import EngineClient
from zhongshu.engine.local import LocalEngine
from zhongshu.engine.settings import EngineSettings, EngineSpec
from zhongshu.upstreams.embedded import thoughts
from zhongshu.upstreams.embedded.briefs import brief
from zhongshu.upstreams.embedded.guard import Guard
from zhongshu.upstreams.embedded.link import Link

NAME = "guard"
DATA = Path(__file__).parent / "data"
QUESTIONS, THOUGHTS = DATA / "word_problems.json", DATA / "thoughts.jsonl"
PUZZLES, PUZZLE_THOUGHTS = DATA / "puzzles.json", DATA / "puzzle_thoughts.jsonl"
CONTEXT_TOKENS, SLOTS = 4096, 4
CHECKS, CHECK_TOKENS, ANSWER_TOKENS = 2, 96, 160
_SEED = 20
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_AGAIN, _AGAIN_ZH = "\nWait, let me work it out again to check:\n1.", "\n等一下，我再重新算一遍，验证结果：\n1."


class Question(msgspec.Struct, frozen=True):
    """A question and what answers it: a number, a word, or nothing that could be judged. others: words of which none may be
    the answer."""

    question: str
    answer: float | str | None = None
    others: tuple[str, ...] = ()


class Kept(msgspec.Struct, frozen=True):
    """A thought and what was answered from it. first: up to where the model ended it; checks: what it wrote when it was
    made to go on. tokens: of the first, and of all."""

    model: str
    question: str
    known: float | str | None
    first: str
    checks: tuple[str, ...]
    tokens: tuple[int, int]
    answer: str

    @property
    def whole(self) -> str:
        if not self.checks:
            return self.first
        again = _AGAIN_ZH if _HAN.search(self.question) else _AGAIN
        return self.first.rstrip() + "".join([again + more.rstrip() for more in self.checks])


class Options(msgspec.Struct, frozen=True):
    """What is run. think: make the thoughts that are missing."""

    model: str = "qwen2.5-coder-1.5b"
    questions: int = 16
    puzzles: int = 24
    think: bool = False


class Judged(msgspec.Struct, frozen=True):
    """One thought with the guard: why it stepped in (empty: not), the tokens that were left, the answer from them."""

    kept: Kept
    early: str
    why: str
    tokens: int
    answer: str


class Thinker:
    """Asks a model's process for thoughts and answers, and counts."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def prompt(self, question: str, model: str) -> str:
        """What the model reads, up to where its thought begins."""
        asked = brief(call_of(question, model), CONTEXT_TOKENS)
        return await self._link.render(asked.messages) + thoughts.BEFORE

    async def more(self, prompt: str, tokens: int, stop: Sequence[str]) -> str:
        """What the model writes next."""
        body: dict[str, Any] = {"prompt": prompt, "n_predict": tokens, "stop": stop, "temperature": 0.0, "seed": _SEED}
        async with aclosing(self._link.generate(body)) as pieces:
            return "".join([piece.content async for piece in pieces])

    async def answer(self, prompt: str, thought: str) -> str:
        """What it answers from a thought."""
        return await self.more(prompt + thought.rstrip() + thoughts.AFTER, ANSWER_TOKENS, ())

    async def count(self, text: str) -> int:
        return await self._link.count(text)


def chosen(count: int) -> list[Question]:
    """So many questions, both languages in turn."""
    every = msgspec.json.decode(QUESTIONS.read_bytes(), type=list[Question])
    half = len(every) // 2
    return [one for both in zip(every[:half], every[half:], strict=True) for one in both][:count]


def puzzles(count: int) -> list[Question]:
    """So many of the other kinds."""
    return msgspec.json.decode(PUZZLES.read_bytes(), type=list[Question])[:count]


def kept(model: str, file: Path = THOUGHTS) -> dict[str, Kept]:
    """The thoughts of a model that are kept, by question."""
    lines = file.read_bytes().splitlines() if file.exists() else []
    every = [msgspec.json.decode(line, type=Kept) for line in lines]
    return {one.question: one for one in every if one.model == model}


async def think(thinker: Thinker, asked: Question, model: str, checks: int = CHECKS) -> Kept:
    """A thought from its beginning, gone on with so many times, and its answer."""
    prompt = await thinker.prompt(asked.question, model)
    budget = thoughts.budget("high", CONTEXT_TOKENS)
    made = Kept(model, asked.question, asked.answer, await thinker.more(prompt, budget, thoughts.STOPS), (), (0, 0), "")
    again = _AGAIN_ZH if _HAN.search(asked.question) else _AGAIN
    for _ in range(checks):
        check = await thinker.more(prompt + made.whole + again, CHECK_TOKENS, thoughts.STOPS)
        made = msgspec.structs.replace(made, checks=(*made.checks, check))
    return msgspec.structs.replace(
        made,
        tokens=(await thinker.count(made.first), await thinker.count(made.whole)),
        answer=await thinker.answer(prompt, made.whole),
    )


def stepped_in(thought: str) -> tuple[str, str]:
    """Why the guard closes this thought, empty where it does not, and what it keeps of it."""
    guard = Guard()
    reason = guard.feed(thought)
    return (reason, thought[: guard.kept]) if reason else ("", thought)


async def judge(thinker: Thinker, one: Kept) -> Judged:
    """The thought with the guard; asked for an answer anew only where it was cut."""
    early, _ = stepped_in(one.first)
    why, left = stepped_in(one.whole)
    if not why or left.rstrip() == one.whole.rstrip():
        return Judged(one, early, why, one.tokens[1], one.answer)
    prompt = await thinker.prompt(one.question, one.model)
    return Judged(one, early, why, await thinker.count(left), await thinker.answer(prompt, left))


async def measure(options: Options) -> tuple[list[Judged], list[Judged]]:
    """Every question's thought, with the guard and without: word problems, and puzzles."""
    async with _thinker(options.model) as thinker:
        problems, others = chosen(options.questions), puzzles(options.puzzles)
        if options.think:
            await _make(thinker, problems, options.model, THOUGHTS, CHECKS)
            await _make(thinker, others, options.model, PUZZLE_THOUGHTS, 0)
        have, beside = kept(options.model), kept(options.model, PUZZLE_THOUGHTS)
        return (
            [await judge(thinker, have[q.question]) for q in problems if q.question in have],
            [await judge(thinker, beside[q.question]) for q in others if q.question in beside],
        )


async def _make(thinker: Thinker, asked: Sequence[Question], model: str, file: Path, checks: int) -> None:
    """Add the thoughts that a file has not yet."""
    room, have = asyncio.Semaphore(SLOTS), kept(model, file)

    async def one(number: int, question: Question) -> None:
        async with room:
            made = await think(thinker, question, model, checks)
        with file.open("ab") as out:
            out.write(msgspec.json.encode(made) + b"\n")
        command.say(f"  {number + 1}: thought, {made.tokens[0]} tokens and {made.tokens[1]} with its checks")

    await asyncio.gather(*[one(n, q) for n, q in enumerate(asked) if q.question not in have])


@asynccontextmanager
async def _thinker(model: str) -> AsyncGenerator[Thinker]:
    file = engine.model_file(model)
    with tempfile.TemporaryDirectory() as folder:
        settings = EngineSettings(context_tokens=CONTEXT_TOKENS, slots=SLOTS, threads=1, memory_bytes=8 * 1024**3)
        manager = LocalEngine(settings, (EngineSpec(model=model, path=str(file)),), Path(folder))
        await manager.start()
        client = EngineClient(manager.socket_path)
        try:
            async with client.use(model) as address:
                link = Link("embedded", model, address)
                yield Thinker(link)
                await link.aclose()
        finally:
            await client.aclose()
            await manager.aclose()


def right(answer: str, known: float | str | None, others: Sequence[str] = ()) -> bool:
    """Whether the last number of an answer is the known one, or its last line holds the known word and none of the others."""
    if isinstance(known, str):
        last = (answer.strip().splitlines() or [""])[-1].lower()
        return _said(known, last) and not any(_said(other, last) for other in others)
    numbers = _NUMBER.findall(answer)
    return bool(numbers) and float(numbers[-1].replace(",", "")) == known


def _said(word: str, line: str) -> bool:
    return word in line if _HAN.search(word) else re.search(rf"\b{re.escape(word.lower())}\b", line) is not None


def call_of(question: str, model: str) -> Call:
    """The question as a turn that thinks hard."""
    turn = Turn(
        trace="0" * 32,
        arrived_ns=0,
        kind="chat",
        protocol="openai",
        model=model,
        messages=(Message("user", question),),
        sampling=Sampling(temperature=0.0, seed=_SEED),
        effort="high",
    )
    release = Release(model=model, version="1", upstream="embedded", upstream_model=model)
    return Call(turn, Offer(release, ModelCard(name=model, thinking="prompted")), "high")


def rows_of_puzzles(judged: Sequence[Judged], options: Options) -> list[Row]:
    """What it came to on thoughts that nothing was added to."""
    others = {one.question: one.others for one in puzzles(options.puzzles)}
    of = f"{options.model}, {len(judged)} puzzles, unanswerable and open questions"
    why = Counter(one.why for one in judged if one.why)
    closed = [one for one in judged if one.why]
    known = [one for one in judged if one.kept.known is not None]
    mine = [right(one.answer, one.kept.known, others[one.kept.question]) for one in known]
    free = [right(one.kept.answer, one.kept.known, others[one.kept.question]) for one in known]
    lost, won = _changed(mine, free)
    reasons = ", ".join(f"{reason} {times}" for reason, times in why.most_common()) or "none"
    within = f"of those closed, {sum(one.tokens for one in closed)} of {sum(one.kept.tokens[1] for one in closed)}"
    return [
        _row("puzzles, thoughts closed", "thoughts", len(closed), 0, f"{of}: {reasons}"),
        _row(
            "puzzles, tokens of thought", "tokens", sum(one.tokens for one in judged),
            sum(one.kept.tokens[1] for one in judged), within,
        ),
        _row("puzzles, right answers", "answers", sum(mine), sum(free), f"of {len(known)} known; {lost} lost, {won} won"),
    ]  # fmt: skip


def _changed(mine: Sequence[bool], free: Sequence[bool]) -> tuple[int, int]:
    """How many right answers the guard lost, and how many it won."""
    lost = sum(without and not with_it for with_it, without in zip(mine, free, strict=True))
    return lost, lost + sum(mine) - sum(free)


def _row(name: str, unit: str, value: float, free: float | None = None, note: str = "") -> Row:
    reference = None if free is None else Reference("without", free)
    return Row(name=f"guard: {name}", value=value, unit=unit, reference=reference, note=note)


def rows_of(judged: Sequence[Judged], options: Options) -> list[Row]:
    """What it came to."""
    of = f"{options.model}, {len(judged)} questions"
    why = Counter(one.why for one in judged if one.why)
    early = [one.early for one in judged if one.early]
    with_guard = [right(one.answer, one.kept.known) for one in judged]
    without = [right(one.kept.answer, one.kept.known) for one in judged]
    lost, won = _changed(with_guard, without)
    first = sum(one.kept.tokens[0] for one in judged)
    checked = "with two checks"
    return [
        _row("as they came, thoughts closed", "thoughts", len(early), 0, f"{of}; {first} tokens of thought in all"),
        _row(
            f"{checked}, thoughts closed", "thoughts", sum(why.values()), 0,
            ", ".join(f"{reason} {times}" for reason, times in why.most_common()) or "none",
        ),
        _row(
            f"{checked}, tokens of thought", "tokens", sum(one.tokens for one in judged),
            sum(one.kept.tokens[1] for one in judged), of,
        ),
        _row(f"{checked}, right answers", "answers", sum(with_guard), sum(without), f"{lost} lost, {won} won"),
    ]  # fmt: skip


def run(options: Options | None = None) -> list[Row]:
    """The whole benchmark."""
    options = options or Options()
    problems, others = asyncio.run(measure(options))
    return [*rows_of(problems, options), *rows_of_puzzles(others, options)]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command.parser(__doc__)
    usual = Options()
    parser.add_argument("--model", default=usual.model, help=f"a local model; default {usual.model}")
    parser.add_argument("--questions", type=int, default=usual.questions, help=f"at most 24; default {usual.questions}")
    parser.add_argument("--puzzles", type=int, default=usual.puzzles, help=f"at most 24; default {usual.puzzles}")
    parser.add_argument("--think", action="store_true", help="make the thoughts that are missing")
    given = command.parsed(parser, arguments)
    options = Options(given.model, given.questions, given.puzzles, given.think)
    command.say(f"{NAME} on {machine.describe()}:")
    return command.finish(NAME, run(options), given)


if __name__ == "__main__":
    sys.exit(main())
