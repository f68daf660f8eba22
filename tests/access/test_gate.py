"""The gate: who may ask, within which limits; one turn settles once; changes are noticed."""

import asyncio
from pathlib import Path

import pytest
from tests.waiting import eventually

from zhongshu.access.build import Access, open_access
from zhongshu.access.permits import FreePermit, LimitedPermit
from zhongshu.access.settings import AccessSettings
from zhongshu.core.access import Ask, Caller, Limits, LimitState
from zhongshu.core.answers import Usage
from zhongshu.core.clock import FakeClock, SystemClock
from zhongshu.core.ports import Gate, Permit
from zhongshu.core.problems import Fault, Refusal
from zhongshu.storage.leases import Leases

ASK = Ask(tokens=100, cost_nano=1000)


async def caller_of(access: Access, **limits: object) -> Caller:
    """A caller whose key has these limits."""
    new = access.admin.create_key("default", "test", limits=Limits(**limits))
    await access.gate.refresh()
    found = await access.gate.identify(new.secret.encode())
    assert isinstance(found, Caller)
    return found


async def let_in(access: Access, caller: Caller, ask: Ask = ASK) -> LimitedPermit:
    permit = await access.gate.admit(caller, ask)
    assert isinstance(permit, LimitedPermit), permit
    return permit


async def refused(access: Access, caller: Caller, ask: Ask = ASK) -> Refusal:
    refusal = await access.gate.admit(caller, ask)
    assert isinstance(refusal, Refusal), refusal
    return refusal


async def test_it_is_the_port(access: Access):
    gate: Gate = access.gate
    permit: Permit | Refusal = await gate.admit(await caller_of(access), ASK)
    assert isinstance(permit, FreePermit)
    permit.settle(Usage(1, 1), 1)
    permit.release()
    assert (permit.requests, permit.tokens) == (None, None)


async def test_a_key_whose_counters_could_not_be_had_is_not_let_in_without_limits(access: Access, monkeypatch):
    caller = await caller_of(access, requests_per_minute=1)
    with monkeypatch.context() as broken:
        broken.setattr(Leases, "rate", lambda *_: (_ for _ in ()).throw(OSError("no counters")))
        for _ in range(2):
            with pytest.raises(OSError, match="no counters"):
                await access.gate.admit(caller, ASK)
    await let_in(access, caller)
    assert (await refused(access, caller)).problem.code == "rate_limit_exceeded"


# --- who


async def test_a_key_is_known_by_its_value(access: Access):
    new = access.admin.create_key("default", "ci", role="admin", models=("a", "b"))
    caller = await access.gate.identify(new.secret.encode())
    assert caller == Caller("default", new.key.id, "admin", ("a", "b"))
    assert await access.gate.identify(new.secret.encode()) is caller


@pytest.mark.parametrize(
    ("credential", "code"),
    [
        (b"", "missing_key"),
        (b"zs_" + b"0" * 48, "invalid_api_key"),
        (b"\xff\xfe\x00", "invalid_api_key"),
        (b"x" * 100_000, "invalid_api_key"),
    ],
)
async def test_a_stranger_is_refused(access: Access, credential: bytes, code: str):
    for _ in range(2):
        refusal = await access.gate.identify(credential)
        assert isinstance(refusal, Refusal)
        assert (refusal.stage, refusal.problem.code, refusal.problem.status) == ("admit", code, 401)


async def test_a_key_stops_when_it_expires(access: Access, clock: FakeClock):
    new = access.admin.create_key("default", "ci", expires_ns=clock.now_ns() + 10**9)
    assert isinstance(await access.gate.identify(new.secret.encode()), Caller)
    clock.advance(1)
    refusal = await access.gate.identify(new.secret.encode())
    assert isinstance(refusal, Refusal)
    assert refusal.problem.code == "invalid_api_key"


async def test_a_revoked_key_is_noticed_by_a_running_gate(tmp_path: Path):
    access = open_access(AccessSettings(poll_s=0.02), tmp_path / "home", SystemClock(), "test")
    other = open_access(AccessSettings(), tmp_path / "home", SystemClock(), "other")
    await access.start()
    new = other.admin.create_key("default", "ci")
    other.close()
    credential = new.secret.encode()
    caller = await access.gate.identify(credential)
    assert isinstance(caller, Caller)
    access.admin.revoke_key(new.key.id)

    async def noticed() -> bool:
        return not isinstance(await access.gate.identify(credential), Caller)

    await eventually(noticed)
    refusal = await access.gate.admit(caller, ASK)
    assert isinstance(refusal, Refusal)
    assert refusal.problem.code == "invalid_api_key"
    await access.aclose()


