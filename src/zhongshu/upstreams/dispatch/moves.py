"""What follows from a failure, as a table: problem code -> may it be tried again, may another model answer, who is
to blame.

    again   same: the same replica may be asked again, after a pause
            other: only another replica (asking the same again would not help, or would double what it is busy with)
            no: what failed is the request; every replica would say the same
    on      whether the next model of the fallback chain is asked
    blames  nobody, replica (this model there) or host (everything at that upstream): whose breaker counts it

A code that is not here is the caller's own mistake or ours: nothing is tried again.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from zhongshu.core.problems import Problem


class Move(NamedTuple):
    """A row of the table."""

    again: Literal["same", "other", "no"]
    on: bool
    blames: Literal["nobody", "replica", "host"]


STAY = Move("no", False, "nobody")
EMPTY = "empty"
CONTEXT = "context_length_exceeded"

MOVES: dict[str, Move] = {
    "upstream_unreachable": Move("same", True, "host"),
    "upstream_error": Move("same", True, "replica"),
    "upstream_rate_limited": Move("same", True, "replica"),
    "upstream_cut": Move("same", True, "replica"),
    "upstream_malformed": Move("same", True, "replica"),
    "upstream_timeout": Move("other", True, "replica"),
    "upstream_auth": Move("other", True, "host"),
    "upstream_unpaid": Move("other", True, "host"),
    "upstream_resting": Move("other", True, "nobody"),
    "overloaded": Move("no", True, "nobody"),
    "engine_unavailable": Move("other", True, "nobody"),
    "engine_crashed": Move("same", True, "replica"),
    "model_not_installed": Move("other", True, "nobody"),
    EMPTY: Move("same", True, "nobody"),
}
# Not the caller's mistake although it comes as a refusal: the upstream does not know the model, or its address is off.
_NOT_THERE = Move("other", True, "replica")

# HTTP status of the upstream's reply, where the code alone tells it.
_STATUS = {"upstream_rate_limited": 429, "upstream_auth": 401, "upstream_unpaid": 402, CONTEXT: 400}


def move_of(problem: Problem) -> Move:
    """What follows from this problem."""
    if problem.code == "upstream_refused" and problem.status in (404, 405, 410):
        return _NOT_THERE
    return MOVES.get(problem.code, STAY)


def status_of(problem: Problem) -> int:
    """The upstream's HTTP status behind a problem; 0 where there was none or nobody said."""
    if problem.code == "upstream_refused":
        return problem.status
    return problem.upstream_status or _STATUS.get(problem.code, 0)
