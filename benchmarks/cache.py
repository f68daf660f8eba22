"""The answer cache: how often another wording is recognised, how often a different question is mistaken, how fast a hit is.

    python -m benchmarks.cache
    python -m benchmarks.cache --sweep            the table of thresholds, with and without the guard

Pairs of questions (data/cache_pairs.txt, Chinese and English) go through the product's own embedding model and guard.
Each block of pairs is split in two: thresholds are chosen on one half, the rows below are of the other. Latency is
measured over the real server on one core: one connection, the same request again and again; "own time" is what the server
itself says it spent (x-zhongshu-overhead-ms), beside what the client waited.
"""

from __future__ import annotations

import http.client
import itertools
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from benchmarks import command, contestants, load, machine, rows, servers
from benchmarks.figures import percentile
from benchmarks.rows import Reference, Row
from zhongshu.caches.guard.gist import gist, same_gist
from zhongshu.caches.meaning import PREFIX, unit
from zhongshu.caches.settings import THRESHOLD

NAME = "cache"
PAIRS = Path(__file__).parent / "data" / "cache_pairs.txt"
EMBEDDER = "multilingual-e5-small"
SWEPT = (0.80, 0.84, 0.86, 0.88, 0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98)
HITS = 2000
SETTINGS = """
[[upstreams]]
name = "mock"
kind = "openai-compatible"
key = "none"
base_url = "http://127.0.0.1:{upstream}/v1"

[[models]]
name = "plain"
upstream = "mock"
upstream_model = "mock"

[[models]]
name = "exact"
upstream = "mock"
upstream_model = "mock"
cache = "exact"

[[models]]
name = "semantic"
upstream = "mock"
upstream_model = "mock"
cache = "semantic"

[[models]]
name = "multilingual-e5-small"
upstream = "embedded"
family = "embedding"
abilities = ["embedding"]
dimensions = 384
"""


class Pair(msgspec.Struct, frozen=True):
    """Two questions. same: they ask the same. held_out: kept for judging."""

    one: str
    other: str
    same: bool
    language: str
    held_out: bool


class Crossed(msgspec.Struct, frozen=True):
    """Every question against every other of its language that asks something else."""

    pairs: int
    mistaken: int


class Judged(msgspec.Struct, frozen=True):
    """What was found for a pair: whether the guard lets it through, and its cosine."""

    pair: Pair
    passed: bool
    cosine: float


def pairs(text: str) -> list[Pair]:
    """The pairs of the file; within each block every other one is held out."""
    found: list[Pair] = []
    counted: dict[tuple[str, str], int] = {}
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        kind, one, other = line.split(" | ")
        if kind == "also":
            continue
        language = "zh" if re.search(r"[\u4e00-\u9fff]", one) else "en"
        number = counted[language, kind] = counted.get((language, kind), 0) + 1
        found.append(Pair(one, other, kind == "same", language, number % 2 == 0))
    return found


def judged(found: Sequence[Pair], vectors: Mapping[str, np.ndarray]) -> list[Judged]:
    """Every pair through the guard and the embedding model."""
    return [
        Judged(pair, same_gist(gist(pair.one), gist(pair.other)), float(vectors[pair.one] @ vectors[pair.other]))
        for pair in found
    ]


def embedded(found: Sequence[Pair], door: load.Door) -> dict[str, np.ndarray]:
    """The unit vector of every question, by the product's own embedding model."""
    texts = list(dict.fromkeys(text for pair in found for text in (pair.one, pair.other)))
    made: list[np.ndarray] = []
    at = load.Door(port=door.port, path="/v1/embeddings", headers=door.headers)
    for start in range(0, len(texts), 16):
        body = msgspec.json.encode({"model": EMBEDDER, "input": [PREFIX + text for text in texts[start : start + 16]]})
        status, reply = load.ask(at, body, timeout_s=120)
        if status != 200:
            raise servers.Unavailable(f"{EMBEDDER}: status {status}; run: zhongshu models pull {EMBEDDER}")
        made += [np.asarray(row["embedding"], dtype=np.float32) for row in msgspec.json.decode(reply)["data"]]
    return dict(zip(texts, unit(np.stack(made)), strict=True))


