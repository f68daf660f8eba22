"""The judge of canaries over a real ledger: every turn counted once, one judge at a time, nothing forgotten by a kill."""

from collections.abc import AsyncIterator

import pytest

from zhongshu.access.build import STATE
from zhongshu.app.canaries import CanaryJudge, note_change
from zhongshu.catalog.catalog import offer_of
from zhongshu.catalog.changing import ReleaseDesk
from zhongshu.catalog.plans import Checks
from zhongshu.catalog.settings import ModelSettings
from zhongshu.catalog.store import Score
from zhongshu.core.answers import Usage
from zhongshu.core.clock import SystemClock
from zhongshu.core.ids import trace_id
from zhongshu.core.records import Record
from zhongshu.ledger.index import open_index
from zhongshu.ledger.indexing import Indexer
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.rows import EventFilter
from zhongshu.ledger.settings import LedgerSettings
from zhongshu.pipeline.outcomes import standing
from zhongshu.storage.database import open_database

LEDGER = LedgerSettings(min_free_bytes=0)
OFFERS = tuple(offer_of(ModelSettings(name="m", upstream="up", version=version)) for version in "123")
ERRORS = Checks(error_rate=0.2, latency=None)


class Home:
    """A home with a journal, a desk and a judge."""

    def __init__(self, path) -> None:
        self.path, self.clock = path, SystemClock()
        self.database = open_database(path / STATE)
        self.desk = ReleaseDesk(self.database, self.clock, lambda: OFFERS)
        self.journal = open_journal(LEDGER, path, "worker-0", self.clock)
        self.judges: list[CanaryJudge] = []
        self.number = 0

    def judge(self) -> CanaryJudge:
        self.judges.append(CanaryJudge(self.path, self.desk, self.database, self.clock))
        return self.judges[-1]

    async def turns(self, number: int, version: str, rule: str = "canary", **fields) -> list[str]:
        """So many turns that a rule gave to a release."""
        traces = [trace_id() for _ in range(number)]
        for trace in traces:
            self.number += 1
            made = {
                "outcome": "answered", "tenant": "t", "user": f"u{self.number}", "key_id": "k", "asked": "m",
                "release": f"m@{version}", "split": f"{rule}: m@{version}", "usage": Usage(3, 2), "took_us": 1000,
            } | fields  # fmt: skip
            await self.journal.write(Record(trace=trace, at_ns=self.clock.now_ns(), **made))
        return traces

    def index(self) -> None:
        """As the keeper does now and then."""
        indexer = Indexer(self.path)
        while indexer.advance():
            pass
        indexer.close()

    def now(self) -> str:
        canary = self.desk.plan("m").canary
        assert canary
        return standing(open_index(LEDGER, self.path), "m", canary, []).en


@pytest.fixture
async def home(tmp_path) -> AsyncIterator[Home]:
    made = Home(tmp_path / "home")
    yield made
    for judge in made.judges:
        judge.close()
    await made.journal.aclose()
    made.database.close()


def start(home, **how):
    how = {"steps": (50,), "checks": ERRORS, "min_turns": 60, "step_s": 0} | how
    return home.desk.canary("m", "a", "2", **how)


async def test_every_turn_of_the_step_counts_once_however_it_is_read(home):
    await home.turns(100, "1", "shares")
    start(home)
    await home.turns(20, "2")
    home.index()
    await home.turns(20, "2")
    judge = home.judge()
    assert judge.look() == []
    await home.turns(9, "2")
    await home.turns(50, "1")
    await home.turns(5, "1", "rule 1")
    await home.turns(5, "2", shadow_of="0" * 32)
    await home.turns(5, "2", cache="exact")
    await home.turns(5, "2", outcome="left")
    assert judge.look() == []
    home.index()
    assert judge.look() == []
    watched = judge._watched["m"]
    assert (watched.mine.turns, watched.others.turns) == (49, 50)
    assert (watched.mine.uncounted, watched.others.uncounted) == (5, 0)
    assert "49 turns against 50" in home.now()
    again = CanaryJudge(home.path, home.desk, home.database, home.clock)
    assert again.look() == [], "another judges"
    judge.close()
    home.judges[:] = [again]
    again.look()
    assert again._watched["m"].mine.turns == 49, "after a kill the step is read again"


async def test_a_canary_goes_on_takes_over_and_is_noted(home):
    start(home, steps=(10, 50))
    judge = home.judge()
    judge.look()
    await home.turns(110, "2")
    await home.turns(110, "1")
    (stepped,) = judge.look()
    assert (stepped.what, home.desk.plan("m").percents()) == ("step", {"1": 50, "2": 50})
    assert judge.look() == [], "a step's turns are its own"
    await home.turns(110, "2")
    await home.turns(110, "1")
    (promoted,) = judge.look()
    assert (promoted.what, home.desk.plan("m").percents()) == ("promote", {"2": 100})
    assert judge.look() == []
    assert await note_change(promoted, LEDGER, home.path, home.clock)
    (event,) = open_index(LEDGER, home.path).events(EventFilter(name="release_changed"))
    assert event.content.facts["what"] == "promote"
    assert not await note_change(promoted, LEDGER, home.path, home.clock, slot="worker-0"), "its slot is taken"


async def test_a_step_lasts_at_least_as_long_as_it_is_to(home):
    start(home, step_s=3600)
    judge = home.judge()
    judge.look()
    await home.turns(200, "2")
    await home.turns(200, "1")
    assert judge.look() == []
    assert "error rate worse by" in home.now()


async def test_a_canary_that_breaks_goes_back_whatever_the_step_is_to_last(home):
    start(home, step_s=3600)
    judge = home.judge()
    await home.turns(40, "1")
    await home.turns(40, "2", outcome="failed", error="upstream_error")
    (back,) = judge.look()
    assert (back.what, back.by, home.desk.plan("m").percents()) == ("rollback", "canary", {"1": 100})
    assert judge.look() == []


async def test_what_an_operator_does_meanwhile_counts(home):
    start(home)
    judge = home.judge()
    judge.look()
    await home.turns(110, "2")
    await home.turns(110, "1")
    home.desk.rollback("m", "a")
    assert judge.look() == []
    assert home.desk.plan("m").percents() == {"1": 100}


async def test_scores_decide_when_they_are_asked_for(home):
    start(home, checks=Checks(error_rate=None, latency=None, score=0.1))
    judge = home.judge()
    judge.look()
    for version, score in (("2", 0.1), ("1", 0.9)):
        for number, trace in enumerate(await home.turns(60, version)):
            now_ns = home.clock.now_ns()
            home.desk.score(Score(trace, "m", f"m@{version}", number, now_ns, now_ns, score, "a"))
    (back,) = judge.look()
    assert (back.what, "score is worse by" in back.why) == ("rollback", True)
