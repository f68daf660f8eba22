"""Each strategy from question to record: what the caller sees, who was asked, what it cost, why."""

import asyncio

import pytest

from tests.pipeline.strategies.conftest import CHEAP, DEAR, Calling, Pair, Saying, Stopped
from zhongshu.core.answers import StopDelta, Usage
from zhongshu.core.problems import Fault, Refusal, fault
from zhongshu.core.turns import Format, Message, Sampling, Tool
from zhongshu.pipeline.answer import answer, stream

EARLIER = (Message("user", "hello"), Message("assistant", "How can I help?"))
EMPTY, NO_ROOM = Stopped("", "content_filter"), Stopped("", "length")
LOST = fault("upstream_timeout", upstream="r", phase="first byte", limit_s=1)


def cost(price, usage):
    return price.cost_nano(usage)


async def test_direct_is_a_model_with_a_prompt(streamed):
    pair = Pair(Saying("g", "five it is"), Saying("r", "no"), "direct", prompt="Be brief.")
    said, record = await pair.asked(streamed)
    assert said == "five it is"
    assert (record.rule, record.asked, record.release, pair.whys) == ("direct", "a", "g@1", [""])
    assert pair.general.calls[0].turn.messages[0].content == "Be brief."
    assert pair.reasoning.calls == []


@pytest.mark.parametrize(("chance", "who"), [(0.49, "g"), (0.5, "r"), (None, "r")])
async def test_tiered_asks_one_by_difficulty(streamed, chance, who):
    pair = Pair(Saying("g", "g says"), Saying("r", "r says"), "tiered", chance)
    said, record = await pair.asked(streamed)
    assert said == f"{who} says"
    assert (record.rule, record.release) == ("tiered", f"{who}@1")
    assert len(pair.general.calls) + len(pair.reasoning.calls) == 1


@pytest.mark.parametrize(("effort", "who"), [("off", "g"), ("high", "r")])
async def test_tiered_heeds_the_callers_own_word(streamed, effort, who):
    pair = Pair(Saying("g", "g says"), Saying("r", "r says"), "tiered", 0.5)
    said, _ = await pair.asked(streamed, effort=effort)
    assert said == f"{who} says"


async def test_cascade_lets_a_good_draft_stand(streamed):
    pair = Pair(Saying("g", "it is five"), Saying("r", "no"), "cascade", 0.1)
    said, record = await pair.asked(streamed)
    assert (said, record.release, pair.whys) == ("it is five", "g@1", ["draft"])
    assert record.reason == "The general model's answer passed the check."
    assert pair.reasoning.calls == []


async def test_cascade_escalates_and_shows_only_what_stands(streamed):
    pair = Pair(Saying("g", "it is six"), Saying("r", "it is five"), "cascade", 0.9)
    said, record = await pair.asked(streamed)
    assert (said, record.release, pair.whys) == ("it is five", "r@1", ["draft", "escalate"])
    assert "six" not in record.answer.decode()
    assert "0.90" in record.reason
    if streamed:
        assert pair.stages == ["draft", "escalate"]


async def test_usage_and_cost_are_of_all_calls_each_at_its_own_price(streamed):
    pair = Pair(Saying("g", "it is six"), Saying("r", "it is five now"), "cascade", 0.9)
    _, record = await pair.asked(streamed)
    draft, second = Usage(prompt=6, completion=3), Usage(prompt=6, completion=4)
    assert record.usage == Usage(prompt=12, completion=7)
    assert record.cost_nano == cost(CHEAP, draft) + cost(DEAR, second)
    (permit,) = pair.gate.permits
    assert permit.settled == (record.usage, record.cost_nano)
    assert permit.ask.cost_nano >= record.cost_nano
    assert permit.ask.tokens >= record.usage.total


async def test_a_draft_that_fails_is_escalated(streamed):
    pair = Pair(Saying("g", LOST), Saying("r", "it is five"), "cascade", 0.1)
    said, record = await pair.asked(streamed)
    assert (said, pair.whys) == ("it is five", ["draft", "escalate"])
    assert "upstream_timeout" in record.reason
    assert record.outcome == "answered"


