"""Construction: the only place where rooms are opened and connected. Reads settings, makes no decision of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from zhongshu.access.admin import DEFAULT_TENANT, AccessAdmin, Spend
from zhongshu.access.build import Access, open_access, open_admin
from zhongshu.api.asgi import App
from zhongshu.api.openai.endpoint import Bounds, Load
from zhongshu.api.surface import surface
from zhongshu.app import paths
from zhongshu.app.settings import Settings
from zhongshu.catalog.catalog import ModelCatalog, offer_of
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.clock import SystemClock
from zhongshu.core.models import Offer
from zhongshu.core.ports import Upstream
from zhongshu.engine.client import EngineClient
from zhongshu.engine.models.store import installed
from zhongshu.engine.settings import EngineSpec
from zhongshu.ledger.journal import Writer, open_journal
from zhongshu.pipeline.stages import Assumptions, Rooms
from zhongshu.router.rules import FirstRule
from zhongshu.safety.label import AiLabeller
from zhongshu.upstreams.embedded.upstream import EmbeddedUpstream
from zhongshu.upstreams.registry import open_upstreams

log = logging.getLogger("zhongshu.app")

EMBEDDED = "embedded"
FIRST_KEY = "ZHONGSHU_FIRST_KEY"


# For the supervisor -------------------------------------------------------------------------------------------


def prepare(settings: Settings) -> None:
    """Make the state directory and bring its database up to date."""
    paths.private_directory(settings.home)
    with open_admin(settings.home):
        pass


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


# For a worker -------------------------------------------------------------------------------------------------


class Installation:
    """One worker's open rooms, and the application over them.

    What depends on settings (catalogue, upstreams, label) is replaced whole when they change: a turn in flight keeps
    the Rooms it began with, and upstreams that are no longer named are closed when their last turn can have ended.
    """

    def __init__(self, settings: Settings, access: Access, journal: Writer, engine: EngineClient) -> None:
        self.load = Load()
        self._settings = settings
        self._access = access
        self._journal = journal
        self._engine = engine
        self._clock = SystemClock()
        self._upstreams = self._open_upstreams(settings)
        self._rooms = self._connect(settings)
        self._closing: set[asyncio.Task[None]] = set()
        server = settings.server
        self.app: App = surface(
            rooms=lambda: self._rooms,
            bounds=Bounds(server.max_body_bytes, server.max_in_flight),
            load=self.load,
            probes=self._probes,
            render_metrics=self._metrics.render,
            rest=admin_application(self._access.admin),
        )

    def reload(self, settings: Settings) -> None:
        """Use other settings from the next turn on."""
        old = self._upstreams
        self._settings, self._upstreams = settings, self._open_upstreams(settings)
        self._rooms = self._connect(settings)
        task = asyncio.create_task(self._close_later(old))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def aclose(self) -> None:
        """Close every room; no turn may be in flight."""
        for task in self._closing:
            task.cancel()
        await _close_all(self._upstreams)
        await self._engine.aclose()
        await self._journal.aclose()
        await self._access.aclose()

    def _connect(self, settings: Settings) -> Rooms:
        return Rooms(
            gate=self._access.gate,
            catalog=ModelCatalog(offers(settings)),
            router=FirstRule(),
            upstreams=self._upstreams,
            labeller=AiLabeller(settings.label),
            journal=self._journal,
            observer=self._metrics,
            clock=self._clock,
            assume=Assumptions(settings=settings.digest),
        )

    def _open_upstreams(self, settings: Settings) -> dict[str, Upstream]:
        embedded = EmbeddedUpstream(EMBEDDED, self._engine)
        return {EMBEDDED: embedded, **open_upstreams(settings.upstreams)}

    def _probes(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        used = {offer.release.upstream for offer in offers(self._settings)}
        return {f"upstream:{name}": upstream.check for name, upstream in self._upstreams.items() if name in used}

    async def _close_later(self, upstreams: Mapping[str, Upstream]) -> None:
        await asyncio.sleep(600)
        await _close_all(upstreams)


async def _close_all(upstreams: Mapping[str, Upstream]) -> None:
    for upstream in upstreams.values():
        await upstream.aclose()
