"""Two upstreams that break in every way there is, under one installation: what the client sees, what the record says of
each try, and that the money adds up. The rules are at their defaults but for pauses and limits that a test can wait for.
"""

import asyncio
import json
import socket
import threading

import pytest
import uvicorn

from tests.faults.asking import Asking, Reply, ask, chat, request, send
from tests.faults.conftest import port_of
from tests.faults.judging import everywhere, quiet, turns
from tests.faults.keys import new_key, spent_nano
from tests.holding import HELD, Holding
from tests.running import free_port, platform
from tests.waiting import eventually, until
from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import Behaviour, Break, Script
from zhongshu.upstreams.scripted.serve import bound, configured, serving

BEFORE = {
    "cut-before": Behaviour(broken=Break(1, "cut")),
    "error-before": Behaviour(broken=Break(1, "error")),
    "hang-before": Behaviour(broken=Break(1, "hang")),
    "json-before": Behaviour(broken=Break(1, "json")),
    "drip": Behaviour(text="drip " * 60, each_s=0.1),
    "slow-start": Behaviour(first_s=30.0),
    "says-nothing": Behaviour(text=""),
    "hang-on": Behaviour(broken=Break(0, "hang")),
}
TWICE, ONCE = 2, 1
# behaviour -> how each try at it is recorded, and how often it is tried before the next model answers
FALLS_BACK = {
    "mock-429": ("upstream_rate_limited", 429, ONCE),  # it asks for 7 s, and there is somebody else
    "mock-529": ("upstream_error", 529, TWICE),
    "mock-500": ("upstream_error", 500, TWICE),
    "mock-html": ("upstream_error", 502, TWICE),
    "mock-401": ("upstream_auth", 401, ONCE),
    "mock-402": ("upstream_unpaid", 402, ONCE),
    "mock-404": ("upstream_refused", 404, ONCE),
    "mock-hang": ("upstream_timeout", 0, ONCE),
    "mock-reset": ("upstream_unreachable", 0, TWICE),
    "mock-close": ("upstream_unreachable", 0, TWICE),
    "mock-context": ("context_length_exceeded", 400, ONCE),
    "says-nothing": ("empty", 200, TWICE),
    "dns": ("upstream_unreachable", 0, TWICE),
    "tls": ("upstream_unreachable", 0, TWICE),
    "dead": ("upstream_unreachable", 0, TWICE),
}
BREAKS_BEFORE = {
    "cut-before": ("upstream_cut", TWICE),
    "error-before": ("upstream_error", TWICE),
    "json-before": ("upstream_malformed", TWICE),
    "hang-before": ("upstream_timeout", ONCE),
    "mock-bad-sse": ("upstream_cut", TWICE),
}
BREAKS_AFTER = {
    "mock-cut": "upstream_cut",
    "mock-reset-mid": "upstream_cut",
    "mock-error-mid": "upstream_error",
    "mock-bad-json": "upstream_malformed",
    "mock-bad-utf8": "upstream_malformed",
    "mock-hang-mid": "upstream_timeout",
}
DISPATCH = """
[dispatch]
retries = 1
retry_share = 1.0
failures = 100000
min_tries = 100000
backoff_s = 0.01
cool_down_s = 0.5
"""


def upstream(name, url, more=""):
    return f'[[upstreams]]\nname = "{name}"\nkind = "openai-compatible"\nbase_url = "{url}"\nkey = "none"\n{more}\n'


def model(name, at, there="mock", more=""):
    price = "price = { input = 2.0, output = 8.0 }"
    return f'[[models]]\nname = "{name}"\nupstream = "{at}"\nupstream_model = "{there}"\n{price}\n{more}\n'


