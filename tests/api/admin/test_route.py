"""Routing over HTTP: the report and its curve, why a turn went where it went, the dial for a target, samples."""

import msgspec
import pytest

from zhongshu.catalog.catalog import offer_of
from zhongshu.catalog.samples import Sample
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.dials import Dial
from zhongshu.core.models import Price
from zhongshu.pipeline.routings import Weighing
from zhongshu.router.decision import Decider

HARD = "Prove that there are infinitely many primes."
OFFERS = tuple(
    offer_of(ModelSettings(name=name, upstream="up", tier=tier, price=Price(input=price, output=4 * price)))
    for name, tier, price in (("small", "general", 1.0), ("deep", "reasoning", 10.0))
)


@pytest.fixture
async def routed(desk):
    desk.app = desk.application(weighing=lambda: Weighing(Decider(), OFFERS))
    return desk


def sample(desk, number, **more):
    plain = Sample(
        trace=f"{number:032x}", sample=f"{number + 1000:032x}", tenant="default", at_ns=desk.clock.now_ns(),
        went=number % 2 == 0, release="deep@1", other="small@1", task="proof", gain=0.4 if number % 2 == 0 else 0.01,
        cost_nano=9_000 if number % 2 == 0 else 1_000, other_nano=1_000 if number % 2 == 0 else 9_000, judge_nano=10,
        state="judged", general=1.0 if number % 2 else 0.0, reasoning=1.0, by="agreement",
    )  # fmt: skip
    return msgspec.structs.replace(plain, **more)


def kept(desk, *samples):
    from zhongshu.catalog.samples import SampleBook

    book = SampleBook(desk.state, desk.clock)
    for one in samples:
        book.keep(one)


async def test_few_samples_claim_nothing(routed):
    kept(routed, *(sample(routed, number) for number in range(49)))
    found = (await routed.call("GET", "/admin/v1/route/report")).json()
    assert (found["claim"]["made"], found["claim"]["cases"], found["claim"]["needed"]) == (False, 49, 50)
    assert "49 cases" in found["claim"]["said"]["en"]
    assert "49 个" in found["claim"]["said"]["zh"]
    assert found["samples"]["judged"] == 49


async def test_enough_samples_claim_what_their_interval_bears(routed):
    kept(routed, *(sample(routed, number) for number in range(60)))
    found = (await routed.call("GET", "/admin/v1/route/report")).json()
    claim = found["claim"]
    assert claim["made"]
    assert claim["saved"]["value"] == pytest.approx(4 / 9)
    assert 0 < claim["saved"]["low"] < claim["saved"]["value"] < claim["saved"]["high"]
    assert claim["kept"]["value"] == 1.0
    assert "reasoning model's is taken as right" in claim["said"]["en"], "by agreement, and that is said"
    assert {way["name"] for way in found["proof"]["ways"]} == {
        "done", "always general", "always reasoning", "random at the same cost", "oracle"
    }  # fmt: skip
    assert found["samples"]["extra_nano"] == 30 * 1_010 + 30 * 9_010
    drawn = await routed.call("GET", "/admin/v1/route/report.svg")
    assert drawn.body.startswith(b"<svg")
    assert drawn.headers["content-type"] == "image/svg+xml"


async def test_where_nothing_was_saved_nothing_is_claimed(routed):
    dear = [sample(routed, number, went=True, cost_nano=9_000, other_nano=1_000) for number in range(60)]
    kept(routed, *dear)
    claim = (await routed.call("GET", "/admin/v1/route/report")).json()["claim"]
    assert not claim["made"]
    assert "may be nothing" in claim["said"]["en"]


async def test_a_period_and_a_tenant_narrow_it(routed):
    old = routed.clock.now_ns() - 10 * 86_400 * 10**9
    kept(routed, sample(routed, 1), sample(routed, 2, tenant="acme"), sample(routed, 3, at_ns=old))
    for query, count in (("", 3), ("?tenant=acme", 1), ("?since=2020-01-01&until=2021-01-01", 0)):
        found = (await routed.call("GET", f"/admin/v1/route/report{query}")).json()
        assert found["samples"]["taken"] == count, query


