"""What administration is handed by app/build.py. Knows no HTTP library, so that it costs nothing to import."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from zhongshu.access.admin import AccessAdmin
from zhongshu.catalog.changing import ReleaseDesk
from zhongshu.core.clock import Clock
from zhongshu.core.health import ReplicaHealth
from zhongshu.core.models import Offer
from zhongshu.core.ports import Gate, Upstream
from zhongshu.ledger.export import LabelWords
from zhongshu.ledger.settings import LedgerSettings
from zhongshu.upstreams.dispatch.switches import Switches

if TYPE_CHECKING:
    from zhongshu.pipeline.routings import Weighing

Note = Callable[[str, Mapping[str, str]], Awaitable[None]]


class AdminParts(msgspec.Struct, frozen=True, kw_only=True):
    """The rooms and readings that administration speaks for. What may change with a reload is a callable.

    home: the state directory, whose ledger is read. note: journals what an administrator did (name, facts), as durably
    as a turn. health: how upstreams are, by worker. local_file: whether an offer's model file is here, None for a model that needs none. engine: the engine
    manager's report, an object with the fields of engine.py's `EngineOut`. settings: the effective settings as plain
    values, without secrets. weighing: the router as it is. reload: asks the supervisor to read the settings again; returns at once.
    standing: which settings each worker runs, an object with the fields of server.py's `StandingOut`; None where nobody notes it.
    """

    gate: Gate
    access: AccessAdmin
    releases: ReleaseDesk
    clock: Clock
    home: Path
    ledger: LedgerSettings
    label_words: Callable[[], LabelWords]
    note: Note
    offers: Callable[[], Sequence[Offer]]
    upstreams: Callable[[], Mapping[str, Upstream]]
    health: Callable[[], Mapping[str, Sequence[ReplicaHealth]]]
    switches: Switches
    local_file: Callable[[Offer], bool | None]
    engine: Callable[[], Awaitable[object]]
    settings: Callable[[], Mapping[str, Any]]
    reload: Callable[[], None]
    standing: Callable[[], Mapping[str, Any] | None]
    weighing: Callable[[], Weighing]
    max_body_bytes: int = 1024 * 1024