async def test_an_escalation_that_fails_leaves_the_draft_and_says_so(streamed):
    pair = Pair(Saying("g", "it is six"), Saying("r", LOST), "cascade", 0.9)
    said, record = await pair.asked(streamed)
    assert (said, record.release) == ("it is six", "g@1")
    assert "stands though" in record.reason
    assert record.cost_nano > 0


async def test_an_escalation_that_says_nothing_leaves_the_draft(streamed):
    """Be it filtered, out of room for its thought, or blank: no stop of it is seen either."""
    for nothing, thinks in ((EMPTY, ""), (NO_ROOM, "let me see"), (" ", ""), ("", "")):
        pair = Pair(Saying("g", "it is six"), Saying("r", nothing, thinks=thinks), "cascade", 0.9)
        said, record = await pair.asked(streamed)
        assert (said, record.release, record.stop) == ("it is six", "g@1", "stop")
        assert record.reason.endswith("the reasoning model said nothing.")
        assert pair.gate.permits[0].settled == (record.usage, record.cost_nano)
        if streamed:
            assert (pair.stages, pair.thoughts) == (["draft", "escalate"], thinks)
            assert len([delta for delta in pair.deltas if isinstance(delta, StopDelta)]) == 1


@pytest.mark.parametrize("draft", [LOST, EMPTY])
async def test_where_nobody_says_anything_the_last_ones_reason_is_seen(streamed, draft):
    pair = Pair(Saying("g", draft), Saying("r", EMPTY), "cascade", 0.9)
    said, record = await pair.asked(streamed)
    assert (said, record.release, record.stop, record.outcome) == ("", "r@1", "content_filter", "answered")
    assert record.reason.startswith("The")


async def test_front_back_gives_the_solver_the_task_alone(streamed):
    general = Saying("g", "Add 2 and 3.", "The sum is 5.")
    pair = Pair(general, Saying("r", "2 + 3 = 5", thinks="adding"), "front-back", prompt="You are a clerk.")
    said, record = await pair.asked(streamed, before=EARLIER)
    assert (said, pair.whys) == ("The sum is 5.", ["rewrite", "solve", "phrase"])
    assert [message.text() for message in pair.reasoning.calls[0].turn.messages] == ["Add 2 and 3."]
    assert "2 + 3 = 5" in general.calls[1].turn.messages[-1].text()
    assert general.calls[1].turn.messages[-1].text().startswith("how much is 2 + 3?")
    assert record.release == "g@1"
    if streamed:
        assert (pair.stages, pair.thoughts) == (["rewrite", "solve", "phrase"], "adding")


async def test_the_first_question_of_a_conversation_is_solved_as_it_was_asked(streamed):
    pair = Pair(Saying("g", "The sum is 5."), Saying("r", "2 + 3 = 5"), "front-back", prompt="You are a clerk.")
    said, record = await pair.asked(streamed)
    assert (said, pair.whys) == ("The sum is 5.", ["solve", "phrase"])
    asked = [message.text() for message in pair.reasoning.calls[0].turn.messages]
    assert asked == ["You are a clerk.", "how much is 2 + 3?"]
    assert "as it was asked" in record.reason
    if streamed:
        assert pair.stages == ["solve", "phrase"]


@pytest.mark.parametrize(
    ("task", "kept"),
    [("Add 2 and 3.", True), ("Add ２ to 3 apples.", True), ("Add 2.", False), ("Add 23.", False), ("", False)],
)
async def test_a_task_that_lacks_a_number_of_the_question_is_not_what_is_solved(streamed, task, kept):
    pair = Pair(Saying("g", task, "The sum is 5."), Saying("r", "2 + 3 = 5"), "front-back")
    said, record = await pair.asked(streamed, before=EARLIER)
    assert (said, pair.whys) == ("The sum is 5.", ["rewrite", "solve", "phrase"])
    solved = [message.text() for message in pair.reasoning.calls[0].turn.messages]
    assert solved == ([task] if kept else ["hello", "How can I help?", "how much is 2 + 3?"])
    assert ("lacked numbers" in record.reason) is not kept