def crossed(text: str, vectors: Mapping[str, np.ndarray]) -> Crossed:
    """All questions of the file, each with each: those known to ask the same left out."""
    same: dict[str, str] = {text: text for text in vectors}

    def first(text: str) -> str:
        while same[text] != text:
            text = same[text]
        return text

    for line in text.splitlines():
        if line.startswith(("same", "also")):
            _, one, other = line.split(" | ")
            same[first(one)] = first(other)
    gists = {text: gist(text) for text in vectors}
    compared = mistaken = 0
    for one, other in itertools.combinations(vectors, 2):
        if gists[one].language == gists[other].language and first(one) != first(other):
            compared += 1
            if same_gist(gists[one], gists[other]) and float(vectors[one] @ vectors[other]) >= THRESHOLD:
                mistaken += 1
    return Crossed(compared, mistaken)


def rate(results: Sequence[Judged], threshold: float, *, guarded: bool = True, **which: object) -> float:
    """The share of pairs that would be taken for the same question."""
    chosen = [r for r in results if all(getattr(r.pair, name) == value for name, value in which.items())]
    return sum(r.cosine >= threshold and (r.passed or not guarded) for r in chosen) / len(chosen)


def sweep(results: Sequence[Judged]) -> str:
    """Rates by threshold, for both halves."""
    lines = ["threshold   choosing: hit  false   judging: hit  false   (judging without the guard: hit  false)"]
    for threshold in SWEPT:
        rates = [
            rate(results, threshold, guarded=guarded, same=same, held_out=half)
            for half, guarded in ((False, True), (True, True), (True, False))
            for same in (True, False)
        ]
        lines.append(f"{threshold:.2f}       " + "   ".join(f"{share:8.1%}" for share in rates))
    return "\n".join(lines)


