"""The five strategies and `auto` on real local models: what each gets right, and what it takes.

    python -m benchmarks.strategies                       the whole benchmark; a cut run goes on where it was
    python -m benchmarks.strategies --only auto,cascade   some of the ways
    python -m benchmarks.strategies --table               no run: the table of what has been answered so far
    python -m benchmarks.strategies --split train --labels outcomes.jsonl
    python -m benchmarks.strategies --split talks         conversations instead of single questions

Questions with known answers (benchmarks/questions) are put to a Zhongshu that runs the default profile's two models: a
general one of 0.5 billion parameters and a reasoning one of 1.5. Every way of answering is an assistant or a model name
of that installation, asked over HTTP as a user would. Compute is tokens written times the parameters of the model that
wrote them; the installation counts it itself, as money: each model's price is its parameters.

Each outcome is appended to a file at once (.benchmarks/strategies/), so nothing is asked twice. `--labels` writes, of the
two single models, the lines that `zhongshu route train` and `zhongshu route tune` read.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import command, servers
from benchmarks.questions import checking, making, talks
from benchmarks.questions.kinds import KINDS, LANGUAGES, Question, Sheet
from benchmarks.rows import RESULTS, Row
from benchmarks.strategy_outcomes import Outcome, Outcomes
from benchmarks.strategy_rows import ByQuestion, by_question, judge_rows, rows_of, write_picture
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.difficulty.linear import FOR_PAIRS, load

NAME = "strategies"
KEY = "zs-bench-strategies-0123456789abcdef"
MAX_TOKENS = 512
AT_ONCE = 6
TIMEOUT_S = 900
MOST_FAILED = 10
GENERAL, REASONING = "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"
WAYS = ("general", "reasoning", REASONING, "auto", "tiered", "cascade", "front-back", "draft-check")
"""What is asked for; the model's own name: the larger model without thought."""
SLOW = ("tiered", "cascade", "front-back", "draft-check")
"""What `--each` shortens."""
IN_TALKS = ("general", "reasoning", REASONING, "auto", "front-back")

_SETTINGS = """
profile = "default"
home = {home}

[server]
port = {port}

[engine]
slots = {at_once}
context_tokens = 2048
room_wait_s = 600.0

[access]
key_requests_per_minute = 100000000
key_tokens_per_minute = 100000000000
key_concurrency = 4000
tenant_requests_per_minute = 100000000
tenant_tokens_per_minute = 100000000000
tenant_concurrency = 4000

[money]
prices_file = {prices}
"""
_PRICES = """
[[prices]]
model = "{general}"
currency = "CNY"
input = 0.0
output = 0.630167424

[[prices]]
model = "{reasoning}"
currency = "CNY"
input = 0.0
output = 1.777088
"""
_ASSISTANT = """
[[assistants]]
name = "{name}"
strategy = "{strategy}"
{models}
{more}
"""


class Options(msgspec.Struct, frozen=True):
    """What is run. each: questions of a kind and language that the slow ways get; None: all."""

    split: Sheet = "report"
    ways: tuple[str, ...] = WAYS
    each: int | None = None


def settings(home: Path, port: int) -> str:
    """The installation: the default profile, priced by parameters, and an assistant for every strategy."""
    text = _SETTINGS.format(
        home=json.dumps(str(home)), port=port, at_once=AT_ONCE, prices=json.dumps(str(home.parent / "prices.toml"))
    )
    both = f'general = "{GENERAL}"\nreasoning = "{REASONING}"'
    for way in WAYS:
        if way in ("auto", REASONING):
            continue
        single = {"general": f'general = "{GENERAL}"', "reasoning": f'reasoning = "{REASONING}"'}
        strategy = "direct" if way in single else way
        more = "" if way == "general" else 'effort = "low"'
        text += _ASSISTANT.format(name=way, strategy=strategy, models=single.get(way, both), more=more)
    return text


def write_settings(folder: Path, port: int) -> Path:
    """The settings in a folder, with the file of prices beside them; the file to start with."""
    (folder / "prices.toml").write_text(_PRICES.format(general=GENERAL, reasoning=REASONING))
    file = folder / "zhongshu.toml"
    file.write_text(settings(folder / "home", port))
    return file