def rows(a, b, unused):
    """The models: each behaviour at `a` with a fallback at `b`, and alone; and three upstreams that cannot be reached.
    Only what hangs has little time: nothing else is over because a machine is slow."""
    broken = [*(name for name in FALLS_BACK if name not in ("dns", "tls", "dead")), *BREAKS_BEFORE, *BREAKS_AFTER]
    fall = 'fallbacks = ["good"]\n'
    text = upstream("a", f"http://127.0.0.1:{a.port}/v1", "idle_s = 5.0") + upstream(
        "b", f"http://127.0.0.1:{b.port}/v1"
    )
    text += upstream("dns", "http://nowhere.invalid/v1") + upstream("tls", f"https://127.0.0.1:{a.port}/v1")
    text += upstream("dead", f"http://127.0.0.1:{unused}/v1")
    for name in broken:
        text += model(name, "a", name, fall + ("try_s = 1.0" if "hang" in name else ""))
        text += model(f"alone-{name}", "a", name)
    text += "".join(model(name, name, "mock", fall) for name in ("dns", "tls", "dead"))
    text += model("good", "b", more="context = 1000000") + model("drip", "a", "drip", fall + "try_s = 5.0")
    text += model("hang-on", "a", "hang-on", fall)
    text += model("hedged", "a", "slow-start", "weight = 1000000.0\nhedge_s = 0.1")
    text += model("hedged", "b", "mock", "weight = 0.000001\nhedge_s = 0.1")
    return text


@pytest.fixture(scope="module")
def pair_of_upstreams():
    with serving(ScriptedApp(Script(models=BEFORE))) as a, serving(ScriptedApp(Script(models=BEFORE))) as b:
        yield a, b


@pytest.fixture(scope="module")
def broken_house(pair_of_upstreams, tmp_path_factory):
    with socket.socket() as unused:  # bound and not listened at: whoever connects is refused
        unused.bind(("127.0.0.1", 0))
        text = 'profile = "none"\n' + DISPATCH + rows(*pair_of_upstreams, unused.getsockname()[1])
        with platform(tmp_path_factory.mktemp("dispatch"), text) as running:
            yield running


async def recorded(running, reply):
    """The turn as the ledger has it, once it is indexed."""

    async def found():
        status, _, kept = await asyncio.to_thread(running.ask, f"/admin/v1/ledger/turns/{reply.trace}")
        return kept if status == 200 else None

    return await eventually(found, f"no record of {reply.trace}: {reply.body[:300]}")


def tries(kept):
    return [(one["upstream"], one["error"], one["status"], one["why"]) for one in kept["attempts"]]


def expected(at, code, status, times, why="fallback"):
    again = [(at, code, status, "")] + [(at, code, status, "retry")] * (times - 1)
    return [*again, ("b", "", 200, why)]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", FALLS_BACK)
async def test_what_fails_before_content_is_answered_by_the_fallback(broken_house, name, stream):
    code, status, times = FALLS_BACK[name]
    reply = await ask(port_of(broken_house), chat(name, stream=stream))
    assert (reply.status, reply.code, reply.acknowledged) == (200, "", True)
    kept = await recorded(broken_house, reply)
    assert (kept["outcome"], kept["upstream"], kept["release"]) == ("answered", "b", "good@1")
    at = name if name in ("dns", "tls", "dead") else "a"
    if name == "mock-429" and kept["attempts"][0]["error"] == "upstream_resting":
        code, status = "upstream_resting", 0  # the other case was here a moment ago, and 7 s are not over
    why = "context" if name == "mock-context" else "fallback"
    assert tries(kept) == expected(at, code, status, times, why)
    said = (reply.events[-1] if stream else reply.json)["zhongshu"]
    assert len(said["attempts"]) == times + 1
    assert said["route"]["upstream"] == "b"