async def test_labels_stand_in_place_of_a_sample_s_judgement(routed):
    trace = await routed.write(rule="hard", release="deep@1")
    labels = [
        {"trace": trace, "weak_correct": 0, "strong_correct": 1},
        {"prompt": HARD, "weak_correct": 0, "strong_correct": 1},
    ]
    found = (await routed.call("POST", "/admin/v1/route/report", {"labels": labels})).json()
    assert found["labelled"] == found["proof"]["cases"] == 2


async def test_why_and_what_would_have_changed_it(routed):
    body = msgspec.json.encode({"messages": [{"role": "user", "content": HARD}]})
    dial = Dial(0.1, "key", 5.0, "settings")
    why = "This is a proof, step-by-step work: deep thought is expected to move the chance of a right answer from 0.25 to 0.69"
    why = f"{why}, but it would cost more than the ceiling."
    trace = await routed.write(rule="simple", release="small@1", prompt=body, reason=why, dial=dial)
    found = (await routed.call("GET", f"/admin/v1/route/explain/{trace}")).json()
    assert found["reason"] == why
    assert found["reason_zh"] == "这是证明、要求分步：深度思考预计使答对的可能从 0.25 变为 0.69，但预计费用超过上限。"
    told = found["explained"]
    assert (told["dial"], told["dial_by"], told["max_cost"]) == (0.1, "key", None), (
        "what the settings said then is theirs"
    )
    whats = {change["what"] for change in told["changes"]}
    assert {"dial", "difficulty", "effort", "price", "health"} <= whats
    assert all(change["en"] and change["zh"] for change in told["changes"])
    assert ("route_explained", trace) in [(name, facts["trace"]) for name, facts in routed.notes]


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"rule": "named", "asked": "small"}, "only `auto`"), ({"rule": "hard", "prompt": b""}, "text")],
)
async def test_what_cannot_be_weighed_again_says_why(routed, fields, said):
    trace = await routed.write(**fields)
    found = (await routed.call("GET", f"/admin/v1/route/explain/{trace}")).json()
    assert found["explained"] is None
    assert said in found["unknown"]["en"]


async def test_the_dial_for_a_target(routed):
    kept(routed, *(sample(routed, number) for number in range(40)))
    found = (await routed.call("GET", "/admin/v1/route/tune?quality=0.95")).json()
    assert (found["rows"], found["reached"]) == (40, True)
    assert found["strong_calls"]["value"] == 0.5
    rows = [
        {"prompt": HARD, "weak_correct": 0, "strong_correct": 1},
        {"prompt": "hello", "weak_correct": 1, "strong_correct": 1},
    ]
    found = (await routed.call("POST", "/admin/v1/route/tune", {"quality": 1, "rows": rows})).json()
    assert found["strong_calls"]["value"] == 0.5


async def test_a_dial_to_be_sure_of(routed):
    kept(routed, *(sample(routed, number) for number in range(40)))
    path = "/admin/v1/route/tune?quality=0.95"
    guess = (await routed.call("GET", path)).json()
    assert (guess["sure"]["confidence"], guess["sure"]["dial"]) == (0.95, None), "40 samples promise nothing"
    assert guess["sure"]["needed"] > 40
    sure = (await routed.call("GET", f"{path}&confidence=0.6")).json()
    assert (sure["reached"], sure["dial"]) == (True, sure["sure"]["dial"])
    rows = [{"prompt": HARD, "weak_correct": 0, "strong_correct": 1}] * 90
    body = {"quality": 0.9, "confidence": 0.95, "rows": rows}
    found = (await routed.call("POST", "/admin/v1/route/tune", body)).json()
    assert (found["reached"], found["sure"]["strong_calls"]) == (True, 1.0)