@pytest.mark.parametrize(
    ("key", "tenant", "has"),
    [
        (None, None, None),
        ("high", None, "high"),
        (None, "low", "low"),
        ("high", "normal", "normal"),
        ("low", "high", "low"),
    ],
)
async def test_a_keys_class_is_no_higher_than_its_tenants(
    access: Access, key: str | None, tenant: str | None, has: str
):
    access.admin.create_tenant("acme", limits=Limits(priority=tenant))
    new = access.admin.create_key("acme", "ci", limits=Limits(priority=key))
    caller = await access.gate.identify(new.secret.encode())
    assert isinstance(caller, Caller)
    assert caller.priority == has
    assert caller.first is (tenant == "high")


async def test_a_changed_class_is_noticed_and_an_unknown_one_refused(access: Access):
    await access.gate.refresh()
    new = access.admin.create_key("default", "ci")
    assert (await access.gate.identify(new.secret.encode())).priority is None
    access.admin.update_key(new.key.id, limits=Limits(priority="low"))
    await access.gate.refresh()
    assert (await access.gate.identify(new.secret.encode())).priority == "low"
    with pytest.raises(Fault) as refused:
        access.admin.update_key(new.key.id, limits=Limits(priority="urgent"))
    assert (refused.value.problem.code, refused.value.problem.param) == ("invalid_value", "priority")


async def test_a_key_made_after_it_was_tried_is_noticed(access: Access):
    chosen = b"sk-chosen-by-a-script"
    await access.gate.refresh()
    assert isinstance(await access.gate.identify(chosen), Refusal)
    access.admin.ensure_first_key(chosen.decode())
    await access.gate.refresh()
    assert isinstance(await access.gate.identify(chosen), Caller)


async def test_a_look_up_overtaken_by_a_change_is_not_remembered(access: Access):
    new = access.admin.create_key("default", "ci")
    await access.gate.refresh()
    look_up = access.gate._read

    def slow(by: bytes | str):
        found = look_up(by)
        access.admin.revoke_key(new.key.id)
        asyncio.run_coroutine_threadsafe(access.gate.refresh(), loop).result(10)
        return found

    loop = asyncio.get_running_loop()
    access.gate._read = slow
    await access.gate.identify(new.secret.encode())
    access.gate._read = look_up
    assert isinstance(await access.gate.identify(new.secret.encode()), Refusal)


async def test_what_is_remembered_is_bounded(tmp_path: Path, clock: FakeClock):
    access = open_access(AccessSettings(cached_keys=5), tmp_path / "home", clock, "test")
    secrets = [access.admin.create_key("default", "x").secret.encode() for _ in range(8)]
    for _ in range(2):
        for number, secret in enumerate(secrets):
            assert isinstance(await access.gate.identify(secret), Caller)
            assert isinstance(await access.gate.identify(b"unknown%d" % number), Refusal)
    gate = access.gate
    assert max(len(gate._by_credential), len(gate._by_id), len(gate._unknown)) == 5
    await access.aclose()


# --- within which limits


async def test_requests_a_minute(access: Access, clock: FakeClock):
    caller = await caller_of(access, requests_per_minute=3)
    permits = [await let_in(access, caller) for _ in range(3)]
    assert permits[0].requests == LimitState(3, 0, 62.0)
    refusal = await refused(access, caller)
    assert refusal.problem.code == "rate_limit_exceeded"
    assert refusal.problem.status == 429
    assert refusal.problem.retry_after_s == 62.0
    assert "3 requests per minute" in refusal.problem.message
    assert "此密钥的限额（每分钟 3 次请求）" in refusal.problem.message_zh
    clock.advance(61.9)
    await refused(access, caller)
    clock.advance(0.1)
    await let_in(access, caller)


async def test_a_released_turn_gives_back_its_tokens_and_money_but_was_a_request(access: Access):
    caller = await caller_of(access, requests_per_minute=2, tokens_per_minute=100, budget_nano=1000)
    (await let_in(access, caller)).release()
    (await let_in(access, caller)).release()
    assert (await refused(access, caller)).problem.message.startswith("The limit of this key (2 requests")


async def test_tokens_are_reserved_then_settled(access: Access):
    caller = await caller_of(access, tokens_per_minute=250)
    first = await let_in(access, caller)
    await let_in(access, caller)
    refusal = await refused(access, caller)
    assert "250 tokens per minute" in refusal.problem.message
    first.settle(Usage(prompt=20, completion=30), 0)
    permit = await let_in(access, caller)
    assert permit.tokens == LimitState(250, 0, 62.0)