@pytest.mark.parametrize("name", BREAKS_BEFORE)
async def test_litellm_6532_a_stream_that_breaks_before_content_falls_back(broken_house, name):
    code, times = BREAKS_BEFORE[name]
    reply = await ask(port_of(broken_house), chat(name, stream=True))
    assert (reply.status, reply.code, reply.acknowledged) == (200, "", True)
    assert reply.text == Behaviour().text, "and nothing of the broken one is in it"
    kept = await recorded(broken_house, reply)
    assert [(at, error, why) for at, error, _, why in tries(kept)] == [
        (at, error, why) for at, error, _, why in expected("a", code, 0, times)
    ]


@pytest.mark.parametrize("name", BREAKS_AFTER)
async def test_one_api_1197_after_content_the_client_gets_an_error_event_and_nobody_else_is_asked(
    broken_house, pair_of_upstreams, name
):
    before = pair_of_upstreams[1].app.stats.requests
    reply = await ask(port_of(broken_house), chat(name, stream=True))
    assert (reply.status, reply.code, reply.done, reply.whole) == (200, BREAKS_AFTER[name], True, True)
    kept = await recorded(broken_house, reply)
    assert (kept["outcome"], kept["error"]) == ("cut", BREAKS_AFTER[name])
    assert [(at, error) for at, error, _, _ in tries(kept)] == [("a", BREAKS_AFTER[name])]
    assert pair_of_upstreams[1].app.stats.requests == before