@contextlib.contextmanager
def platform() -> Generator[int]:
    """A Zhongshu with those settings, in a folder of its own; its port."""
    port = servers.free_port()
    with tempfile.TemporaryDirectory(dir=servers.cache()) as folder:
        file = write_settings(Path(folder), port)
        log = servers.cache() / NAME / f"zhongshu-{os.getpid()}.log"
        with log.open("wb") as lines:
            process = subprocess.Popen(
                [servers.own_program("zhongshu"), "up", "--config", str(file)],
                env={**os.environ, "ZHONGSHU_FIRST_KEY": KEY},
                stdin=subprocess.DEVNULL,
                stdout=lines,
                stderr=lines,
            )
        try:
            _wait(process, port, log)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
            process.kill()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path, limit_s: float = 600) -> None:
    until = time.monotonic() + limit_s
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.3)
    raise servers.Unavailable(f"Zhongshu did not start; its last words: {log.read_text('utf-8', 'replace')[-600:]}")


def asked(port: int, way: str, question: Question) -> Outcome:
    """One question, one answer, and what it took."""
    body = {
        "model": way,
        "messages": [{"role": role, "content": text} for role, text in (*question.before, ("user", question.prompt))],
        "temperature": 0,
        "seed": 1,
        "max_tokens": MAX_TOKENS,
    }
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    with contextlib.closing(connection):
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            reply = connection.getresponse()
            said = json.loads(reply.read())
        except (OSError, http.client.HTTPException) as error:
            raise servers.Unavailable(f"{way}: no answer within {time.monotonic() - began:.0f} s ({error})") from None
    if reply.status != 200:
        raise servers.Unavailable(f"{way} answered {reply.status}: {said.get('error', {}).get('message', '')}")
    return outcome(way, question, said, time.monotonic() - began)


def outcome(way: str, question: Question, said: dict[str, Any], seconds: float) -> Outcome:
    """What a reply of the chat protocol comes to."""
    message, ours = said["choices"][0]["message"], said["zhongshu"]
    answer = message.get("content") or ""
    return Outcome(
        way=way,
        id=question.id,
        kind=question.kind,
        language=question.language,
        asked=digest(way, question),
        right=checking.right(question, answer),
        answer=answer,
        prompt_tokens=ours["usage"]["prompt"],
        tokens=ours["usage"]["completion"],
        thinking=ours["usage"]["thinking"],
        compute=float(ours["cost"]["amount"]) * 1e6,
        seconds=round(seconds, 2),
        model=ours["route"]["release"],
        rule=ours["route"]["rule"],
        reason=ours["route"]["reason"],
    )


def digest(way: str, question: Question) -> str:
    """What an outcome is of: with another question or another way of asking it is asked anew."""
    said = "".join(text for _, text in question.before) + question.prompt
    return hashlib.sha256(f"{way} {MAX_TOKENS} {said}".encode()).hexdigest()[:16]


def questions(sheet: Sheet) -> list[Question]:
    """All that is asked in one go."""
    return talks.questions() if sheet == "talks" else making.questions(sheet)


def chosen(options: Options, way: str) -> list[Question]:
    """The questions that a way is asked: all, or of a slow one the first of every kind in both languages."""
    every = questions(options.split)
    if options.each is None or way not in SLOW:
        return every
    picked: list[Question] = []
    for kind in KINDS:
        for language in LANGUAGES:
            picked += [one for one in every if (one.kind, one.language) == (kind, language)][: options.each]
    return picked


def run_all(options: Options, kept: Outcomes) -> None:
    """Ask what has not been asked. Every way after the other: what they take is compared."""
    wanted = {
        way: [one for one in chosen(options, way) if (way, digest(way, one)) not in kept.asked] for way in options.ways
    }
    if not any(wanted.values()):
        return
    # The server ends first: what is under way then ends at once.
    with ThreadPoolExecutor(AT_ONCE) as pool, platform() as port:
        for way, every in wanted.items():
            _run_way(port, way, every, kept, pool)


def _run_way(port: int, way: str, every: list[Question], kept: Outcomes, pool: ThreadPoolExecutor) -> None:
    """Ask one way everything. A question that gets no answer is left for the next run; too many of them end this one."""
    lock, done, failed, began = threading.Lock(), 0, 0, time.monotonic()

    def one(question: Question) -> None:
        nonlocal done, failed
        try:
            found = asked(port, way, question)
        except servers.Unavailable as error:
            failed += 1
            if failed > MOST_FAILED:
                raise
            return command.say(f"  {question.id}: {error}; left for the next run")
        with lock:
            kept.add(found)
            done += 1
            if done % 10 == 0 or done == len(every):
                command.say(f"  {way}: {done} of {len(every)}, {time.monotonic() - began:.0f} s")

    list(pool.map(one, every))


