"""Releases over HTTP: what is asked is done, written down by whom, journalled, and refused with the field's name."""

import msgspec
import pytest

from zhongshu.catalog.catalog import offer_of
from zhongshu.catalog.changing import ReleaseDesk
from zhongshu.catalog.settings import ModelSettings

ROWS = tuple(
    offer_of(ModelSettings(name=name, upstream="up", version=version))
    for name, version in (("org/m:1", "1"), ("org/m:1", "2"), ("solo", "1"))
)
M = {"model": "org/m:1"}
AT = "/admin/v1/releases"


@pytest.fixture
def shop(desk):
    """A desk whose model has two releases."""
    desk.app = desk.application(releases=ReleaseDesk(desk.state, desk.clock, lambda: ROWS))
    return desk


async def plan(shop):
    return (await shop.call("GET", f"{AT}/plan?model=org/m:1")).json()


async def test_the_plans_of_all_models(shop):
    listed = (await shop.call("GET", AT)).json()["data"]
    assert [(row["model"], row["planned"]) for row in listed] == [("org/m:1", False), ("solo", False)]
    assert listed[0]["releases"] == [{"version": "1", "percent": 100.0}, {"version": "2", "percent": 0.0}]


async def test_splitting_is_done_written_down_and_journalled(shop):
    rule = {"release": "2", "tenants": ["beta"], "header": "x-try", "value": "on"}
    made = await shop.call("POST", f"{AT}/split", {**M, "shares": {"1": 9, "2": 1}, "rules": [rule], "sticky": "key"})
    assert made.status == 200, made.body
    change = made.json()
    assert change["what"] == "split"
    assert change["by"].startswith("k_")
    assert change["before"]["shares"] == {"1": 1.0}
    after = (await plan(shop))["plan"]
    assert after == change["after"]
    assert (after["shares"], after["rules"], after["sticky"]) == ({"1": 9.0, "2": 1.0}, [rule], "key")
    ((name, facts),) = shop.notes
    assert name == "release_changed"
    assert facts["by"] == change["by"]
    assert msgspec.json.decode(facts["after"])["shares"] == {"1": 9.0, "2": 1.0}
    assert (await shop.call("GET", f"{AT}/history?model=org/m:1")).json()["data"] == [change]


async def test_a_canary_from_start_to_end(shop):
    checks = {"error_rate": 0.01, "latency": None, "cost": 0.1}
    wanted = {**M, "release": "2", "steps": [10, 30], "checks": checks, "min_turns": 50, "step_s": 5}
    started = (await shop.call("POST", f"{AT}/canary", wanted)).json()
    canary = started["after"]["canary"]
    assert (canary["steps"], canary["min_turns"], canary["before"]) == ([10.0, 30.0], 50, {"1": 1.0})
    assert canary["checks"] == {"error_rate": 0.01, "latency": None, "cost": 0.1, "score": None}
    now = await plan(shop)
    assert now["releases"][1] == {"version": "2", "percent": 10.0}
    assert (now["standing"]["action"], now["standing"]["zh"][-4:]) == ("wait", "次数太少")
    again = await shop.call("POST", f"{AT}/canary", wanted, headers={"accept-language": "zh"})
    assert (again.status, again.json()["error"]["code"]) == (409, "canary_running")
    assert "灰度" in again.json()["error"]["message"]
    assert (await shop.call("POST", f"{AT}/promote", M)).json()["after"]["shares"] == {"2": 100.0}
    back = (await shop.call("POST", f"{AT}/rollback", M)).json()
    assert (back["after"]["shares"], back["undoes"]) == ({"1": 1.0}, 2)
    to = (await shop.call("POST", f"{AT}/rollback", {**M, "to": 2})).json()
    assert to["after"]["shares"] == {"2": 100.0}


async def test_a_shadow_and_its_end(shop):
    made = (await shop.call("POST", f"{AT}/shadow", {**M, "release": "2", "percent": 5})).json()
    assert made["after"]["shadow"] == {"release": "2", "percent": 5.0}
    assert (await shop.call("POST", f"{AT}/shadow", {**M, "release": None})).json()["after"]["shadow"] is None