HI = {"role": "user", "content": "hi"}
PROTOCOLS = {
    "chat": lambda name: ("/v1/chat/completions", {"model": name, "stream": True, "messages": [HI]}),
    "anthropic": lambda name: ("/v1/messages", {"model": name, "stream": True, "max_tokens": 50, "messages": [HI]}),
    "responses": lambda name: ("/v1/responses", {"model": name, "stream": True, "input": "hi"}),
    "gemini": lambda name: (
        f"/v1beta/models/{name}:streamGenerateContent?alt=sse",
        {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
    ),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_each_protocol_falls_back_before_content_and_says_error_after_it(broken_house, protocol):
    path, body = PROTOCOLS[protocol]("error-before")
    reply = await ask(port_of(broken_house), body, path=path)
    assert (reply.status, reply.whole) == (200, True)
    assert b"upstream_error" in reply.body.partition(b'"attempts"')[2], "said among the tries alone"
    assert b"failed with status" not in reply.body
    kept = await recorded(broken_house, reply)
    assert (kept["outcome"], kept["upstream"]) == ("answered", "b")
    path, body = PROTOCOLS[protocol]("mock-error-mid")
    reply = await ask(port_of(broken_house), body, path=path)
    assert (reply.status, reply.whole) == (200, True)
    assert b"Upstream `a` failed with status 500" in reply.body
    assert (await recorded(broken_house, reply))["outcome"] == "cut"
    path, body = PROTOCOLS[protocol]("alone-mock-529")
    reply = await ask(port_of(broken_house), body, path=path)
    assert (reply.status, reply.headers["content-type"].partition(";")[0]) == (502, "application/json")


async def test_a_slow_drip_is_left_to_drip(broken_house):
    """Content has begun: no limit on the beginning of an answer ends it."""
    reply = await ask(port_of(broken_house), chat("drip", stream=True))
    assert reply.acknowledged
    assert [at for at, *_ in tries(await recorded(broken_house, reply))] == ["a"]


async def test_the_callers_mistake_asks_once(broken_house, pair_of_upstreams):
    before = [served.app.stats.requests for served in pair_of_upstreams]
    reply = await ask(port_of(broken_house), chat("alone-mock-context"))
    assert (reply.status, reply.code) == (400, "context_length_exceeded")
    assert [served.app.stats.requests for served in pair_of_upstreams] == [before[0] + 1, before[1]]


async def test_without_a_fallback_the_last_failure_is_told(broken_house):
    reply = await ask(port_of(broken_house), chat("alone-mock-529"))
    assert (reply.status, reply.code) == (502, "upstream_error")
    turn = await until_indexed(broken_house, "alone-mock-529")
    kept = broken_house.ask(f"/admin/v1/ledger/turns/{turn.trace}")[2]
    assert tries(kept) == expected("a", "upstream_error", 529, TWICE)[:-1]


async def until_indexed(running, name, outcome="failed"):
    def found():
        return [row for row in turns(running.home) if (row.asked, row.outcome) == (name, outcome)]

    return (await eventually(lambda: asyncio.to_thread(found), name))[0]


async def test_a_hedge_over_real_connections(broken_house, pair_of_upstreams):
    a = pair_of_upstreams[0]
    await quiet(a)
    before = a.app.stats.left
    reply = await ask(port_of(broken_house), chat("hedged", stream=True))
    kept = await recorded(broken_house, reply)
    assert [(at, error, why) for at, error, _, why in tries(kept)] == [("b", "", "hedge"), ("a", "outrun", "")]
    assert kept["attempts"][1]["cost_nano"] > 0
    await eventually(lambda: a.app.stats.left > before, "the loser's upstream was told")
    assert a.app.stats.left == before + 1


async def test_new_api_4184_who_leaves_during_a_retry_pause_asks_nobody_again(broken_house, pair_of_upstreams):
    """Left while the first upstream hangs: its request is cancelled and the fallback never hears of it."""
    await quiet(pair_of_upstreams[0])
    a, b = (served.app.stats for served in pair_of_upstreams)
    before = b.requests, a.left
    asking = await Asking(port_of(broken_house)).open(request(chat("hang-on")))
    await eventually(lambda: a.in_flight)
    asking.leave(reset=True)
    row = await until_indexed(broken_house, "hang-on", "left")
    kept = broken_house.ask(f"/admin/v1/ledger/turns/{row.trace}")[2]
    assert tries(kept) == [("a", "left", 0, "")]
    await eventually(lambda: a.left > before[1])
    assert (b.requests, a.left) == (before[0], before[1] + 1)


async def test_budgets_balance_whatever_broke(broken_house):
    key = await asyncio.to_thread(new_key, broken_house, budget="50", budget_period="total")
    port, names = port_of(broken_house), [*FALLS_BACK, *BREAKS_BEFORE, *BREAKS_AFTER, "drip", "hedged"]
    asked = [chat(name, stream=stream) for name in names for stream in (False, True) if "hang" not in name]
    replies = [await asyncio.gather(*(ask(port, body, key=key.secret) for body in asked[at::6])) for at in range(6)]
    assert sum(len(some) for some in replies) == len(asked)

    def agreed() -> bool:
        rows = turns(broken_house.home, key=key.id)
        return len(rows) == len(asked) and spent_nano(broken_house, key) == sum(row.cost_nano for row in rows) > 0

    await eventually(lambda: asyncio.to_thread(agreed))


def test_ledger_show_prints_the_attempts(broken_house):
    trace = broken_house.chat("mock-500")[1]["x-zhongshu-trace"]
    until(lambda: turns(broken_house.home, trace=trace))
    shown = broken_house.cli("ledger", "show", trace)
    assert "attempt 1      a/mock-500: upstream_error, HTTP 500" in shown
    assert "b/mock (fallback): answered, HTTP 200" in shown


# Limits, death and switches, with two workers ---------------------------------------------------------------------


class Mortal:
    """A scripted upstream that can be killed and come back on its port."""

    def __init__(self):
        self.app = ScriptedApp(Script(models=BEFORE))
        self.port = free_port()

    def live(self):
        self.listening = bound(port=self.port)
        self.server = uvicorn.Server(configured(self.app))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listening]}, daemon=True)
        self.thread.start()

    def die(self):
        self.server.should_exit = self.server.force_exit = True
        self.thread.join()
        self.listening.close()


@pytest.fixture(scope="module")
def mortal():
    upstream = Mortal()
    upstream.live()
    yield upstream
    upstream.die()


