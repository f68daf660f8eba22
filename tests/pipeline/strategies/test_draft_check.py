"""draft-check: where there is a result the reasoning model works unseen by the draft; where there is none it lists
defects."""

import contextlib

import msgspec
import pytest

from tests.pipeline.strategies.conftest import CHEAP, DEAR, Calling, Pair, Saying, Stopped
from zhongshu.core.answers import ProgressDelta, TextDelta, ThoughtDelta, Usage
from zhongshu.core.problems import Fault, fault
from zhongshu.core.turns import Format, Sampling, Tool
from zhongshu.pipeline.answer import stream

LOST = fault("upstream_timeout", upstream="r", phase="first byte", limit_s=1)
BAD, GOOD = '{"defects": ["2 + 3 is 5"]}', '{"defects": []}'
OPEN = "Write a short letter to my landlord about the heating."
CAPITAL = "What is the capital of France?"
SUM = "A shop sells 12 boxes of 7 pens each and 9 pens are broken. How many pens are left in total?"
EMPTY = Stopped("", "content_filter")
CUT, FILTERED = Stopped("it is Paris", "length"), Stopped("it is Paris", "content_filter")


class Taken:
    """Samples, as far as a turn knows them: what would be compared."""

    def __init__(self):
        self.works = []

    def take(self, rooms, routed, entry):
        self.works.append(routed.work)


def cost(price, words):
    return price.cost_nano(Usage(prompt=6, completion=words))


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
    assert record.reason.startswith("The general model's draft stands, not accepted by a check: ")
    assert "upstream_timeout" in record.reason
    assert record.outcome == "answered"


@pytest.mark.parametrize("found", [" ", CUT, FILTERED], ids=["empty", "cut", "filtered"])
async def test_a_solution_without_a_result_leaves_the_draft(streamed, found):
    pair = checked(found)
    said, record = await pair.asked(streamed, CAPITAL)
    assert (said, pair.whys) == ("it is Paris", ["draft", "solve", "solve"])
    assert "came to no result" in record.reason


@pytest.mark.parametrize("draft", [" ", CUT, FILTERED], ids=["empty", "cut", "filtered"])
async def test_a_draft_without_a_result_is_replaced(streamed, draft):
    """A look without thought could not accept it."""
    pair = checked("it is Paris", general=(draft,))
    said, record = await pair.asked(streamed, CAPITAL)
    assert (said, record.release, pair.whys) == ("it is Paris", "r@1", ["draft", "solve"])


@pytest.mark.parametrize("found", [" ", CUT])
async def test_of_two_answers_without_a_result_one_that_says_something_stands(streamed, found):
    said, _ = await checked(found, general=(CUT,)).asked(streamed, CAPITAL)
    assert said == "it is Paris"
    said, record = await checked(found, general=(" ",)).asked(streamed, CAPITAL)
    assert (said, record.release) == (found.strip(), "r@1")


async def test_of_an_empty_draft_the_reasoning_models_failure_is_the_turns(streamed):
    pair = checked(LOST, general=(" ",))
    with pytest.raises(Fault, match="upstream_timeout"):
        await pair.asked(streamed, CAPITAL)
    assert pair.gate.permits[0].settled


async def test_a_tool_that_the_reasoning_model_asks_for_is_its_answer(streamed):
    pair = Pair(Saying("g", "It is noon."), Calling("r", "looking"), "draft-check", None, "switch", effort="low")
    said, record = await pair.asked(streamed, "What time is it?", tools=(Tool("clock"),))
    assert (said, record.release, record.stop) == ("looking", "r@1", "tool_calls")
    assert pair.whys == ["draft", "solve", "solve"]
    assert b"call_1" in record.answer
    assert all(call.turn.tools for call in pair.reasoning.calls)


async def test_equal_json_accepts_a_draft_whatever_its_length(streamed):
    long = '{"name": "Ann", "note": "' + "x" * 300 + '"}'
    pair = checked(long.replace(", ", ",\n"), general=(long,))
    said, record = await pair.asked(streamed, "Extract it as JSON: Ann", format=Format("json"))
    assert (said, record.release, pair.whys) == (long, "g@1", ["draft", "solve"])
    assert pair.reasoning.calls[0].turn.format.kind == "json"


async def test_every_call_has_the_callers_limits_and_the_assistants_prompt(streamed):
    pair = checked("Lyon", "Paris", general=("Marseille",), prompt="Be brief.")
    await pair.asked(streamed, CAPITAL, sampling=Sampling(max_tokens=7, temperature=0.5))
    for call in (*pair.general.calls, *pair.reasoning.calls):
        assert [message.text() for message in call.turn.messages] == ["Be brief.", CAPITAL]
        assert (call.turn.sampling.max_tokens, call.turn.sampling.temperature) == (7, 0.5)


async def test_what_it_comes_to_is_summed_and_within_what_was_set_aside(streamed):
    for rounds in (1, 2, 3):
        pair = checked("Lyon", "Paris", general=("Marseille",), rounds=rounds)
        _, record = await pair.asked(streamed, CAPITAL)
        solves = min(rounds, 2)
        assert pair.whys == ["draft", *["solve"] * solves]
        assert record.usage == Usage(prompt=6 * (1 + solves), completion=1 + solves)
        assert record.cost_nano == cost(CHEAP, 1) + solves * cost(DEAR, 1)
        (permit,) = pair.gate.permits
        assert permit.settled == (record.usage, record.cost_nano)
        assert permit.ask.cost_nano >= record.cost_nano
        assert permit.ask.tokens >= record.usage.total


