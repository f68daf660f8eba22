"""Everything that can go wrong for a caller, as rows, and the two ways it travels. The rows are in this folder's files.

    Problem            what the caller is told: code, status, sentence, remedy. A value
      Refusal          a stage said no (admit: over a limit; route: no such model). Returned, never raised
      Fault            something broke (upstream, disk, engine). Raised, carries a Problem

A sentence never contains the user's text: `facts` are names, numbers and limits only.
Every code has a line in docs/errors.md (a test compares the lists).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from zhongshu.core.problems.access import ACCESS
from zhongshu.core.problems.catalog import CATALOG
from zhongshu.core.problems.engine import ENGINE
from zhongshu.core.problems.kept import KEPT
from zhongshu.core.problems.reasons import in_chinese
from zhongshu.core.problems.request import REQUEST
from zhongshu.core.problems.row import Row
from zhongshu.core.problems.service import SERVICE
from zhongshu.core.problems.upstreams import UPSTREAMS


class Problem(msgspec.Struct, frozen=True):
    """What a caller is told. `message` names the field and the remedy, in English and Chinese. upstream_status: the
    HTTP status of the upstream behind it, where that is a fact of the sentence; told to records only."""

    code: str
    status: int
    type: str
    message: str
    message_zh: str
    param: str | None = None
    retry_after_s: float | None = None
    upstream_status: int = 0


class Refusal(msgspec.Struct, frozen=True):
    """A stage declined the turn. `stage` is the pipeline stage's name, such as "admit"."""

    stage: str
    problem: Problem


class Fault(Exception):
    """Something broke; carries what the caller may be told. Its text is the code, never user text."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class Said(NamedTuple):
    """A fact that reads differently in the two sentences, such as a unit."""

    en: str
    zh: str


_ROWS: dict[str, Row] = {**REQUEST, **ACCESS, **CATALOG, **KEPT, **UPSTREAMS, **ENGINE, **SERVICE}


def problem(
    code: str,
    *,
    param: str | None = None,
    retry_after_s: float | None = None,
    status: int | None = None,
    **facts: object,
) -> Problem:
    """Make the Problem of a code. `facts` fill the sentence's blanks; `status` overrides the row's (pass-through)."""
    row = _ROWS[code]
    if retry_after_s is not None:
        facts.setdefault("retry_after_s", retry_after_s)
    return Problem(
        code=code,
        status=status or row.status,
        type=row.type,
        message=row.en.format(**{name: fact.en if isinstance(fact, Said) else fact for name, fact in facts.items()}),
        message_zh=row.zh.format(**{name: _zh(fact) for name, fact in facts.items()}),
        param=param,
        retry_after_s=retry_after_s,
        upstream_status=status_there if isinstance(status_there := facts.get("upstream_status"), int) else 0,
    )


def _zh(fact: object) -> object:
    """A fact as the Chinese sentence has it."""
    if isinstance(fact, Said):
        return fact.zh
    return in_chinese(fact) or fact if isinstance(fact, str) else fact


def fault(
    code: str,
    *,
    param: str | None = None,
    retry_after_s: float | None = None,
    status: int | None = None,
    **facts: object,
) -> Fault:
    """`raise fault("upstream_timeout", upstream="x", phase="first byte", limit_s=30)`."""
    return Fault(problem(code, param=param, retry_after_s=retry_after_s, status=status, **facts))


def codes() -> tuple[str, ...]:
    """Every code there is, for the documentation test."""
    return tuple(_ROWS)


class Documented(NamedTuple):
    """A code as the documentation shows it; the sentences have `{blanks}` for the facts."""

    code: str
    status: int
    type: str
    en: str
    zh: str


def documented() -> tuple[Documented, ...]:
    """Every code with its sentences, in the order of the rows."""
    return tuple(Documented(code, *row) for code, row in _ROWS.items())


LEFT = Problem("left", 499, "client", "The client closed the connection.", "客户端已断开连接。")
"""Told to nobody: how a stream ended whose reader went away."""