async def test_a_turn_larger_than_a_minute_is_told_so(access: Access):
    caller = await caller_of(access, tokens_per_minute=99)
    refusal = await refused(access, caller)
    assert (refusal.problem.code, refusal.problem.status) == ("tokens_over_limit", 400)
    assert refusal.problem.param == "max_tokens"
    assert refusal.problem.retry_after_s is None


async def test_concurrency(access: Access):
    caller = await caller_of(access, concurrency=2)
    first, second = await let_in(access, caller), await let_in(access, caller)
    refusal = await refused(access, caller)
    assert refusal.problem.code == "concurrency_exceeded"
    assert refusal.problem.retry_after_s == 1.0
    assert "此密钥已有 2 个请求" in refusal.problem.message_zh
    first.settle(Usage(), 0)
    third = await let_in(access, caller)
    await refused(access, caller)
    second.release()
    third.release()
    await let_in(access, caller)


@pytest.mark.parametrize("concurrency", [1, 200])
async def test_a_turn_ends_once(access: Access, concurrency: int):
    caller = await caller_of(access, concurrency=concurrency, budget_nano=2000, tokens_per_minute=1000)
    permit = await let_in(access, caller)
    permit.settle(Usage(10, 10), 600)
    permit.settle(Usage(10, 10), 600)
    permit.release()
    await access.gate.settle()
    assert access.admin.key_spending(caller.key_id).spent_nano == 600
    held = [await let_in(access, caller, Ask(0, 0)) for _ in range(concurrency)]
    assert (await refused(access, caller, Ask(0, 0))).problem.code == "concurrency_exceeded"
    for permit in held:
        permit.release()


async def test_a_budget_is_reserved_settled_and_released(access: Access, clock: FakeClock):
    caller = await caller_of(access, budget_nano=2500, budget_period="day")
    first, second = await let_in(access, caller), await let_in(access, caller)
    refusal = await refused(access, caller)
    # What is left is reserved by turns in flight: a moment helps, not the next period.
    assert (refusal.problem.code, refusal.problem.retry_after_s) == ("budget_reserved", 1.0)
    first.settle(Usage(1, 1), 500)
    second.release()
    third = await let_in(access, caller)
    third.settle(Usage(1, 1), 1000)
    # A smaller turn would pass: the message says so, and waiting is not advised.
    refusal = await refused(access, caller, Ask(1, 1001))
    assert (refusal.problem.code, refusal.problem.status) == ("budget_too_small", 429)
    assert (refusal.problem.retry_after_s, refusal.problem.param) == (None, "max_tokens")
    assert "up to 0.000001001 CNY, and 0.000001 CNY is left" in refusal.problem.message
    assert "keys set-limits" in refusal.problem.message
    (await let_in(access, caller)).settle(Usage(1, 1), 1000)
    # All of it is spent: only the next period helps.
    refusal = await refused(access, caller, Ask(1, 1))
    assert (refusal.problem.code, refusal.problem.status) == ("insufficient_quota", 429)
    assert refusal.problem.retry_after_s == 86400 - 80_000  # until midnight; the clock says 22:13:20
    assert "keys set-limits" in refusal.problem.message
    clock.advance(86400)
    await let_in(access, caller, Ask(1, 2500))


async def test_a_turn_across_midnight_is_paid_from_the_day_it_began(access: Access, clock: FakeClock):
    caller = await caller_of(access, budget_nano=1000, budget_period="day")
    permit = await let_in(access, caller)
    clock.advance(86400)
    permit.settle(Usage(1, 1), 1000)
    await access.gate.settle()
    assert access.admin.key_spending(caller.key_id).spent_nano == 0
    await let_in(access, caller)


async def test_a_total_budget_has_no_next_period(access: Access):
    caller = await caller_of(access, budget_nano=0, budget_period="total")
    assert (await refused(access, caller)).problem.retry_after_s is None
    await let_in(access, caller, Ask(1, 0))  # a free model goes on


async def test_the_tenants_limits_hold_over_all_its_keys(access: Access):
    access.admin.ensure_first_key()
    access.admin.update_tenant("default", limits=Limits(requests_per_minute=3, budget_nano=10**9))
    one, two = await caller_of(access, requests_per_minute=2), await caller_of(access)
    await let_in(access, one)
    await let_in(access, two)
    await let_in(access, one)
    assert "this key" in (await refused(access, one)).problem.message
    refusal = await refused(access, two)
    assert "this tenant (3 requests" in refusal.problem.message
    assert "此租户" in refusal.problem.message_zh


