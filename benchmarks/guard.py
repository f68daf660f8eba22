"""The over-thinking guard on real thoughts: what it saves, and what it costs in right answers.

    python -m benchmarks.guard
    python -m benchmarks.guard --model qwen2.5-coder-0.5b --questions 8

Arithmetic word problems with known answers (data/word_problems.json, half of them Chinese) are answered by a local model
that is asked to think with effort "high", once with the guard and once without: the same seed, the same prompt already
read, so that both write the same words up to where the guard steps in. An answer is right when its last number is the
known one. Where the guard did not fire the two must be the same text: how often they are is a row of its own.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks import command, engine, machine
from benchmarks.rows import Reference, Row
from zhongshu.core.answers import Answer, Usage
from zhongshu.core.models import ModelCard, Offer, Release
from zhongshu.core.ports import Call
from zhongshu.core.turns import Message, Sampling, Turn
from zhongshu.engine.client import EngineClient
from zhongshu.engine.local import LocalEngine
from zhongshu.engine.settings import EngineSettings, EngineSpec
from zhongshu.upstreams.embedded.upstream import EmbeddedUpstream

NAME = "guard"
QUESTIONS = Path(__file__).parent / "data" / "word_problems.json"
ANSWER_TOKENS = 256
_SEED = 20
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


class Question(msgspec.Struct, frozen=True):
    """A word problem and the number that solves it."""

    question: str
    answer: float


class Options(msgspec.Struct, frozen=True):
    """What is run. temperature: of both; 0 takes the likeliest word always, and loops most."""

    model: str = "qwen2.5-coder-1.5b"
    questions: int = 24
    temperature: float = 0.0


class Given(msgspec.Struct, frozen=True):
    """One answer. why: what closed its thought, empty when the model did."""

    right: bool
    thinking: int
    completion: int
    seconds: float
    why: str
    text: str


class Pair(msgspec.Struct, frozen=True):
    """A question answered with the guard and without."""

    guarded: Given
    free: Given

    @property
    def stepped_in(self) -> bool:
        """Whether the guard did something that the budget alone would not have done."""
        return bool(self.guarded.why) and self.guarded.thinking < self.free.thinking


def chosen(count: int) -> list[Question]:
    """So many questions, both languages in turn."""
    every = msgspec.json.decode(QUESTIONS.read_bytes(), type=list[Question])
    half = len(every) // 2
    return [one for both in zip(every[:half], every[half:], strict=True) for one in both][:count]


async def measure(options: Options) -> list[Pair]:
    """Every question twice, one at a time."""
    file = engine.model_file(options.model)
    with tempfile.TemporaryDirectory() as folder:
        settings = EngineSettings(context_tokens=4096, slots=1, threads=1, memory_bytes=8 * 1024**3)
        manager = LocalEngine(settings, (EngineSpec(model=options.model, path=str(file)),), Path(folder))
        await manager.start()
        guarded = EmbeddedUpstream("embedded", EngineClient(manager.socket_path), guard=True)
        free = EmbeddedUpstream("embedded", EngineClient(manager.socket_path), guard=False)
        try:
            return [
                await pair(number, one, options, guarded, free) for number, one in enumerate(chosen(options.questions))
            ]
        finally:
            await guarded.aclose()
            await free.aclose()
            await manager.aclose()


async def pair(
    number: int, question: Question, options: Options, guarded: EmbeddedUpstream, free: EmbeddedUpstream
) -> Pair:
    """One question both ways, its prompt read beforehand."""
    await free.complete(call_of(question, options, max_tokens=1))
    found = Pair(await asked(guarded, question, options), await asked(free, question, options))
    command.say(
        f"  {number + 1}: with the guard {found.guarded.thinking} tokens of thought ({found.guarded.why or 'its own end'}, "
        f"{'right' if found.guarded.right else 'wrong'}), without {found.free.thinking} "
        f"({found.free.why or 'its own end'}, {'right' if found.free.right else 'wrong'})"
    )
    return found


async def asked(upstream: EmbeddedUpstream, question: Question, options: Options) -> Given:
    """One answer, with what it took."""
    call = call_of(question, options, max_tokens=None)
    began = time.monotonic()
    answer = await upstream.complete(call)
    usage = answer.usage or Usage()
    seconds = time.monotonic() - began
    text = answer.choices[0].thought + answer.choices[0].text
    return Given(right(answer, question.answer), usage.thinking, usage.completion, seconds, call.thought_ended, text)


def right(answer: Answer, known: float) -> bool:
    """Whether the last number of what follows the thought is the known one."""
    numbers = _NUMBER.findall(answer.choices[0].text)
    return bool(numbers) and float(numbers[-1].replace(",", "")) == known


def call_of(question: Question, options: Options, max_tokens: int | None) -> Call:
    """The question as a turn that thinks hard. Its answer may be as long as the budget of thought and 256 tokens."""
    turn = Turn(
        trace="0" * 32,
        arrived_ns=0,
        kind="chat",
        protocol="openai",
        model=options.model,
        messages=(Message("user", question.question),),
        sampling=Sampling(temperature=options.temperature, seed=_SEED, max_tokens=max_tokens or 1280 + ANSWER_TOKENS),
        effort="high",
    )
    card = ModelCard(name=options.model, thinking="prompted")
    release = Release(model=options.model, version="1", upstream="embedded", upstream_model=options.model)
    return Call(turn, Offer(release, card), "high")


def rows_of(pairs: Sequence[Pair], options: Options) -> list[Row]:
    """What it came to."""
    of = f"{options.model}, {len(pairs)} questions"
    without = [one.free for one in pairs]
    guarded = [one.guarded for one in pairs]
    why = Counter(one.guarded.why for one in pairs if one.guarded.why)
    same = sum(one.guarded.text == one.free.text for one in pairs if not one.guarded.why)
    left_alone = sum(not one.guarded.why for one in pairs)

    def row(name: str, unit: str, value: float, free: float, note: str = "") -> Row:
        return Row(name=f"guard: {name}", value=value, unit=unit, reference=Reference("without", free), note=note)

    return [
        row("tokens of thought", "tokens", _sum(guarded, "thinking"), _sum(without, "thinking"), of),
        row("tokens written in all", "tokens", _sum(guarded, "completion"), _sum(without, "completion"), of),
        row("seconds", "s", _sum(guarded, "seconds"), _sum(without, "seconds"), of),
        row("right answers", "answers", _sum(guarded, "right"), _sum(without, "right"), of),
        row(
            "thoughts closed by us",
            "thoughts",
            sum(why.values()),
            sum(bool(one.why) for one in without),
            ", ".join(f"{reason} {times}" for reason, times in why.most_common()) or "none",
        ),
        Row(
            name="guard: cut below what it would have been", value=sum(one.stepped_in for one in pairs), unit="thoughts"
        ),
        Row(
            name="guard: right only without it",
            value=sum(one.free.right and not one.guarded.right for one in pairs),
            unit="answers",
            note=f"right only with it: {sum(one.guarded.right and not one.free.right for one in pairs)}",
        ),
        Row(name="guard: left alone and the same text", value=same, unit="answers", note=f"of {left_alone} left alone"),
    ]


def _sum(given: Sequence[Given], field: str) -> float:
    return float(sum(getattr(one, field) for one in given))


def run(options: Options | None = None) -> list[Row]:
    """The whole benchmark."""
    options = options or Options()
    return rows_of(asyncio.run(measure(options)), options)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command.parser(__doc__)
    usual = Options()
    parser.add_argument("--model", default=usual.model, help=f"a local model; default {usual.model}")
    parser.add_argument("--questions", type=int, default=usual.questions, help="how many, at most 24")
    parser.add_argument("--temperature", type=float, default=usual.temperature, help="default 0")
    given = command.parsed(parser, arguments)
    options = Options(given.model, given.questions, given.temperature)
    command.say(f"{NAME} on {machine.describe()}:")
    return command.finish(NAME, run(options), given)


if __name__ == "__main__":
    sys.exit(main())