@pytest.mark.parametrize(
    ("task", "kept"), [("Add 20 m and 30 m, times 4.", True), ("What does the fence cost?", False)]
)
async def test_nor_is_one_that_lacks_what_was_told_of_it_earlier(streamed, task, kept):
    told = (Message("user", "A fence of 20 m and 30 m costs 4 a metre."), Message("assistant", "Noted."))
    pair = Pair(Saying("g", task, "It costs 200."), Saying("r", "50 * 4 = 200"), "front-back")
    said, _ = await pair.asked(streamed, "How much does the fence cost?", before=told)
    assert (said, pair.whys) == ("It costs 200.", ["rewrite", "solve", "phrase"])
    solved = [message.text() for message in pair.reasoning.calls[0].turn.messages]
    reminded = f"{told[0].text()}\nHow much does the fence cost?"
    assert solved == ([task] if kept else [*(message.text() for message in told), reminded])


async def test_a_solution_that_cannot_be_phrased_stands_as_it_is(streamed):
    pair = Pair(Saying("g", LOST), Saying("r", "it is five"), "front-back")
    said, record = await pair.asked(streamed)
    assert (said, record.release) == ("it is five", "r@1")


@pytest.mark.parametrize(
    ("phrased", "fields", "stands"),
    [
        ("That makes 5 apples.", {}, "g"),
        ("That makes 6 apples.", {}, "r"),
        ("That makes 6 apples.", {"sampling": Sampling(stop=("@",))}, "g"),
        ("6", {"format": Format("json")}, "g"),
        (Stopped("That makes", "length"), {}, "g"),
    ],
)
async def test_a_phrasing_that_loses_the_result_does_not_stand(streamed, phrased, fields, stands):
    """Where it must heed a form, stop words or a limit, the solution cannot take its place."""
    pair = Pair(Saying("g", phrased), Saying("r", "2 + 3 = 5", thinks="adding"), "front-back")
    said, record = await pair.asked(streamed, **fields)
    assert (said, record.release) == (phrased if stands == "g" else "2 + 3 = 5", f"{stands}@1")
    assert ("did not come to the same" in record.reason) is (stands == "r")
    assert pair.whys == ["solve", "phrase"]


@pytest.mark.parametrize("text", ["how much is 2 + 3?", "write me a letter about the winter"])
async def test_a_phrasing_that_says_nothing_does_not_stand(streamed, text):
    for phrased, fields in ((EMPTY, {}), (NO_ROOM, {}), (" ", {}), ("", {"sampling": Sampling(stop=("@",))})):
        pair = Pair(Saying("g", phrased), Saying("r", "2 + 3 = 5"), "front-back")
        said, record = await pair.asked(streamed, text, **fields)
        meant = bool(fields)  # by the caller's stop words
        assert (said, record.release) == (("", "g@1") if meant else ("2 + 3 = 5", "r@1"))
        assert ("said nothing" in record.reason) is not meant
        assert record.stop == "stop"


@pytest.mark.parametrize("cut", ["length", "content_filter"])
async def test_a_phrasing_is_not_held_against_a_solution_that_broke_off(streamed, cut):
    pair = Pair(Saying("g", "it is six"), Saying("r", Stopped("2 + 3 =", cut)), "front-back")
    said, record = await pair.asked(streamed)
    assert (said, record.release) == ("it is six", "g@1")


async def test_the_phrasing_of_a_text_is_shown_as_it_comes(streamed):
    pair = Pair(Saying("g", "Dear all, winter comes."), Saying("r", "Dear team, it is cold."), "front-back")
    said, record = await pair.asked(streamed, text="write me a letter about the winter")
    assert (said, record.release) == ("Dear all, winter comes.", "g@1")


