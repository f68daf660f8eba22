"""What makes two turns the same: everything that can change the answer, and nothing else."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.api.openai.request import chat_turn, completion_turn, decode_chat, decode_completion
from zhongshu.api.openai.shapes import ChatRequest
from zhongshu.caches.keys import Identities, identity
from zhongshu.caches.rules import question_of
from zhongshu.core.models import Release, Shape
from zhongshu.core.turns import Message, Sampling, Turn

SECRET = b"s" * 32
RELEASE = Release(model="m", version="1", upstream="up", upstream_model="served")
TOOL = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "d",
        "parameters": {"type": "object", "properties": {"a": {}, "b": {}}},
    },
}
BODY = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "How do I reset my password?"},
    ],
    "temperature": 0,
    "tools": [TOOL],
}


def turn_of(body, dumped=None):
    raw = (dumped or json.dumps(body)).encode()
    return chat_turn(decode_chat(raw), raw, "t" * 32, 5)


def told(turn, *, tenant="acme", user="", release=RELEASE, effort=None, policy="p1", secret=SECRET):
    return identity(secret, turn, tenant, user, release, effort, policy, question_of(turn))


def key(body, **how):
    return told(turn_of(body), **how).key


def changed(**fields):
    return {**BODY, **fields}


def said(place, **fields):
    messages = [dict(message) for message in BODY["messages"]]
    messages[place] |= fields
    return changed(messages=messages)


# Each row differs from BODY in one thing that may change the answer.
DIFFERENT = {
    "system": said(0, content="Be long."),
    "no system": changed(messages=BODY["messages"][1:]),
    "history": said(1, content="hullo"),
    "answer before": said(2, content="No?"),
    "question": said(3, content="How do I reset my password"),
    "role": said(0, role="developer"),
    "name": said(3, name="ann"),
    "order of messages": changed(messages=[BODY["messages"][i] for i in (0, 2, 1, 3)]),
    "unknown field of a message": said(3, cache_control={"type": "ephemeral"}),
    "temperature": changed(temperature=0.5),
    "top_p": changed(top_p=0.5),
    "seed": changed(seed=1),
    "n": changed(n=2),
    "max_tokens": changed(max_tokens=10),
    "max_completion_tokens": changed(max_completion_tokens=10),
    "stop": changed(stop=["."]),
    "presence_penalty": changed(presence_penalty=0.5),
    "frequency_penalty": changed(frequency_penalty=0.5),
    "logprobs": changed(logprobs=True),
    "top_logprobs": changed(top_logprobs=2, logprobs=True),
    "tools": changed(tools=[{**TOOL, "function": {**TOOL["function"], "description": "e"}}]),
    "no tools": {name: value for name, value in BODY.items() if name != "tools"},
    "tool_choice": changed(tool_choice="required"),
    "parallel_tool_calls": changed(parallel_tool_calls=False),
    "response_format": changed(response_format={"type": "json_object"}),
    "schema": changed(response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}),
    "reasoning_effort": changed(reasoning_effort="high"),
    "reasoning_effort spelt otherwise": changed(reasoning_effort="xhigh"),
    "a field we do not know": changed(guided_regex="[a-z]+"),
    "another value of it": changed(guided_regex="[0-9]+"),
}  # fmt: skip


def test_every_single_difference_is_another_key():
    keys = {"as it is": key(BODY)} | {name: key(body) for name, body in DIFFERENT.items()}
    keys |= {
        "tenant": key(BODY, tenant="other"),
        "user, where users share nothing": key(BODY, user="u1"),
        "release": key(BODY, release=msgspec.structs.replace(RELEASE, version="2")),
        "model": key(BODY, release=msgspec.structs.replace(RELEASE, model="n")),
        "model at the upstream": key(BODY, release=msgspec.structs.replace(RELEASE, upstream_model="other")),
        "prompt of the release": key(BODY, release=msgspec.structs.replace(RELEASE, shape=Shape(prompt="x"))),
        "adapter": key(BODY, release=msgspec.structs.replace(RELEASE, adapter="a")),
        "depth of thought": key(BODY, effort="high"),
        "policy": key(BODY, policy="p2"),
        "secret": key(BODY, secret=b"t" * 32),
    }
    by_key = {}
    for name, found in keys.items():
        assert found not in by_key, f"{name} has the key of {by_key.get(found)}"
        by_key[found] = name


def test_every_field_of_a_request_is_in_the_table_or_has_no_influence():
    named = {name for body in DIFFERENT.values() for name in body}
    assert set(ChatRequest.__struct_fields__) - named == {"stream", "stream_options", "user", "zhongshu"}


@pytest.mark.parametrize(
    "same",
    [changed(stream=True), changed(user="u1"), changed(zhongshu={"priority": "low"}),
     changed(stream=True, stream_options={"include_usage": True}), changed(model="auto")],
)  # fmt: skip
def test_what_has_no_influence_is_not_part_of_it(same):
    assert key(same) == key(BODY)


def test_a_replica_of_the_same_release_gives_the_same():
    assert key(BODY, release=msgspec.structs.replace(RELEASE, upstream="other", weight=3.0)) == key(BODY)


def shuffled(value, order):
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: order.random())
        return {name: shuffled(value[name], order) for name in names}
    return [shuffled(inner, order) for inner in value] if isinstance(value, list) else value


@given(
    st.randoms(use_true_random=False),
    st.sampled_from([None, 1, "\t"]),
    st.booleans(),
    st.sampled_from(sorted(DIFFERENT)),
)
def test_order_and_whitespace_of_the_json_do_not_count(order, indent, ascii_only, which):
    body = DIFFERENT[which]
    dumped = json.dumps(shuffled(body, order), indent=indent, ensure_ascii=ascii_only)
    assert told(turn_of(body, dumped)).key == key(body)


plain = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)
messages = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": plain}),
    min_size=1,
    max_size=4,
)


@given(messages, messages)
def test_two_conversations_share_a_key_only_if_they_are_the_same(one, other):
    assert (key(changed(messages=one)) == key(changed(messages=other))) == (one == other)


@given(messages, messages, st.sampled_from(["acme", "other"]))
def test_two_conversations_share_a_scope_only_if_all_but_the_question_is_the_same(one, other, tenant):
    mine, theirs = (told(turn_of(changed(messages=m)), tenant=t) for m, t in ((one, "acme"), (other, tenant)))
    if mine.scope and mine.scope == theirs.scope:
        assert (one[:-1], tenant, one[-1]["role"]) == (other[:-1], "acme", other[-1]["role"])


@pytest.mark.parametrize("which", sorted(set(DIFFERENT) - {"question"}))
def test_a_scope_differs_wherever_something_beside_the_question_does(which):
    assert told(turn_of(BODY)).scope
    assert told(turn_of(DIFFERENT[which])).scope != told(turn_of(BODY)).scope


def test_another_question_has_the_same_scope():
    one, other = told(turn_of(BODY)), told(turn_of(DIFFERENT["question"]))
    assert one.scope == other.scope
    assert one.key != other.key


def test_the_same_plain_question_over_another_protocol_is_the_same():
    words = Turn("x" * 32, 9, "chat", "anthropic.messages", "m", sampling=Sampling(temperature=0.0, max_tokens=9),
                 messages=(Message("system", "Be brief."), Message("user", "hello")), body_bytes=7)  # fmt: skip
    body = {"model": "m", "max_tokens": 9, "temperature": 0, "messages": BODY["messages"][:2]}
    assert told(words).key == key(body)


def test_prompts_given_as_tokens_differ():
    def of(prompt):
        raw = json.dumps({"model": "m", "prompt": prompt, "temperature": 0}).encode()
        return told(completion_turn(decode_completion(raw), raw, "t" * 32, 5)).key

    assert len({of([1, 2]), of([1, 3]), of("a"), of("b"), of(["a", "b"]), of(["ab"])}) == 6


# A request that comes again byte for byte: its identity is remembered, and is the one that reading it gives.


def seen(identities, turn, *, tenant="acme", user="", release=RELEASE, effort=None, policy="p1"):
    return identities.of(turn, tenant, user, release, effort, policy, question_of(turn))


@pytest.mark.parametrize("body", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_what_is_remembered_is_what_reading_gives(body):
    identities = Identities(SECRET)
    for each in (BODY, body, BODY, body):
        assert seen(identities, turn_of(each)) == told(turn_of(each))


def test_the_same_bytes_of_another_tenant_user_release_depth_or_policy_are_another_question():
    identities, turn = Identities(SECRET), turn_of(BODY)
    other = msgspec.structs.replace(RELEASE, shape=Shape(prompt="Be kind."))
    ways = [{}, {"tenant": "b"}, {"user": "u"}, {"release": other}, {"effort": "high"}, {"policy": "p2"}]
    for _ in range(2):
        assert [seen(identities, turn, **way) for way in ways] == [told(turn, **way) for way in ways]
    assert len({seen(identities, turn, **way).key for way in ways}) == len(ways)


def test_a_turn_changed_on_its_way_is_not_known_by_its_bytes():
    identities, turn = Identities(SECRET), turn_of(BODY)
    changed_turn = turn.changed(messages=(*turn.messages[:-1], Message("user", "something else")))
    assert seen(identities, turn) == told(turn)
    assert seen(identities, changed_turn) == told(changed_turn) != told(turn)


def test_only_so_many_are_remembered():
    identities = Identities(SECRET, most=2)
    bodies = [changed(seed=number) for number in range(5)]
    assert [seen(identities, turn_of(body)) for body in bodies * 2] == [told(turn_of(body)) for body in bodies * 2]
