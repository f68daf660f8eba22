"""All benchmarks, one after the other, and one table at the end.

    python -m benchmarks.run                      everything: about 45 minutes
    python -m benchmarks.run --minutes 3          with a shorter soak and crowd
    python -m benchmarks.run gateway streaming    some of them
    python -m benchmarks.run strategies           what is left out above: an hour and more, on real local models
    python -m benchmarks.run guard                likewise: some minutes, from thoughts that are kept

Each writes `results/NAME.json`, as when it is run alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from benchmarks import (
    cache,
    command,
    crowd,
    engine,
    gateway,
    gateway_full,
    guard,
    machine,
    rows,
    soak,
    strategies,
    streaming,
)
from benchmarks.rows import Row


def benchmarks(minutes: float) -> dict[str, Callable[[], list[Row]]]:
    """Every benchmark by name, in the order of the table."""
    return {
        gateway.NAME: gateway.run,
        gateway_full.NAME: gateway_full.run,
        streaming.NAME: streaming.run,
        cache.NAME: cache.run,
        engine.NAME: engine.run,
        soak.NAME: lambda: soak.run(soak.Options(minutes=minutes)),
        crowd.NAME: lambda: crowd.run(crowd.Options(minutes=minutes)),
    }


APART: dict[str, Callable[[], list[Row]]] = {strategies.NAME: strategies.run, guard.NAME: guard.run}
"""Benchmarks that run only when they are named."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command.parser(__doc__)
    names = [*benchmarks(0), *APART]
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"any of {', '.join(names)}; default: all but {', '.join(APART)}"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=soak.Options().minutes,
        help="length of the soak and of the crowd; 0 leaves them out",
    )
    given = command.parsed(parser, arguments)
    if unknown := set(given.names) - set(names):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    about = machine.describe()
    found: list[Row] = []
    apart = {name: run for name, run in APART.items() if name in given.names}
    for name, run in {**benchmarks(given.minutes), **apart}.items():
        if (given.names and name not in given.names) or (name in (soak.NAME, crowd.NAME) and given.minutes <= 0):
            continue
        command.say(f"{name}:")
        part = run()
        rows.write(name, part, about)
        found += part
    return command.finish("all", found, given, keep=False)


if __name__ == "__main__":
    sys.exit(main())