async def test_a_solver_that_says_nothing_leaves_the_general_model_alone(streamed):
    pair = Pair(Saying("g", "it is five"), Saying("r", " ", thinks="hm"), "front-back")
    said, record = await pair.asked(streamed)
    assert said == "it is five"
    assert "no solution" in record.reason
    assert pair.general.calls[0].turn.messages[-1].text() == "how much is 2 + 3?"


async def test_a_call_of_a_tool_is_no_draft(streamed):
    for strategy in ("cascade", "front-back", "draft-check"):
        pair = Pair(Calling("g", "looking"), Saying("r", "five"), strategy, 0.9)
        said, record = await pair.asked(streamed, tools=(Tool("clock"),))
        assert (said, len(record.attempts), record.stop) == ("looking", 1, "tool_calls")
        assert b"call_1" in record.answer
        assert pair.reasoning.calls == []


async def test_the_language_is_the_users(streamed):
    pair = Pair(Saying("g", "把 2 和 3 相加", "是五"), Saying("r", "5"), "front-back")
    await pair.asked(streamed, text="二加三是多少？", before=EARLIER)
    assert "请把用户当前的需求" in pair.general.calls[0].turn.messages[-1].text()


@pytest.mark.parametrize("strategy", ["direct", "tiered", "cascade", "front-back", "draft-check"])
async def test_thoughts_are_hidden_where_the_assistant_says_so(streamed, strategy):
    for shown in (True, False):
        pair = Pair(
            Saying("g", "g says", thinks="deep"), Saying("r", "r says", thinks="deeper"),
            strategy, 0.9, show_thoughts=shown,
        )  # fmt: skip
        if not streamed:
            done = await answer(pair.rooms, pair.arrived(model="a"))
            seen = done.answered.answer.choices[0].thought
        else:
            await pair.asked(streamed)
            seen = pair.thoughts
        assert ("deep" in seen) is shown
        assert "deep" in pair.journal.records[0].answer.decode(), "what is hidden is kept in the record"
        if streamed and strategy not in ("direct", "tiered"):
            assert not any(getattr(delta, "signature", None) for delta in pair.deltas)


async def test_a_shown_answer_that_breaks_is_cut_and_everything_is_settled():
    general = Saying("g", "it is six")
    broken = Saying("r", "one two three", breaks=fault("upstream_cut", upstream="r"), breaks_after=2)
    pair = Pair(general, broken, "cascade", 0.9)
    with pytest.raises(Fault, match="upstream_cut"):
        await pair.asked(streamed=True)
    (record,) = pair.journal.records
    assert (record.outcome, pair.whys) == ("cut", ["draft", "escalate"])
    assert record.attempts[1].error == "upstream_cut"
    assert b"one two" in record.answer
    assert pair.gate.permits[0].settled == (record.usage, record.cost_nano)
    assert record.usage.estimated
    assert record.cost_nano > cost(CHEAP, Usage(prompt=6, completion=3))


async def test_what_fails_in_the_middle_is_charged_for_what_was_used(streamed):
    pair = Pair(Saying("g", "Add 2 and 3."), Saying("r", LOST), "front-back")
    with pytest.raises(Fault, match="upstream_timeout"):
        await pair.asked(streamed, before=EARLIER)
    (record,) = pair.journal.records
    assert (record.outcome, pair.whys) == ("failed", ["rewrite", "solve"])
    assert "solve" in record.reason
    assert pair.gate.permits[0].settled == (record.usage, record.cost_nano)
    assert record.cost_nano > 0


async def test_a_first_call_that_fails_has_a_status_even_in_a_stream():
    pair = Pair(Saying("g", "no"), Saying("r", LOST), "front-back")
    with pytest.raises(Fault, match="upstream_timeout"):
        await stream(pair.rooms, pair.arrived(model="a", stream=True))
    assert pair.journal.records[0].outcome == "failed"
    assert pair.gate.permits[0].released


