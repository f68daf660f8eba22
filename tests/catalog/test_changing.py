"""Changing plans: what may be done, what is refused and how that is said, history, and going back."""

import pytest
from tests.waiting import eventually

from zhongshu.catalog.catalog import offer_of
from zhongshu.catalog.changing import ReleaseDesk
from zhongshu.catalog.following import follow_plans
from zhongshu.catalog.plans import Checks, Plan, Rule
from zhongshu.catalog.releases import TrafficPlans
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.access import Caller
from zhongshu.core.clock import FakeClock
from zhongshu.core.problems import Fault
from zhongshu.core.turns import Turn
from zhongshu.storage.database import open_database
from zhongshu.storage.revisions import Follower

ROWS = (("m", "1"), ("m", "2"), ("m", "3"), ("solo", "1"))


@pytest.fixture
def database(tmp_path):
    made = open_database(tmp_path / "state.db")
    yield made
    made.close()


@pytest.fixture
def desk(database):
    rows = tuple(offer_of(ModelSettings(name=name, upstream="up", version=version)) for name, version in ROWS)
    return ReleaseDesk(database, FakeClock(), lambda: rows)


def shares(desk):
    return desk.plan("m").percents()


def test_a_model_without_a_plan_has_its_first_release(desk):
    assert desk.plan("m") == Plan(shares={"1": 1.0})
    assert desk.history("m") == ()
    assert desk.plans() == {}


def test_every_change_stands_in_the_history(desk):
    desk.split("m", "k_1", shares={"1": 9, "2": 1})
    desk.split("m", "k_2", rules=(Rule(release="3", tenants=("beta",)),))
    desk.shadow("m", "cli", "3", 10)
    newest, middle, oldest = desk.history("m")
    assert [change.by for change in (oldest, middle, newest)] == ["k_1", "k_2", "cli"]
    assert oldest.before.percents() == {"1": 100}
    assert oldest.after.percents() == {"1": 90, "2": 10}
    assert middle.after.shares == oldest.after.shares, "what is not given stays"
    assert newest.before == middle.after
    assert newest.after == desk.plan("m")
    assert desk.history("m", 1) == (newest,)
    assert desk.history("solo") == ()


def test_going_back_again_and_again(desk):
    desk.split("m", "a", shares={"1": 9, "2": 1})
    desk.split("m", "a", shares={"2": 1})
    back = desk.rollback("m", "a")
    assert back.undoes == 2
    assert shares(desk) == {"1": 90, "2": 10}
    desk.rollback("m", "a")
    assert shares(desk) == {"1": 100}
    with pytest.raises(Fault) as refused:
        desk.rollback("m", "a")
    assert refused.value.problem.code == "nothing_to_roll_back"
    desk.rollback("m", "a", to=2)
    assert shares(desk) == {"2": 100}
    with pytest.raises(Fault):
        desk.rollback("m", "a", to=99)


def test_a_canary_goes_up_its_steps_and_takes_over(desk):
    desk.split("m", "a", shares={"1": 3, "3": 1})
    desk.canary("m", "a", "2", steps=(10, 50))
    assert shares(desk) == {"1": 67.5, "3": 22.5, "2": 10}
    first = desk.plan("m").canary
    stepped = desk.step("m", "canary", first, "it is no worse", "没有变差")
    assert (stepped.what, stepped.why) == ("step", "it is no worse")
    assert shares(desk)["2"] == 50
    assert desk.step("m", "canary", first, "", "") is None, "judged by what no longer holds"
    assert desk.step("m", "canary", desk.plan("m").canary, "", "").what == "promote"
    assert shares(desk) == {"2": 100}
    assert desk.plan("m").canary is None
    desk.rollback("m", "a")
    assert shares(desk) == {"1": 75, "3": 25}, "a canary's steps count as one"


@pytest.mark.parametrize("how", ["rollback", "give up", "promote"])
def test_a_canary_is_ended(desk, how):
    desk.canary("m", "a", "2")
    match how:
        case "rollback":
            desk.rollback("m", "a")
        case "give up":
            desk.give_up("m", "canary", desk.plan("m").canary, "slower", "更慢")
        case _:
            desk.promote("m", "a")
    assert shares(desk) == ({"2": 100} if how == "promote" else {"1": 100})
    assert desk.plan("m").canary is None


