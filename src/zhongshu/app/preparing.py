"""What the supervisor does with an installation before, between and beside its workers: state, first key, engine
models, and the books of a worker that died. Opens no room for longer than it takes."""

from __future__ import annotations

import os
from pathlib import Path

from zhongshu.access.admin import DEFAULT_TENANT, AccessAdmin
from zhongshu.access.build import open_admin
from zhongshu.app import paths
from zhongshu.app.past import spends_of
from zhongshu.app.pricing import exchange
from zhongshu.app.settings import Settings
from zhongshu.engine.models.store import installed
from zhongshu.engine.settings import EngineSpec
from zhongshu.storage.counters import Orphan

EMBEDDED = "embedded"
FIRST_KEY = "ZHONGSHU_FIRST_KEY"


def first_key(settings: Settings) -> str | None:
    """The first key's secret on the start that makes it, else None; and a key of its own for this machine's CLI."""
    with open_admin(settings.home) as admin:
        new = admin.ensure_first_key(os.environ.get(FIRST_KEY) or None)
        _cli_key(admin, settings.home)
        return new.secret if new else None


def _cli_key(admin: AccessAdmin, home: Path) -> None:
    file = paths.cli_key_file(home)
    if file.exists():
        return
    secret = admin.create_key(DEFAULT_TENANT, "cli", role="admin").secret
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
        written.write(secret + "\n")


def engine_specs(settings: Settings) -> tuple[EngineSpec, ...]:
    """What the engine may load: the embedded models whose files are here."""
    cache = settings.model_sources.folder()
    return tuple(
        EngineSpec(
            model=row.upstream_model or row.name,
            path=str(path),
            kind="embedding" if "embedding" in row.abilities else "chat",
            window_tokens=row.context,
        )
        for row in settings.models
        if row.upstream == EMBEDDED and (path := installed(row.upstream_model or row.name, cache))
    )


def reconcile(settings: Settings, slot: str | None = None) -> None:
    """Account for the money that dead workers had leased, by what their journals say they spent.

    slot: one worker's, after it died; None for all, before any is started. Call it while no successor writes to the
    slot's stream: what that one spends would be charged twice.
    """
    with open_admin(settings.home, exchange=exchange(settings)) as admin:
        owners: dict[str, list[Orphan]] = {}
        for orphan in admin.orphans():
            if slot is None or orphan.owner.startswith(f"{slot}/"):
                owners.setdefault(orphan.owner, []).append(orphan)
        for owner, orphans in owners.items():
            since_ns = min(orphan.since_ns for orphan in orphans)
            admin.reconcile(owner, spends_of(settings, owner.partition("/")[0], since_ns, admin.budgets.exchange))