async def test_a_client_that_leaves_during_a_call_closes_its_stream(streamed):
    pair = Pair(Saying("g", "it is six"), Saying("r", "a b c d e f", pause_s=30), "cascade", 0.9)
    task = asyncio.create_task(pair.asked(streamed))
    while not pair.reasoning.calls:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (record,) = pair.journal.records
    assert (record.outcome, pair.whys) == ("left", ["draft", "escalate"])
    assert record.cost_nano >= cost(CHEAP, Usage(prompt=6, completion=3))
    assert pair.gate.permits[0].settled == (record.usage, record.cost_nano)


@pytest.mark.parametrize(("fields", "param"), [({"sampling": Sampling(n=2)}, "n"), ({"kind": "completion"}, "model")])
async def test_what_an_assistant_cannot_do_is_refused(fields, param):
    pair = Pair(Saying("g", "x"), Saying("r", "x"), "cascade")
    arrived = pair.arrived(model="a")
    turn = type(arrived.turn)
    kept = {name: getattr(arrived.turn, name) for name in turn.__struct_fields__} | fields
    refused = await answer(pair.rooms, type(arrived)(turn(**kept), arrived.caller, arrived.started_ns))
    assert isinstance(refused, Refusal)
    assert (refused.problem.code, refused.problem.param) == ("model_cannot", param)
    assert pair.gate.permits[0].released


@pytest.mark.parametrize(
    ("has", "said", "effort", "tokens"),
    [
        ("high", {}, "high", None),
        (600, {}, None, 600),
        ("auto", {}, None, None),
        (600, {"effort": "low"}, "low", None),
        ("high", {"thinking_tokens": 600}, None, 600),
    ],
)
async def test_depth_is_the_callers_else_the_assistants(streamed, has, said, effort, tokens):
    pair = Pair(Saying("g", "g says"), Saying("r", "r says"), "tiered", 0.9, effort=has)
    await pair.asked(streamed, **said)
    (call,) = pair.reasoning.calls
    assert (call.turn.effort, call.effort, call.turn.thinking_tokens) == (effort, effort, tokens)


async def test_a_budget_of_the_callers_asks_the_reasoning_model_and_the_assistants_own_does_not(streamed):
    pair = Pair(Saying("g", "g says"), Saying("r", "r says"), "tiered", 0.1, effort=600)
    assert (await pair.asked(streamed))[0] == "g says"
    pair = Pair(Saying("g", "g says"), Saying("r", "r says"), "tiered", 0.1)
    assert (await pair.asked(streamed, thinking_tokens=600))[0] == "r says"


class Closed(Saying):
    """Its thought is closed, and its answer broken off, before it ends them itself."""

    async def _events(self, call):
        async for event in super()._events(call):
            yield event
        call.thought_ended, call.answer_ended = "settled", "repeating"


@pytest.mark.parametrize(
    ("strategy", "general", "reasoning", "ended"),
    [
        ("direct", Closed("g", "it is five"), Saying("r", ""), ("settled", "repeating")),
        ("cascade", Closed("g", "it is six"), Saying("r", "it is five"), ("settled", "")),
        ("cascade", Saying("g", "it is six"), Closed("r", "it is five"), ("settled", "repeating")),
        ("front-back", Saying("g", "it is five"), Closed("r", "five"), ("settled", "")),
        ("front-back", Closed("g", "it is six"), Closed("r", "it is five"), ("settled", "repeating")),
        ("cascade", Saying("g", "it is six"), Saying("r", "it is five"), ("", "")),
    ],
)
async def test_whether_a_thought_or_the_answer_was_ended_is_told_of_all_calls(
    streamed, strategy, general, reasoning, ended
):
    """Of thoughts whosever it was, of answers where the one that stands was."""
    pair = Pair(general, reasoning, strategy, 0.9)
    _, record = await pair.asked(streamed)
    assert (record.thought_ended, record.answer_ended) == ended