@pytest.fixture(scope="module")
def holding():
    with serving(Holding()) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def two_workers(pair_of_upstreams, mortal, holding, tmp_path_factory):
    a, b = pair_of_upstreams
    text = 'profile = "none"\n[server]\nworkers = 2\n[dispatch]\ncool_down_s = 0.3\nbackoff_s = 0.01\n'
    text += upstream("a", f"http://127.0.0.1:{a.port}/v1") + upstream("b", f"http://127.0.0.1:{b.port}/v1")
    text += upstream("c", f"http://127.0.0.1:{mortal.port}/v1", "probe_s = 0.2")
    text += upstream(
        "narrow", f"http://127.0.0.1:{holding.port}/v1", "max_concurrent = 4\nmax_queue = 2\nqueue_s = 300.0"
    )
    text += model("three", "a") + model("three", "b") + model("three", "c") + model("only", "a")
    text += model("narrow", "narrow", HELD)
    with platform(tmp_path_factory.mktemp("two"), text) as running:
        yield running


def health(running, name, model=""):
    """One row of the report."""
    told = running.ask("/admin/v1/upstreams/health")[2]["data"]
    return next(row for row in told if (row["upstream"], row["model"]) == (name, model))


async def in_thread(true):
    """Wait for what blocks while it looks."""
    await eventually(lambda: asyncio.to_thread(true))


async def test_an_upstream_dies_and_returns_and_no_turn_notices(two_workers, mortal):
    port, seen, stop = port_of(two_workers), [], asyncio.Event()

    async def client(number):
        turn = 0
        while not stop.is_set():
            turn += 1
            reply = await ask(port, chat("three", f"conversation {number} {turn}", stream=bool(number % 2)))
            seen.append(reply)
            await asyncio.sleep(0.01)

    clients = [asyncio.create_task(client(number)) for number in range(8)]
    await eventually(lambda: mortal.app.stats.requests > 20)
    await asyncio.to_thread(mortal.die)
    await in_thread(lambda: health(two_workers, "c")["state"] in ("open", "half-open", "mixed"))
    while_dead = len(seen)
    await eventually(lambda: len(seen) > while_dead + 100)
    await asyncio.to_thread(mortal.live)
    answered = mortal.app.stats.requests
    await in_thread(lambda: health(two_workers, "c")["state"] == "closed")
    await eventually(lambda: mortal.app.stats.requests > answered + 20)
    stop.set()
    await asyncio.gather(*clients)
    wrong = [(reply.status, reply.code) for reply in seen if not reply.acknowledged]
    streams_cut = [one for one in wrong if one == (200, "upstream_cut")]
    assert len(wrong) == len(streams_cut) <= 8, "at most a stream that had begun there, for each client"


async def test_a_switch_holds_on_all_workers_and_is_readable(two_workers, pair_of_upstreams):
    port, a = port_of(two_workers), pair_of_upstreams[0].app.stats
    two_workers.cli("upstreams", "open", "a")
    await in_thread(lambda: health(two_workers, "a")["forced"] == "open")
    await everywhere(two_workers, lambda: ask(port, chat("only")), lambda reply: reply.status == 503)
    before = a.requests
    replies = [await ask(port, chat("three", str(number))) for number in range(30)]
    assert all(reply.acknowledged for reply in replies)
    refused = [await ask(port, chat("only")) for _ in range(8)]
    assert {(reply.status, reply.code) for reply in refused} == {(503, "upstream_resting")}
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in refused)
    assert a.requests == before
    shown = json.loads(two_workers.cli("upstreams", "health", "a", "--json"))
    assert {(row["model"], row["forced"]) for row in shown} >= {("", "open")}
    assert "open" in two_workers.cli("upstreams", "health")
    status, _, told = await asyncio.to_thread(two_workers.ask, "/admin/v1/upstreams/a/auto", method="POST")
    assert (status, told["data"][0]["forced"]) == (200, "auto")
    await everywhere(two_workers, lambda: ask(port, chat("only")), lambda reply: reply.acknowledged)
    assert await asyncio.to_thread(lambda: two_workers.ask("/admin/v1/upstreams/nobody/open", method="POST")[0]) == 404
    metrics = (await ask(port, b"", path="/metrics", method="GET")).body.decode()
    assert 'zhongshu_upstream_tries_total{model="mock",result="answered",upstream="a"}' in metrics
    assert 'zhongshu_upstream_in_flight{model="",upstream="a"}' in metrics