@pytest.mark.parametrize(
    ("wrong", "code", "says"),
    [
        (lambda d: d.split("nope", "a", shares={"1": 1}), "model_not_found", "nope"),
        (lambda d: d.history("nope"), "model_not_found", "nope"),
        (lambda d: d.split("m", "a", shares={"9": 1}), "release_not_found", "m@9"),
        (lambda d: d.split("m", "a", shares={"1": 0}), "invalid_value", "shares"),
        (lambda d: d.split("m", "a", shares={"1": -1, "2": 5}), "invalid_value", "shares"),
        (lambda d: d.split("m", "a", shares={"1": float("nan")}), "invalid_value", "shares"),
        (lambda d: d.split("m", "a", rules=(Rule(release="2"),)), "invalid_value", "rules[0]"),
        (lambda d: d.split("m", "a", rules=(Rule(release="2", header="a b"),)), "invalid_value", "rules[0].header"),
        (lambda d: d.split("m", "a", rules=(Rule(release="9", users=("a",)),)), "release_not_found", "m@9"),
        (lambda d: d.canary("m", "a", "1"), "invalid_value", "release"),
        (lambda d: d.canary("m", "a", "9"), "release_not_found", "m@9"),
        (lambda d: d.canary("m", "a", "2", steps=()), "invalid_value", "steps"),
        (lambda d: d.canary("m", "a", "2", steps=(50, 5)), "invalid_value", "steps"),
        (lambda d: d.canary("m", "a", "2", steps=(100,)), "invalid_value", "steps"),
        (lambda d: d.canary("m", "a", "2", min_turns=3), "invalid_value", "min_turns"),
        (lambda d: d.canary("m", "a", "2", confidence=1), "invalid_value", "confidence"),
        (lambda d: d.canary("m", "a", "2", step_s=-1), "invalid_value", "step_s"),
        (lambda d: d.canary("m", "a", "2", checks=Checks(latency=0)), "invalid_value", "checks.latency"),
        (lambda d: d.canary("m", "a", "2", checks=Checks(error_rate=None, latency=None)), "invalid_value", "checks"),
        (lambda d: d.promote("m", "a"), "invalid_value", "release"),
        (lambda d: d.promote("m", "a", "9"), "release_not_found", "m@9"),
        (lambda d: d.rollback("m", "a"), "nothing_to_roll_back", "m"),
        (lambda d: d.shadow("m", "a", "9"), "release_not_found", "m@9"),
        (lambda d: d.shadow("m", "a", "2", 0), "invalid_value", "percent"),
    ],
)
def test_what_cannot_be_done_changes_nothing_and_says_why(desk, wrong, code, says):
    with pytest.raises(Fault) as refused:
        wrong(desk)
    problem = refused.value.problem
    assert problem.code == code
    assert says in problem.message
    assert says in problem.message_zh
    assert desk.plans() == {}
    assert desk.history("m") == ()


def test_a_release_that_is_gone_meanwhile_stops_nobody(desk, database):
    desk.split("m", "a", rules=(Rule(release="3", users=("ann",)),))
    desk.canary("m", "a", "2")
    left = tuple(offer_of(ModelSettings(name="m", upstream="up", version=version)) for version in "12")
    later = ReleaseDesk(database, FakeClock(), lambda: left)
    assert later.rollback("m", "a").after.percents() == {"1": 100}
    with pytest.raises(Fault, match="release_not_found"):
        later.promote("m", "a", "3")


def test_a_canary_s_shares_are_its_own(desk):
    desk.canary("m", "a", "2")
    for other in (lambda: desk.split("m", "a", shares={"1": 1}), lambda: desk.canary("m", "a", "3")):
        with pytest.raises(Fault) as refused:
            other()
        assert refused.value.problem.code == "canary_running"
    desk.split("m", "a", rules=(Rule(release="3", users=("ann",)),))
    assert desk.plan("m").canary


async def test_workers_take_over_a_change_by_another_process(desk, database):
    plans, there = TrafficPlans(), open_database(database.path)
    follower = Follower(there, poll_s=0.01)
    follow_plans(plans, there, follower)
    await follower.start()
    offers = tuple(offer_of(ModelSettings(name="m", upstream="up", version=version)) for _, version in ROWS[:3])
    turn = Turn("0" * 32, 1, "chat", "openai.chat", "m")

    def now():
        return plans.split(turn, Caller("t", "k"), {}, offers).offers[0].release.version

    assert now() == "1"
    desk.split("m", "a", shares={"2": 1})
    await eventually(lambda: now() == "2")
    await follower.aclose()
    there.close()
