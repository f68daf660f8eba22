"""draft-check: where there is a result the reasoning model works unseen by the draft; where there is none it lists
defects."""

import contextlib

import pytest

from tests.pipeline.strategies.conftest import Pair, Saying
from zhongshu.core.problems import fault
from zhongshu.pipeline.answer import stream

LOST = fault("upstream_timeout", upstream="r", phase="first byte", limit_s=1)
BAD, GOOD = '{"defects": ["2 + 3 is 5"]}', '{"defects": []}'
OPEN = "Write a short letter to my landlord about the heating."
CAPITAL, CAPITAL_ZH = "What is the capital of France?", "法国的首都是哪里？"
SUM = "A shop sells 12 boxes of 7 pens each and 9 pens are broken. How many pens are left in total?"


def checked(*says, general=("it is Paris",), thinking="switch", effort="low", **more):
    return Pair(Saying("g", *general), Saying("r", *says), "draft-check", None, thinking, effort=effort, **more)


async def test_what_the_reasoning_model_finds_by_itself_accepts_the_draft(streamed):
    pair = checked("Paris")
    said, record = await pair.asked(streamed, CAPITAL)
    assert (said, record.release, pair.whys) == ("it is Paris", "g@1", ["draft", "solve"])
    assert "came to the same by itself" in record.reason
    (look,) = pair.reasoning.calls
    assert [message.text() for message in look.turn.messages] == [CAPITAL], "it never sees the draft"
    assert (look.effort, look.turn.effort) == ("off", "off"), "without thought first"


async def test_a_draft_that_it_does_not_come_to_is_replaced_by_what_it_thinks(streamed):
    pair = checked("Lyon", "Paris it is", general=("Marseille",))
    said, record = await pair.asked(streamed, CAPITAL)
    assert (said, record.release, pair.whys) == ("Paris it is", "r@1", ["draft", "solve", "solve"])
    assert "its answer stands" in record.reason
    assert [call.turn.effort for call in pair.reasoning.calls] == ["off", "low"]
    assert "Marseille" not in record.answer.decode()
    assert all("Marseille" not in pair.reasoning.calls[at].turn.messages[-1].text() for at in (0, 1))


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({"thinking": "always"}, {}),
        ({"thinking": "never"}, {}),
        ({"thinking": "prompted", "effort": None}, {}),
        ({"effort": "off"}, {}),
        ({"rounds": 1}, {}),
        ({}, {"effort": "high"}),
        ({}, {"thinking_tokens": 500}),
        ({}, {"text": SUM}),
    ],
    ids=str,
)
async def test_one_solution_is_all_where_a_look_without_thought_says_little(streamed, settings, asked):
    for thought, who in (("75", "g"), ("76", "r")):
        pair = checked(thought, general=("75",), **settings)
        said, _ = await pair.asked(streamed, **{"text": "How old is she?", **asked})
        assert (said, pair.whys) == ("75" if who == "g" else "76", ["draft", "solve"])
        (solve,) = pair.reasoning.calls
        assert solve.turn.effort == asked.get("effort", settings.get("effort", "low")) or "thinking_tokens" in asked


@pytest.mark.parametrize("says", [[LOST], ["Lyon", LOST]])
async def test_the_draft_stands_unaccepted_where_the_reasoning_model_fails(streamed, says):
    pair = checked(*says, general=("Marseille",))
    said, record = await pair.asked(streamed, CAPITAL)
    assert (said, record.release) == ("Marseille", "g@1")
    assert "not accepted" in record.reason
    assert "upstream_timeout" in record.reason
    assert record.outcome == "answered"


async def test_a_solution_that_says_nothing_leaves_the_draft(streamed):
    pair = checked(" ")
    said, record = await pair.asked(streamed, CAPITAL)
    assert said == "it is Paris"
    assert "no result" in record.reason