def inside(running):
    """How many the narrow upstream answers, and how many wait for it."""
    told = health(running, "narrow")
    return told["in_flight"], told["waiting"]


async def filled(running, upstream, waiting):
    """Turns asked for one by one until no worker has a free place, and so many wait, however they fall to workers."""
    upstream.app.hold()
    tasks: list[asyncio.Task[Reply]] = []

    async def full():
        tasks.append(asyncio.create_task(send(port_of(running), request(chat("narrow")))))
        await in_thread(lambda: sum(inside(running)) == sum(not task.done() for task in tasks))
        busy, wait = await asyncio.to_thread(inside, running)
        return busy == 4 and wait >= waiting

    await eventually(full)
    await eventually(lambda: upstream.app.stats.in_flight == 4)
    return tasks


async def one_waits(running, body):
    """Turns begun until one of them waits; all of them."""
    begun, (_, before) = [], await asyncio.to_thread(inside, running)

    async def waits():
        begun.append(await Asking(port_of(running)).open(request(body)))
        await asyncio.sleep(0.1)
        return (await asyncio.to_thread(inside, running))[1] > before

    await eventually(waits)
    return begun


async def test_more_turns_than_an_upstream_takes(two_workers, holding):
    """4 in flight on this machine, 2 for each worker, 2 more wait in each: the rest is told at once."""
    tasks = await filled(two_workers, holding, waiting=4)
    late = await asyncio.gather(*(ask(port_of(two_workers), chat("narrow", str(number))) for number in range(20)))
    await asyncio.sleep(0.2)
    holding.app.let_go()
    replies = [*await asyncio.gather(*tasks), *late]
    let_in = [reply for reply in replies if reply.acknowledged]
    turned_away = [reply for reply in replies if not reply.acknowledged]
    assert (len(let_in), holding.app.most) == (8, 4)
    assert not any(reply.acknowledged for reply in late)
    assert {(reply.status, reply.code) for reply in turned_away} == {(503, "overloaded")}
    assert all(reply.headers["retry-after"] == "1" for reply in turned_away)
    kept = [await recorded(two_workers, reply) for reply in let_in]
    assert sum(one["queued_ms"] > 100 for one in kept) == 4, "who waited says how long"


async def test_who_leaves_while_waiting_is_never_asked_for(two_workers, holding):
    before = holding.app.stats.requests
    held = await filled(two_workers, holding, waiting=0)
    _, waiting = await asyncio.to_thread(inside, two_workers)
    for asking in await one_waits(two_workers, chat("narrow", "gone")):
        asking.leave(reset=True)
    await in_thread(lambda: inside(two_workers) == (4, waiting))
    holding.app.let_go()
    let_in = [reply for reply in await asyncio.gather(*held) if reply.acknowledged]
    await in_thread(lambda: inside(two_workers) == (0, 0))
    assert holding.app.stats.requests - before == len(let_in)


async def test_a_stream_that_waited_streams(two_workers, holding):
    held = await filled(two_workers, holding, waiting=0)
    streams = await one_waits(two_workers, chat("narrow", "streamed", stream=True))
    holding.app.let_go()
    await asyncio.gather(*held, *(asking.head() for asking in streams))
    replies = [await asking.rest() for asking in streams]
    assert {reply.code for reply in replies} <= {"", "overloaded"}
    assert any(reply.acknowledged for reply in replies)
