"""The embedded engine through Zhongshu against the same model under llama.cpp's own server.

    python -m benchmarks.engine
    python -m benchmarks.engine --models smollm2-135m --rounds 2

Both run on the same core with the same file, threads, slots and context; the client is on the other core. 1, 4 and 8
streaming requests at once, each with a prompt nobody has asked before and the same number of tokens to write,
temperature 0. Tokens a second: the completion tokens that the servers' usage reports, over the time from the first
request to the end of the last answer. The two take turns and swap places each round; a figure is the median.

The reference is llama.cpp's HTTP server out of the very build that Zhongshu embeds (llama_server.py), so the ratio is
what Zhongshu itself costs. Where `--llama-server FILE` names another build's binary, that is compared as well.
"""

from __future__ import annotations

import functools
import http.client
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from benchmarks import command, contestants, load, machine, rows, servers
from benchmarks.figures import median
from benchmarks.rows import Reference, Row

NAME = "engine"
AT_ONCE = (1, 4, 8)
SLOTS = 8
CONTEXT_TOKENS = 1024
THREADS = 1


class Options(msgspec.Struct, frozen=True):
    """What is run. `tokens` is what each answer is long."""

    models: tuple[str, ...] = ("smollm2-135m", "qwen2.5-coder-0.5b")
    rounds: int = 5
    tokens: int = 64
    llama_server: str = ""


SETTINGS = """
[engine]
slots = {slots}
threads = {threads}
context_tokens = {context}

[[models]]
name = "{model}"
upstream = "embedded"
"""


class Outcome(msgspec.Struct):
    """Tokens a second by server and number of requests at once, one figure a round."""

    model: str
    rates: dict[tuple[str, int], list[float]]
    cpu_ms: dict[tuple[str, int], list[float]]
    """Processor time of the server's process tree for a token, in milliseconds."""
    skipped: str = ""

    def rate(self, server: str, at_once: int) -> float | None:
        return median(self.rates.get((server, at_once), []))

    def cpu(self, server: str, at_once: int) -> float | None:
        return median(self.cpu_ms.get((server, at_once), []))


def model_file(name: str) -> Path:
    """The model's verified file in the models cache; fetched by Zhongshu's own command if it is not there."""

    from zhongshu.engine.models import rows as local
    from zhongshu.engine.models import store
    from zhongshu.engine.models.settings import ModelSourceSettings

    folder = ModelSourceSettings().folder()
    if found := store.installed(name, folder):
        return found
    if local.find(name) is None:
        raise servers.Unavailable(f"no local model is called {name}")
    command.say(f"  fetching {name} ...")
    subprocess.run([servers.own_program("zhongshu"), "models", "pull", name], stdout=sys.stderr, check=False)
    if found := store.installed(name, folder):
        return found
    raise servers.Unavailable(f"{name} could not be fetched: zhongshu models pull {name}")


@contextmanager
def reference(core: int, file: Path, binary: str) -> Generator[contestants.Running]:
    """llama.cpp's own server: of the build we embed, or the `binary` given."""
    port = servers.free_port()
    if binary:
        words = [binary, "--host", "127.0.0.1", "--parallel", str(SLOTS), "--ctx-size", str(SLOTS * CONTEXT_TOKENS)]
    else:
        words = [sys.executable, "-m", "benchmarks.llama_server", "--slots", str(SLOTS)]
        words += ["--context-tokens", str(CONTEXT_TOKENS)]
    words += ["--model", str(file), "--port", str(port), "--threads", str(THREADS)]
    with servers.Server("llama.cpp", words, core=core, port=port, ready="/health") as server:
        yield contestants.Running(server, load.Door(port=port, model=file.stem))


def measure(model: str, options: Options) -> Outcome:
    """All servers up with the model loaded; they take turns at each number of requests at once."""
    outcome = Outcome(model, {}, {})
    core = machine.cores().server
    try:
        file = model_file(model)
        settings = SETTINGS.format(slots=SLOTS, threads=THREADS, context=CONTEXT_TOKENS, model=model)
        with ExitStack() as stack:
            running = {"llama.cpp": stack.enter_context(reference(core, file, ""))}
            if options.llama_server:
                running["llama-server"] = stack.enter_context(reference(core, file, options.llama_server))
            running["Zhongshu"] = stack.enter_context(contestants.started_zhongshu(core, settings, model))
            for name, contestant in running.items():
                write(contestant.door, 2, 8, f"warm-up {name}")
            for number in range(options.rounds):
                take_turns(running, number, options, outcome)
    except servers.Unavailable as reason:
        outcome.skipped = str(reason)
    return outcome