async def test_nothing_is_shown_before_it_stands_and_thoughts_come_in_their_order():
    pair = Pair(
        Saying("g", "Marseille"), Saying("r", "Lyon", "Paris", thinks="hm"), "draft-check", None, "switch", effort="low"
    )
    assert (await pair.asked(True, CAPITAL))[0] == "Paris"
    assert pair.stages == ["draft", "solve", "solve"]
    assert pair.thoughts == "hm\n\nhm"
    kinds = [type(delta) for delta in pair.deltas]
    last = max(at for at, kind in enumerate(kinds) if kind in (ProgressDelta, ThoughtDelta))
    assert all(at > last for at, kind in enumerate(kinds) if kind is TextDelta)


async def test_a_look_without_thought_is_not_what_the_reasoning_model_answers_alone():
    for says, known in ((["Paris"], {"general"}), (["Lyon", "Paris"], {"general", "reasoning"})):
        pair, taken = checked(*says, general=("Paris",)), Taken()
        pair.rooms = msgspec.structs.replace(pair.rooms, samples=taken)
        await pair.asked(True, CAPITAL)
        (work,) = taken.works
        assert (set(work.plain), work.stood) == (known, "general")


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


@pytest.mark.parametrize(
    ("rounds", "general", "reasoning"),
    [(2, ("Hi", " "), (BAD,)), (1, ("Hi",), (BAD, EMPTY))],
    ids=["general", "reasoning"],
)
async def test_a_repair_that_says_nothing_leaves_the_draft(streamed, rounds, general, reasoning):
    pair = Pair(Saying("g", *general), Saying("r", *reasoning), "draft-check", rounds=rounds)
    said, record = await pair.asked(streamed, OPEN)
    assert (said, record.release, record.stop, pair.whys) == ("Hi", "g@1", "stop", ["draft", "check", "repair"])
    assert "the repair said nothing" in record.reason


async def test_a_repair_that_calls_a_tool_stands(streamed):
    pair = Pair(Saying("g", "Hi"), Saying("r", BAD), "draft-check")
    pair.general.then = Calling("g", "looking")
    said, record = await pair.asked(streamed, OPEN, tools=(Tool("clock"),))
    assert (said, record.stop, pair.whys) == ("looking", "tool_calls", ["draft", "check", "repair"])
    assert b"call_1" in record.answer


async def test_nothing_is_checked_where_there_is_no_draft(streamed):
    pair = Pair(Saying("g", EMPTY), Saying("r", "Dear Sir, it is cold."), "draft-check")
    said, record = await pair.asked(streamed, OPEN)
    assert (said, record.release, pair.whys) == ("Dear Sir, it is cold.", "r@1", ["draft", "solve"])


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


@pytest.mark.parametrize("rounds", [1, 2, 3])
async def test_the_last_repair_is_the_reasoning_models_and_goes_out_as_it_comes(streamed, rounds):
    last = "Dear Sir, it is cold."
    pair = Pair(Saying("g", "Hi", "Hi you", "Hi all"), Saying("r", *[BAD] * rounds, last), "draft-check", rounds=rounds)
    said, record = await pair.asked(streamed, OPEN)
    assert (said, record.release, pair.whys) == (last, "r@1", ["draft", *["check", "repair"] * rounds])
    assert "the rounds were used up" in record.reason
    assert len(pair.general.calls) == rounds
    assert b"Hi" not in record.answer
    (permit,) = pair.gate.permits
    assert permit.ask.cost_nano >= record.cost_nano
    if streamed:
        assert pair.stages == pair.whys
        assert len([delta for delta in pair.deltas if isinstance(delta, TextDelta)]) == len(last.split())


@pytest.mark.parametrize(
    ("rounds", "general", "reasoning"),
    [(2, ("Hi", LOST), (BAD,)), (1, ("Hi",), (BAD, LOST)), (2, ("Lo", "Hi", LOST), (BAD, LOST))],
    ids=["general", "reasoning", "second check"],
)
async def test_a_repair_or_check_that_fails_leaves_the_draft_of_the_moment(streamed, rounds, general, reasoning):
    pair = Pair(Saying("g", *general), Saying("r", *reasoning), "draft-check", rounds=rounds)
    said, record = await pair.asked(streamed, OPEN)
    assert (said, record.release, record.outcome) == ("Hi", "g@1", "answered")
    assert "not accepted" in record.reason
    assert "upstream_timeout" in record.reason


async def test_a_text_in_chinese_is_checked_and_repaired_in_chinese(streamed):
    pair = Pair(Saying("g", "房东您好", "房东先生：暖气坏了。"), Saying("r", BAD, GOOD), "draft-check")
    said, _ = await pair.asked(streamed, "请给房东写一封短信，说明暖气坏了。")
    assert said == "房东先生：暖气坏了。"
    assert "请检查下面的回答草稿" in pair.reasoning.calls[0].turn.messages[-1].text()
    assert "检查发现" in pair.general.calls[1].turn.messages[-1].text()
