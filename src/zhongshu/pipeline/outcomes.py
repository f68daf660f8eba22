"""What became of a model's turns: the ledger's rows in the words that releases are compared in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from zhongshu.catalog.judging import Judgement, judge
from zhongshu.catalog.plans import Canary, Plan
from zhongshu.catalog.report import ReleaseReport, compare
from zhongshu.catalog.store import Score
from zhongshu.catalog.tallies import SPLITS, Seen, Tally
from zhongshu.core.problems import fault
from zhongshu.ledger.index import Index, Shown
from zhongshu.ledger.rows import Filter, TurnRow


def seen(row: TurnRow) -> Seen | None:
    """A row as a release's turn; None for one that no rule chose, a shadow, or an answer given before."""
    rule, _, assigned = row.split.partition(": ")
    if not assigned or row.shadow_of or row.cache:
        return None
    return Seen(
        trace=row.trace,
        assigned=assigned,
        answered_by=row.release_name,
        rule=rule,
        unit=unit_of_row(row),
        outcome=row.outcome,
        error=row.error,
        first_us=row.first_us,
        took_us=row.took_us,
        tokens=row.prompt_tokens + row.completion_tokens,
        cost_nano=row.cost_nano,
        currency=row.currency,
    )


def unit_of_row(row: TurnRow) -> str:
    """Whose turn it was: the user, or the key."""
    return f"{row.tenant}\0{row.user_name}" if row.user_name else row.key_id


def rows_of(
    index: Index, releases: Iterable[str], since_ns: int, until_ns: int | None = None, rules: Iterable[str] = SPLITS
) -> Iterator[TurnRow]:
    """Turns that chance gave to one of these releases ("model@2"), in a time."""
    for release in releases:
        for rule in rules:
            yield from index.each(Filter(split=f"{rule}: {release}", since_ns=since_ns, until_ns=until_ns))


def tallied(
    index: Index,
    releases: Iterable[str],
    since_ns: int,
    until_ns: int | None = None,
    scores: Iterable[Score] = (),
    rules: Iterable[str] = SPLITS,
) -> dict[str, Tally]:
    """A tally of each release over a time."""
    tallies = {release: Tally() for release in releases}
    for row in rows_of(index, tallies, since_ns, until_ns, rules):
        found = seen(row)
        if found is not None:
            tallies[found.assigned].add(found)
    for score in scores:
        if score.release in tallies:
            tallies[score.release].score.add(score.group, score.score)
    return tallies


def standing(index: Index, model: str, canary: Canary, scores: Iterable[Score]) -> Judgement:
    """How a canary stands in its present step, for people; decides nothing."""
    mine, *others = (f"{model}@{version}" for version in canary.compared())
    tallies = tallied(index, (mine, *others), canary.step_ns, scores=scores, rules=("canary",))
    rest = Tally()
    for name in others:
        rest.join(tallies[name])
    return judge(canary, tallies[mine], rest)


def report_of(
    index: Index,
    model: str,
    plan: Plan,
    versions: list[str],
    since_ns: int,
    until_ns: int,
    scores: dict[str, Score],
) -> ReleaseReport:
    """The report over what the ledger and the scores hold. The release that a canary is measured against comes first."""
    last = [plan.canary.release] if plan.canary else []
    order = sorted(versions, key=lambda version: version in last)
    names = [f"{model}@{version}" for version in order]
    return compare(model, since_ns, until_ns, tallied(index, names, since_ns, until_ns, scores.values()))


def shadows_of(index: Index, trace: str, text: bool) -> list[Shown]:
    """A turn, and the shadows that repeated it. Of a shadow's own trace, the turn that it repeats comes first."""
    found = index.find(Filter(trace=trace), limit=1)
    if found and found[0].shadow_of:
        found = index.find(Filter(trace=found[0].shadow_of), limit=1)
    if not found:
        raise fault("turn_not_found", trace=trace)
    rows = [found[0], *index.find(Filter(shadow_of=found[0].trace))]
    try:
        return [index.whole(row, text=text) for row in rows]
    except LookupError:
        raise fault("turn_not_found", trace=trace) from None
    except ValueError:
        raise fault("text_unreadable", trace=trace) from None