def take_turns(running: dict[str, contestants.Running], number: int, options: Options, outcome: Outcome) -> None:
    """One round: every number of requests at once, every server, the order reversed each time."""
    for at_once in AT_ONCE:
        order = list(running) if number % 2 == 0 else list(reversed(running))
        for name in order:
            pid = running[name].server.pid
            before = machine.cpu_s(pid)
            got = write(running[name].door, at_once, options.tokens, f"round {number}")
            spent_ms = (machine.cpu_s(pid) - before) * 1000 / got.tokens
            outcome.rates.setdefault((name, at_once), []).append(got.per_second)
            outcome.cpu_ms.setdefault((name, at_once), []).append(spent_ms)
            command.say(
                f"  round {number + 1}: {outcome.model}, {at_once} at once, {name}: {got.per_second:.1f} tokens/s"
            )


class Written(msgspec.Struct, frozen=True):
    """What was written and how long it took."""

    tokens: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.tokens / self.seconds


def write(door: load.Door, at_once: int, tokens: int, mark: str) -> Written:
    """`at_once` streaming requests, from the first one's start to the last one's end."""
    with ThreadPoolExecutor(at_once) as pool:
        start = time.monotonic()
        marks = [f"{mark} request {number}" for number in range(at_once)]
        written = sum(pool.map(functools.partial(_one, door, tokens), marks))
        return Written(written, time.monotonic() - start)


def _one(door: load.Door, tokens: int, mark: str) -> int:
    """One streaming request read to its end; the completion tokens of its usage."""
    body = {
        "model": door.model,
        "messages": [
            {"role": "user", "content": f"This is {mark}. Write a very long story about a lighthouse keeper."}
        ],
        "max_tokens": tokens,
        "temperature": 0,
        "seed": 1,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=300)
    try:
        connection.request(
            "POST", door.path, msgspec.json.encode(body), {"content-type": "application/json", **door.headers}
        )
        response = connection.getresponse()
        if response.status != 200:
            raise servers.Unavailable(f"status {response.status}: {response.read(200).decode('utf-8', 'replace')}")
        return _completion_tokens(response)
    except (OSError, http.client.HTTPException) as error:
        raise servers.Unavailable(f"a stream broke: {error}") from None
    finally:
        connection.close()


class _Usage(msgspec.Struct, frozen=True):
    completion_tokens: int = 0


class _Piece(msgspec.Struct, frozen=True):
    usage: _Usage | None = None


def _completion_tokens(stream: http.client.HTTPResponse) -> int:
    found = 0
    for line in stream:
        if line.startswith(b"data: {") and b'"completion_tokens"' in line:
            usage = msgspec.json.decode(line[6:], type=_Piece).usage
            found = usage.completion_tokens if usage else found
    if not found:
        raise servers.Unavailable("a stream ended without usage")
    return found


def report(outcomes: Sequence[Outcome], options: Options) -> list[Row]:
    """A row for each model and number of requests at once."""
    found: list[Row] = []
    for outcome in outcomes:
        for at_once in AT_ONCE:
            found.append(_row(outcome, at_once, "llama.cpp", "llama.cpp, same build"))
            if options.llama_server:
                found.append(_row(outcome, at_once, "llama-server", "llama-server binary"))
    return found


def _row(outcome: Outcome, at_once: int, against: str, title: str) -> Row:
    ours, theirs = outcome.cpu("Zhongshu", at_once), outcome.cpu(against, at_once)
    spent = f"processor time a token {rows.figure(ours)} ms against {rows.figure(theirs)} ms"
    return Row(
        name=f"embedded {outcome.model}, {at_once} at once",
        value=outcome.rate("Zhongshu", at_once),
        unit="tokens/s",
        reference=Reference(title, outcome.rate(against, at_once)),
        target=rows.ratio_at_least(0.97) if against == "llama.cpp" else None,
        note=outcome.skipped or spent,
    )


def run(options: Options = Options()) -> list[Row]:  # noqa: B008 - a frozen value
    return report([measure(model, options) for model in options.models], options)


def main(arguments: Sequence[str] | None = None) -> int:
    defaults = Options()
    parser = command.parser(__doc__)
    parser.add_argument("--models", default=",".join(defaults.models), help="comma-separated")
    parser.add_argument("--rounds", type=int, default=defaults.rounds)
    parser.add_argument("--tokens", type=int, default=defaults.tokens, help="of each answer")
    parser.add_argument("--llama-server", default="", help="another build's binary to compare with as well")
    given = command.parsed(parser, arguments)
    models = tuple(name for name in given.models.split(",") if name)
    options = Options(models, given.rounds, given.tokens, given.llama_server)
    return command.finish(NAME, run(options), given, keep=(models, given.rounds) == (defaults.models, defaults.rounds))


if __name__ == "__main__":
    sys.exit(main())