async def test_all_or_nothing(access: Access):
    caller = await caller_of(access, requests_per_minute=10, tokens_per_minute=1000, concurrency=5, budget_nano=999)
    for _ in range(20):
        assert (await refused(access, caller)).problem.code == "budget_too_small"
    permits = [await let_in(access, caller, Ask(100, 10)) for _ in range(5)]
    assert permits[-1].requests.remaining == 5
    assert permits[-1].tokens.remaining == 500


async def test_settings_limit_those_without_limits_of_their_own(tmp_path: Path, clock: FakeClock):
    settings = AccessSettings(key_requests_per_minute=1, tenant_requests_per_minute=5)
    access = open_access(settings, tmp_path / "home", clock, "test")
    plain, own = await caller_of(access), await caller_of(access, requests_per_minute=4)
    await let_in(access, plain)
    assert "this key (1 requests" in (await refused(access, plain)).problem.message
    for _ in range(4):
        await let_in(access, own)
    assert "this key (4 requests" in (await refused(access, own)).problem.message
    await access.aclose()


async def test_settings_may_change_while_turns_are_in_flight(access: Access):
    caller = await caller_of(access, budget_nano=10**6)
    permit = await let_in(access, caller)
    access.gate.reload(AccessSettings(key_requests_per_minute=1))
    await let_in(access, caller)
    assert (await refused(access, caller)).problem.code == "rate_limit_exceeded"
    permit.settle(Usage(1, 1), 77)
    await access.gate.settle()
    assert access.admin.key_spending(caller.key_id).spent_nano == 77


async def test_an_idle_gate_writes_only_now_and_then(access: Access, clock: FakeClock, monkeypatch: pytest.MonkeyPatch):
    told: list[int] = []
    monkeypatch.setattr(access.gate._counters, "apply", lambda _changes, now_ns: told.append(now_ns))
    for _ in range(50):
        await access.gate.settle()
        clock.advance(1)
    assert len(told) == 3


async def test_a_changed_limit_holds_from_the_next_look(access: Access):
    caller = await caller_of(access, requests_per_minute=1000, concurrency=100, budget_nano=10**6)
    first = await let_in(access, caller)
    assert first.requests.limit == 1000
    access.admin.update_key(caller.key_id, limits=Limits(requests_per_minute=2, concurrency=100, budget_nano=10**6))
    await access.gate.refresh()
    await let_in(access, caller)
    await refused(access, caller)
    access.admin.update_key(caller.key_id, limits=Limits())
    await access.gate.refresh()
    assert isinstance(await access.gate.admit(caller, ASK), FreePermit)
    first.settle(Usage(1, 1), 700)  # a turn let in under the old limits still settles
    await access.gate.settle()


async def test_counters_that_cannot_be_reached_let_nobody_in(access: Access, monkeypatch: pytest.MonkeyPatch):
    from zhongshu.storage.counters import CounterError

    caller = await caller_of(access, requests_per_minute=10)

    def broken(*_args: object) -> None:
        raise CounterError("disk I/O error")

    monkeypatch.setattr(access.gate._counters, "grant", broken)
    refusal = await refused(access, caller)
    assert (refusal.problem.code, refusal.problem.status) == ("limits_unavailable", 503)
    assert refusal.problem.retry_after_s == 1.0


async def test_the_upkeep_outlives_a_bad_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    access = open_access(AccessSettings(poll_s=0.01, settle_s=0.01), tmp_path / "home", SystemClock(), "test")
    await access.start()
    real, seen = access.gate._counters.apply, asyncio.Event()

    def full(*_args: object) -> None:
        seen.set()
        raise OSError("no space left on device")

    monkeypatch.setattr(access.gate._counters, "apply", full)
    await eventually(seen.is_set)
    monkeypatch.setattr(access.gate._counters, "apply", real)
    caller = await caller_of(access, budget_nano=10**6)
    permit = await let_in(access, caller)
    permit.settle(Usage(1, 1), 123)
    await eventually(lambda: access.admin.key_spending(caller.key_id).spent_nano == 123)
    await access.aclose()


async def test_closing_accounts_for_everything(tmp_path: Path, clock: FakeClock):
    access = open_access(AccessSettings(), tmp_path / "home", clock, "test")
    caller = await caller_of(access, budget_nano=16_000, concurrency=100)
    (await let_in(access, caller)).settle(Usage(1, 1), 900)
    await access.aclose()
    again = open_access(AccessSettings(), tmp_path / "home", clock, "test")
    assert again.admin.key_spending(caller.key_id).spent_nano == 900
    await let_in(again, caller, Ask(1, 15_100))
    await again.aclose()