async def test_an_empty_draft_is_replaced(streamed):
    pair = checked("Paris", general=(" ",))
    said, record = await pair.asked(streamed, CAPITAL)
    assert (said, record.release, pair.whys) == ("Paris", "r@1", ["draft", "solve", "solve"])


# Where there is none: defects ----------------------------------------------------------------------------------


async def test_a_draft_without_defects_is_accepted(streamed):
    pair = Pair(Saying("g", "it is five"), Saying("r", f"Here: {GOOD}"), "draft-check")
    said, record = await pair.asked(streamed, OPEN)
    assert (said, record.release, pair.whys) == ("it is five", "g@1", ["draft", "check"])
    assert "accepted" in record.reason
    checked = pair.reasoning.calls[0].turn
    assert checked.format.kind == "schema"
    assert "it is five" in checked.messages[-1].text()


@pytest.mark.parametrize(
    ("checked", "repaired"),
    [
        ('{"answer": "five", "agrees": true, "defects": []}', False),
        ('{"answer": "five", "agrees": false, "defects": []}', True),
        ('{"answer": "five", "agrees": false, "defects": ["five, not six"]}', True),
        ('{"answer": " ", "agrees": false, "defects": []}', False),
        ('{"defects": []}', False),
    ],
)
async def test_a_checker_that_comes_to_something_else_has_found_a_defect(streamed, checked, repaired):
    pair = Pair(Saying("g", "it is six", "it is five"), Saying("r", checked, GOOD), "draft-check")
    said, _ = await pair.asked(streamed, OPEN)
    assert said == ("it is five" if repaired else "it is six")
    if repaired:
        assert "five" in pair.general.calls[1].turn.messages[-1].text()


async def test_a_repair_is_checked_again(streamed):
    pair = Pair(Saying("g", "it is six", "it is five"), Saying("r", BAD, GOOD), "draft-check")
    said, record = await pair.asked(streamed, OPEN)
    assert (said, pair.whys) == ("it is five", ["draft", "check", "repair", "check"])
    assert record.reason.endswith("after 1 repair.")
    assert "2 + 3 is 5" in pair.general.calls[1].turn.messages[-1].text()


async def test_rounds_that_are_used_up_are_stated(streamed):
    pair = Pair(Saying("g", "it is six", "it is seven"), Saying("r", BAD, BAD, "it is five"), "draft-check")
    said, record = await pair.asked(streamed, OPEN)
    assert (said, record.release) == ("it is five", "r@1")
    assert pair.whys == ["draft", "check", "repair", "check", "repair"]
    assert "not accepted" in record.reason
    assert all(wrong not in record.answer.decode() for wrong in ("six", "seven"))


@pytest.mark.parametrize("reply", ["looks fine to me", '{"defects": "none"}', LOST, '["x"]'])
async def test_a_check_that_says_nothing_leaves_the_draft_unaccepted(streamed, reply):
    pair = Pair(Saying("g", "it is six"), Saying("r", reply), "draft-check")
    said, record = await pair.asked(streamed, OPEN)
    assert said == "it is six"
    assert "not accepted" in record.reason


@pytest.mark.parametrize("stage", ["draft", "check", "repair"])
async def test_a_client_that_leaves_cancels_the_call_under_way(stage):
    pair = Pair(Saying("g", "it is six", "it is five now"), Saying("r", BAD, GOOD), "draft-check")
    live = await stream(pair.rooms, pair.arrived(OPEN, model="a", stream=True))
    async with contextlib.aclosing(live.batches()) as batches:
        async for batch in batches:
            if getattr(batch[0].deltas[0], "stage", "") == stage:
                break
    (record,) = pair.journal.records
    assert record.outcome == "left"
    assert pair.gate.permits[0].settled or pair.gate.permits[0].released
    asked = len(pair.general.calls) + len(pair.reasoning.calls)
    assert len(record.attempts) == asked == {"draft": 1, "check": 1, "repair": 2}[stage]
