"""Limits hold across real worker processes, and across the death of one by SIGKILL in the middle of its work."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.waiting import until

from zhongshu.access.admin import Spend
from zhongshu.access.build import open_admin
from zhongshu.access.keys import NewKey
from zhongshu.core.access import Limits

HAMMER = Path(__file__).with_name("hammer.py")


class Worker:
    """A hammer process that waits for `go`."""

    def __init__(self, home: Path, key: NewKey, turns: int, tokens: int, cost: int, upkeep: bool = True) -> None:
        self.journal = home.parent / f"journal-{time.monotonic_ns()}"
        said = [home, self.journal, key.secret, turns, tokens, cost, int(upkeep)]
        command = [sys.executable, str(HAMMER), *map(str, said)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.owner = self.process.stdout.readline().split()[1]

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def counts(self) -> dict[str, int]:
        out, _ = self.process.communicate(timeout=240)
        assert self.process.returncode == 0
        return json.loads(out)

    def lines(self) -> list[list[str]]:
        text = self.journal.read_text() if self.journal.exists() else ""
        return [line.split() for line in text.splitlines()]

    def spends(self) -> list[Spend]:
        return [Spend(tenant, key, int(at), int(cost)) for tenant, key, at, cost, _, _ in self.lines()]

    def spent(self) -> int:
        return sum(spend.cost_nano for spend in self.spends())


def make_key(home: Path, **limits: object) -> NewKey:
    with open_admin(home) as admin:
        return admin.create_key("default", "hammer", limits=Limits(**limits))


def spent_nano(home: Path, key: NewKey) -> int:
    with open_admin(home) as admin:
        spending = admin.key_spending(key.key.id)
        assert spending is not None
        return spending.spent_nano


def run(workers: list[Worker]) -> int:
    """Let them work; how many turns were let in, in all."""
    for worker in workers:
        worker.go()
    return sum(worker.counts().get("admitted", 0) for worker in workers)


def most_at_once(workers: list[Worker]) -> int:
    """The most turns that were in flight at one moment, over all processes (CLOCK_MONOTONIC is the machine's)."""
    edges = [edge for w in workers for *_, began, ended in w.lines() for edge in ((int(began), 1), (int(ended), -1))]
    most = now = 0
    for _, step in sorted(edges):
        now += step
        most = max(most, now)
    return most


@pytest.mark.parametrize("limit", [40, 400])
def test_requests_a_minute_over_three_processes(tmp_path: Path, limit: int):
    home = tmp_path / "home"
    key = make_key(home, requests_per_minute=limit)
    workers = [Worker(home, key, limit, 1, 0) for _ in range(3)]
    admitted = run(workers)
    early = 0 if limit <= 64 else limit // 16 * 2
    assert limit - early <= admitted <= limit


def test_concurrency_over_three_processes_is_exact(tmp_path: Path):
    home = tmp_path / "home"
    key = make_key(home, concurrency=3)
    workers = [Worker(home, key, 150, 1, 0) for _ in range(3)]
    assert run(workers) > 3
    assert most_at_once(workers) == 3


def test_a_budget_over_three_processes_is_never_overspent(tmp_path: Path):
    home = tmp_path / "home"
    budget, cost = 100_000, 1_000
    key = make_key(home, budget_nano=budget, requests_per_minute=10**6)
    workers = [Worker(home, key, 300, 1, cost) for _ in range(3)]
    assert run(workers) < 900
    spent = sum(worker.spent() for worker in workers)
    assert spent == spent_nano(home, key)
    # spent up to the point where one more reservation did not fit, give or take the others' idle slices
    assert budget - cost - 2 * (budget // 16) <= spent <= budget


@pytest.mark.parametrize("upkeep", [True, False], ids=["accounting", "not yet accounted"])
def test_a_worker_killed_in_the_middle_loses_no_money_and_frees_its_seats(tmp_path: Path, upkeep: bool):
    home = tmp_path / "home"
    budget, cost, seats = 10_000_000, 1_000, 8
    key = make_key(home, budget_nano=budget, concurrency=seats)
    victim = Worker(home, key, 100_000, 1, cost, upkeep)
    victim.go()
    until(lambda: len(victim.lines()) >= 300)
    victim.process.kill()
    victim.process.wait()
    assert len(victim.lines()) >= 300

    with open_admin(home) as admin:
        orphans = admin.orphans()
        assert {orphan.owner for orphan in orphans} == {victim.owner}
        (orphan,) = orphans
        # What it spent is covered by what it had told and what it had leased: nobody else can spend that money.
        assert orphan.settled <= victim.spent() <= orphan.settled + orphan.held
        before = admin.key_spending(key.key.id)
        assert before is not None
        assert before.spent_nano == orphan.settled

        after = Worker(home, key, 200, 1, cost)  # its seats are free again: this one may take all of them
        assert run([after]) > 0
        assert most_at_once([victim]) <= seats

        admin.reconcile(victim.owner, victim.spends())
        assert admin.orphans() == []
        assert spent_nano(home, key) == victim.spent() + after.spent()
    victim.process.stdout.close()
    victim.process.stdin.close()