async def test_whether_a_share_was_kept(routed):
    kept(routed, *(sample(routed, number) for number in range(90)))
    promise = (await routed.call("GET", "/admin/v1/route/report?quality=0.95")).json()["proof"]["promise"]
    assert (promise["state"], promise["rows"], promise["confidence"]) == ("kept", 90, 0.95)
    assert "was kept" in promise["said"]["en"]
    assert "已保持" in promise["said"]["zh"]
    labels = [{"prompt": "hello", "weak_correct": 0, "strong_correct": 1}] * 20
    body = {"labels": labels, "quality": 0.95, "confidence": 0.99}
    promise = (await routed.call("POST", "/admin/v1/route/report", body)).json()["proof"]["promise"]
    assert promise["state"] == "broken"
    assert (await routed.call("GET", "/admin/v1/route/report")).json()["proof"]["promise"] is None


async def test_a_person_judges_a_sample(routed):
    kept(routed, sample(routed, 1, state="open", general=None, reasoning=None, by=""))
    (one,) = (await routed.call("GET", "/admin/v1/route/samples?state=open")).json()["data"]
    made = (await routed.call("POST", f"/admin/v1/route/samples/{one['trace']}", {"general": 1, "reasoning": 0})).json()
    assert (made["state"], made["general"], made["by"][:7]) == ("judged", 1.0, "label: ")
    assert (await routed.call("GET", "/admin/v1/route/samples?state=open")).json()["data"] == []
    assert ("managed", f"/admin/v1/route/samples/{one['trace']}") in [
        (name, facts["path"]) for name, facts in routed.notes
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "param"),
    [
        ("GET", "/report?confidence=0.9", None, 400, "confidence"),
        ("GET", "/report?quality=0.9&confidence=1", None, 400, "confidence"),
        ("GET", "/tune?confidence=0.2", None, 400, "confidence"),
        ("POST", "/report", {"labels": [], "confidence": 0.9}, 400, "confidence"),
        ("GET", "/report?since=tomorrow", None, 400, "since"),
        ("GET", "/report.svg", None, 404, None),
        ("GET", "/tune", None, 404, None),
        ("GET", "/tune?quality=2", None, 400, "quality"),
        ("GET", "/explain/xyz", None, 400, "trace"),
        ("GET", f"/explain/{'f' * 32}", None, 404, None),
        ("GET", "/samples?state=odd", None, 400, "state"),
        ("GET", "/samples?limit=0", None, 400, "limit"),
        ("POST", f"/samples/{'f' * 32}", {"general": 1, "reasoning": 1}, 404, None),
        ("POST", f"/samples/{'f' * 32}", {"general": 2, "reasoning": 1}, 400, "general"),
        ("POST", f"/samples/{'f' * 32}", {"general": 1}, 400, "reasoning"),
        ("POST", "/report", {"labels": [{"weak_correct": 1, "strong_correct": 1}]}, 400, "labels.0"),
        ("POST", "/report", {"labels": [{"prompt": "x", "weak_correct": 7, "strong_correct": 1}]}, 400, None),
        ("POST", "/tune", {"rows": []}, 400, "rows"),
        ("POST", "/tune", {"rows": [{"trace": "x", "weak_correct": 1, "strong_correct": 1}]}, 400, "rows.0.prompt"),
        ("POST", "/tune", {"rows": [{"prompt": "x", "weak_correct": 0, "strong_correct": 0}]}, 400, "rows"),
    ],
)
async def test_wrong_input_names_the_field(routed, method, path, body, status, param):
    refused = await routed.call(method, f"/admin/v1/route{path}", body)
    assert refused.status == status, refused.body
    if param is not None:
        assert refused.json()["error"]["param"] == param


async def test_a_user_s_key_sees_none_of_it(routed):
    for path in ("report", "report.svg", "tune", "samples", f"explain/{'f' * 32}"):
        assert (await routed.call("GET", f"/admin/v1/route/{path}", key="user")).status == 403