def labels(options: Options, kept: Outcomes, file: Path) -> int:
    """The outcomes of the two single models as lines for `zhongshu route train` and `tune`; how many."""
    known = {(one.way, one.asked): one for one in kept.outcomes}
    lines: list[bytes] = []
    for question in questions(options.split):
        weak = known.get(("general", digest("general", question)))
        strong = known.get(("reasoning", digest("reasoning", question)))
        plain = known.get((REASONING, digest(REASONING, question)))
        if weak and strong:
            line = {
                "prompt": question.prompt,
                "weak_correct": weak.right,
                "strong_correct": strong.right,
                "weak_response": weak.answer,
                "subject": f"{question.kind} {question.language}",
            }
            line |= {"strong_plain_correct": plain.right} if plain else {}
            lines.append(msgspec.json.encode(line) + b"\n")
    file.write_bytes(b"".join(lines))
    return len(lines)


def found(options: Options, kept: Outcomes) -> ByQuestion:
    """What has been answered of what is asked today."""
    every = questions(options.split)
    return by_question(kept.outcomes, {(way, digest(way, one)) for way in WAYS for one in every})


def table(options: Options, kept: Outcomes) -> list[Row]:
    """The rows of what has been answered so far; of a whole report the picture is drawn too."""
    ways = found(options, kept)
    if options.split == "talks":  # `auto` has its targets on an office's questions, of which most need no thought
        return [msgspec.structs.replace(row, target=None) for row in rows_of(IN_TALKS, ways)]
    if options.split == "report" and {"auto", "general", "reasoning"} <= ways.keys():
        command.say(f"drawn in {write_picture(ways, RESULTS)}")
    prompts = {one.id: one.prompt for one in questions(options.split)}
    judges = {"shipped for any models": Judge(load())}
    if file := FOR_PAIRS.get((GENERAL, REASONING)):
        judges["shipped for this pair"] = Judge(load(file))
    return [*rows_of(WAYS, ways), *judge_rows(judges, prompts, ways)]


def run(options: Options | None = None) -> list[Row]:
    """The whole benchmark, going on where an earlier run was cut off."""
    options = options or Options()
    kept = Outcomes(file_of(options.split))
    run_all(options, kept)
    return table(options, kept)


def file_of(split: Sheet) -> Path:
    """Where the outcomes of a split are kept."""
    return servers.cache() / NAME / f"{split}.jsonl"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command.parser(__doc__)
    parser.add_argument("--split", default="report", choices=("train", "report", "talks"))
    parser.add_argument("--only", help=f"any of {', '.join(WAYS)}; default all, in conversations {', '.join(IN_TALKS)}")
    parser.add_argument(
        "--each", type=int, help=f"questions of each kind and language for {', '.join(SLOW)}; default all"
    )
    parser.add_argument("--again", default="", help="ways whose answers so far are left out, as after a change of ours")
    parser.add_argument("--labels", type=Path, help="write lines for `zhongshu route train` instead of a table")
    parser.add_argument("--table", action="store_true", help="ask nothing, print what has been answered")
    given = command.parsed(parser, arguments)
    usual = IN_TALKS if given.split == "talks" else WAYS
    options = Options(given.split, usual if given.only is None else _ways(parser, given.only), given.each)
    kept = Outcomes(file_of(options.split))
    kept.drop(_ways(parser, given.again))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended; what was answered is kept"))
    if not given.table:
        run_all(options, kept)
    if given.labels:
        command.say(f"{labels(options, kept, given.labels)} lines written to {given.labels}")
        return 0
    name = "talks" if options.split == "talks" else NAME
    return command.finish(name, table(options, kept), given, keep=options.split != "train")


def _ways(parser: argparse.ArgumentParser, given: str) -> tuple[str, ...]:
    ways = tuple(way for way in given.split(",") if way)
    if unknown := set(ways) - set(WAYS):
        parser.error(f"no way is called {', '.join(sorted(unknown))}; there are {', '.join(WAYS)}")
    return ways


if __name__ == "__main__":
    sys.exit(main())