@pytest.mark.parametrize(
    ("action", "body", "status", "field"),
    [
        ("split", {"model": "nope", "shares": {"1": 1}}, 404, "model"),
        ("split", {**M, "shares": {"7": 1}}, 404, "release"),
        ("split", {**M, "shares": {"1": 0}}, 400, "shares"),
        ("split", {**M, "shares": {"1": "x"}}, 400, "shares.1"),
        ("split", {**M, "rules": [{"release": "2"}]}, 400, "rules[0]"),
        ("split", {**M, "weights": {}}, 400, "weights"),
        ("split", {"shares": {"1": 1}}, 400, "model"),
        ("split", {**M, "sticky": "moon"}, 400, "sticky"),
        ("canary", {**M, "release": "9"}, 404, "release"),
        ("canary", {**M, "release": "2", "steps": [50, 5]}, 400, "steps"),
        ("canary", {**M, "release": "2", "checks": {"latency": 0}}, 400, "checks.latency"),
        ("promote", M, 400, "release"),
        ("shadow", {**M, "release": "2", "percent": 0}, 400, "percent"),
    ],
)
async def test_what_cannot_be_done_names_its_field(shop, action, body, status, field):
    refused = await shop.call("POST", f"{AT}/{action}", body)
    assert (refused.status, refused.json()["error"]["param"]) == (status, field)
    assert shop.notes == []


async def test_only_administrators(shop):
    for method, path in (("GET", AT), ("POST", f"{AT}/rollback"), ("POST", f"/admin/v1/turns/{'0' * 32}/score")):
        assert (await shop.call(method, path, {} if method == "POST" else None, key="user")).status == 403


async def test_going_back_works_when_the_journal_does_not(shop):
    from zhongshu.core.problems import fault

    await shop.call("POST", f"{AT}/split", {**M, "shares": {"2": 1}})
    shop.note_fails = fault("journal_unavailable", why="full")
    assert (await shop.call("POST", f"{AT}/rollback", M)).status == 200
    assert (await plan(shop))["releases"][0]["percent"] == 100.0


async def asked(shop, release, **fields):
    return await shop.write(release=release, split=f"shares: {release}", asked="org/m:1", **fields)


async def test_a_report_over_what_was_recorded(shop):
    for number in range(40):
        await asked(shop, "org/m:1@1", user=f"a{number}", took_us=1000 + number)
        await asked(shop, "org/m:1@2", user=f"b{number}", took_us=9000 + number)
    await asked(shop, "org/m:1@2", outcome="failed", error="context_length_exceeded")
    await shop.write(release="org/m:1@1", split="rule 1: org/m:1@1", took_us=10**9)
    await shop.write(release="org/m:1@2", split="shadow: org/m:1@2", shadow_of="0" * 32, took_us=10**9)
    await asked(shop, "org/m:1@1", cache="exact", took_us=1)
    trace = await asked(shop, "org/m:1@1", user="scored")
    assert (await shop.call("POST", f"/admin/v1/turns/{trace}/score", {"score": 0.25})).status == 200
    made = (await shop.call("GET", f"{AT}/report?model=org/m:1")).json()
    first, second = made["releases"]
    assert (first["release"], first["turns"], first["scored"], first["score"]["value"]) == ("org/m:1@1", 41, 1, 0.25)
    assert (second["turns"], second["uncounted"]) == (40, 1), "a prompt too long is the caller's"
    slower = next(row for row in made["differences"] if row["figure"] == "took_p50")
    assert slower["verdict"] == "higher"
    assert slower["value"] > 5
    nothing = (await shop.call("GET", f"{AT}/report?model=org/m:1&until=2020-01-01T00:00:00Z")).json()
    assert nothing["releases"] == []


async def test_scores_are_kept_changed_and_taken_back(shop):
    trace = await asked(shop, "org/m:1@1")
    at = f"/admin/v1/turns/{trace}/score"
    assert (await shop.call("POST", at, {"score": 1})).json() == {"trace": trace, "release": "org/m:1@1", "score": 1.0}
    assert (await shop.call("POST", at, {"score": 0})).json()["score"] == 0
    assert (await shop.call("POST", at, {"score": 1.5})).status == 400
    assert (await shop.call("POST", f"/admin/v1/turns/{'0' * 32}/score", {"score": 1})).status == 404
    assert (await shop.call("DELETE", at)).status == 204
    assert (await shop.call("DELETE", at)).status == 404


async def test_answers_side_by_side_are_journalled_when_they_are_read(shop):
    own = await asked(shop, "org/m:1@1", answer=b'[{"index":0,"text":"one"}]')
    other = await shop.write(
        release="org/m:1@2", shadow_of=own, answer=b'[{"index":0,"text":"two"}]', outcome="answered"
    )
    plain = (await shop.call("GET", f"{AT}/compare/{own}")).json()
    assert plain["answer"]["answer"] is None
    assert shop.notes == []
    shown = (await shop.call("GET", f"{AT}/compare/{own}?text=true")).json()
    assert shown["answer"]["answer"][0]["text"] == "one"
    assert [(side["trace"], side["answer"][0]["text"]) for side in shown["shadows"]] == [(other, "two")]
    assert shop.notes[0][0] == "text_shown"
    assert (await shop.call("GET", f"{AT}/compare/{other}")).json() == plain, "a shadow's own trace finds both"
    assert (await shop.call("GET", f"{AT}/compare/{'0' * 32}")).status == 404
