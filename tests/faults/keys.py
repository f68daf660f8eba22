"""Keys with limits, made and looked at as an administrator would."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tests.running import Platform


class TestKey(msgspec.Struct, frozen=True):
    """A key and how to name it."""

    __test__ = False

    id: str
    secret: str


def new_key(running: Platform, **limits: object) -> TestKey:
    """A key of the default tenant with these limits."""
    status, _, made = running.ask("/admin/v1/keys", {"name": "fault", "limits": limits})
    assert status == 201, made
    return TestKey(made["id"], made["secret"])


def revoke(running: Platform, key: TestKey) -> None:
    """For good."""
    assert running.ask(f"/admin/v1/keys/{key.id}/revoke", method="POST")[0] == 200


def spent_nano(running: Platform, key: TestKey) -> int:
    """What the counters say the key has spent."""
    return int(Decimal(running.ask(f"/admin/v1/keys/{key.id}")[2]["spending"]["spent"]) * 10**9)