def of_pairs(results: Sequence[Judged], crossing: Crossed) -> list[Row]:
    """The rows of the judging half at the default threshold."""
    at = f"cosine {THRESHOLD:.2f} and the guard"
    held = sum(r.pair.held_out and not r.pair.same for r in results)
    found = [
        Row(
            name="semantic cache, different questions mistaken",
            value=rate(results, THRESHOLD, same=False, held_out=True) * 100,
            unit="%",
            target=rows.at_most(1.0),
            note=f"{at}, {held} near-miss pairs not used for choosing; without the guard "
            f"{rate(results, THRESHOLD, guarded=False, same=False, held_out=True):.0%}",
        )
    ]
    found.append(
        Row(
            name="semantic cache, unrelated questions mistaken",
            value=crossing.mistaken / crossing.pairs * 100,
            unit="%",
            target=rows.at_most(0.01),
            note=f"{crossing.mistaken} of {crossing.pairs:,}: every question of the file against every other",
        )
    )
    for language, title in (("en", "English"), ("zh", "Chinese")):
        share = rate(results, THRESHOLD, same=True, held_out=True, language=language)
        found.append(
            Row(name=f"semantic cache, other wordings recognised, {title}", value=share * 100, unit="%", note=at)
        )
    return found


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds at one connection. processor: of the server, all its processes, for a turn."""

    own_p50: float
    own_p99: float
    client_p50: float
    processor: float


def latency(running: contestants.Running, model: str, expected: str) -> Latency:
    """The same turn again and again. expected: the x-zhongshu-cache header of each reply."""
    door, spent_s = running.door, 0.0
    own: list[float] = []
    client: list[float] = []
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)
    headers = {"content-type": "application/json", **door.headers}
    asked = "Why is a record made durable before the reply ends?"
    body = msgspec.json.encode({"model": model, "messages": [{"role": "user", "content": asked}], "temperature": 0})
    try:
        for number in range(HITS):
            began = time.perf_counter()
            connection.request("POST", load.CHAT, body, headers)
            reply = connection.getresponse()
            reply.read()
            client.append((time.perf_counter() - began) * 1000)
            if number == HITS // 10:
                spent_s = machine.cpu_s(running.server.pid)
            if number >= HITS // 10:
                if (reply.status, reply.getheader("x-zhongshu-cache", "")) != (200, expected):
                    raise servers.Unavailable(f"reply {number} was no {expected or 'plain answer'}: {reply.status}")
                own.append(float(reply.getheader("x-zhongshu-overhead-ms", "nan")))
    finally:
        connection.close()
    processor_ms = (machine.cpu_s(running.server.pid) - spent_s) * 1000 / len(own)
    return Latency(
        percentile(own, 0.5) or 0.0, percentile(own, 0.99) or 0.0, percentile(client, 0.5) or 0.0, processor_ms
    )


def of_latency(running: contestants.Running) -> list[Row]:
    """Own time of a hit, beside that of a turn that is asked anew."""
    plain, exact = latency(running, "plain", ""), latency(running, "exact", "exact")
    return [
        Row(
            name="exact hit, own time p50",
            value=exact.own_p50,
            unit="ms",
            reference=Reference("plain turn beside it", plain.own_p50),
            target=rows.at_most(0.3),
            note=f"durable journal included; p99 {exact.own_p99:.2f} ms; the client waited {exact.client_p50:.2f} ms",
        ),
        Row(
            name="plain turn beside it, own time p50",
            value=plain.own_p50,
            unit="ms",
            note=f"mock upstream; the client waited {plain.client_p50:.2f} ms",
        ),
        Row(
            name="exact hit, processor time",
            value=exact.processor,
            unit="ms",
            reference=Reference("plain turn beside it", plain.processor),
            note="of all processes of the server, journal included",
        ),
        _semantic(running.door),
    ]


def _semantic(door: load.Door) -> Row:
    """A semantic hit embeds its question, so its own time is the embedding model's."""
    own: list[float] = []
    at = {"content-type": "application/json", **door.headers}
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)

    def ask(text: str) -> tuple[str, float]:
        body = {"model": "semantic", "messages": [{"role": "user", "content": text}], "temperature": 0}
        connection.request("POST", load.CHAT, msgspec.json.encode(body), at)
        reply = connection.getresponse()
        reply.read()
        return reply.getheader("x-zhongshu-cache", ""), float(reply.getheader("x-zhongshu-overhead-ms", "nan"))

    ask("How do I reset my password?")
    until = time.monotonic() + 10
    while time.monotonic() < until and ask("How can I reset the password?")[0] != "semantic":
        time.sleep(0.1)
    polite = ["please", "hello", "hi", "hey", "kindly"]
    for number in range(60):
        text = " ".join(
            [polite[number % 5], polite[number // 5 % 5], polite[number // 25], "how do I reset my password?"]
        )
        kind, spent = ask(text)
        if kind == "semantic":
            own.append(spent)
    connection.close()
    note = f"{len(own)} of 60 wordings; with {EMBEDDER} on the same core"
    return Row(name="semantic hit, own time p50", value=percentile(own, 0.5), unit="ms", note=note)


def run(*, shown: bool = False) -> list[Row]:
    try:
        with servers.mock(machine.cores().load) as mock:
            settings = SETTINGS.format(upstream=mock.port)
            with contestants.started_zhongshu(machine.cores().server, settings, "plain") as running:
                text = PAIRS.read_text(encoding="utf-8")
                found = pairs(text)
                vectors = embedded(found, running.door)
                results = judged(found, vectors)
                if shown:
                    print(sweep(results) + "\n")
                return of_pairs(results, crossed(text, vectors)) + of_latency(running)
    except servers.Unavailable as reason:
        return [Row(name="answer cache", value=None, unit="ms", target=rows.at_most(0.3), note=str(reason))]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command.parser(__doc__)
    parser.add_argument("--sweep", action="store_true", help="print the rates by threshold as well")
    given = command.parsed(parser, arguments)
    return command.finish(NAME, run(shown=given.sweep), given)


if __name__ == "__main__":
    sys.exit(main())
