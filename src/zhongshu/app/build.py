"""Construction: the only place where a worker's rooms are opened and connected. Makes no decision of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.middleware.cors import CORSMiddleware

from zhongshu.access.build import STATE, Access, open_access
from zhongshu.api.admin.later import Later
from zhongshu.api.admin.parts import AdminParts
from zhongshu.api.asgi import App
from zhongshu.api.endpoint import Bounds, Load
from zhongshu.api.responses.background import Background
from zhongshu.api.surface import Remembering, surface
from zhongshu.app import effective, standing
from zhongshu.app.caching import Caching
from zhongshu.app.dispatching import Dispatching
from zhongshu.app.keeping import Keeping
from zhongshu.app.past import past_of
from zhongshu.app.preparing import EMBEDDED
from zhongshu.app.pricing import exchange, exchange_between, with_tariffs
from zhongshu.app.sampling import AsyncBook
from zhongshu.app.settings import Settings
from zhongshu.app.shared_metrics import SharedMetrics
from zhongshu.catalog.catalog import ModelCatalog, card_of, offer_of
from zhongshu.catalog.changing import ReleaseDesk
from zhongshu.catalog.following import follow_plans
from zhongshu.catalog.releases import TrafficPlans
from zhongshu.catalog.samples import SampleBook
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.clock import SystemClock
from zhongshu.core.health import ReplicaHealth
from zhongshu.core.models import AUTO, ModelCard, Offer
from zhongshu.core.ports import Call, Counter, Upstream
from zhongshu.core.problems import fault
from zhongshu.engine.client import EngineClient
from zhongshu.engine.models.rows import find as shipped_model
from zhongshu.engine.models.store import installed
from zhongshu.ledger.export import LabelWords
from zhongshu.ledger.journal import Writer, open_journal
from zhongshu.ledger.metrics import Metrics, Snapshot
from zhongshu.ledger.payloads import Happening
from zhongshu.pipeline.answer import answer
from zhongshu.pipeline.reading.reader import PartReader, Remembered
from zhongshu.pipeline.samples import Samples
from zhongshu.pipeline.shadow import Shadows
from zhongshu.pipeline.stages import Assumptions, Rooms
from zhongshu.router.decision import Decider
from zhongshu.router.judging import TaskJudge
from zhongshu.safety.label import AiLabeller
from zhongshu.sessions.sessions import Sessions, open_sessions
from zhongshu.storage.database import Database, open_database
from zhongshu.storage.revisions import Follower
from zhongshu.upstreams.adapters import adapter_name
from zhongshu.upstreams.embedded.upstream import EmbeddedUpstream
from zhongshu.upstreams.registry import offers as upstream_offers
from zhongshu.upstreams.registry import open_upstreams

if TYPE_CHECKING:
    from zhongshu.pipeline.routings import Weighing

log = logging.getLogger("zhongshu.app")

_LONGEST_TURN_S = 600.0


def offers(settings: Settings) -> tuple[Offer, ...]:
    """Everything that can be asked for: the configured models, then what upstreams name directly."""
    named = tuple(_offer(row, settings) for row in settings.models)
    taken = {offer.release.model for offer in named}
    direct = (offer for offer in upstream_offers(settings.upstreams) if offer.release.model not in taken)
    return with_tariffs(settings, (*named, *direct))


def _offer(row: ModelSettings, settings: Settings) -> Offer:
    """The offer of a configured model, under the name that its upstream knows its adapter by."""
    offer = offer_of(row, _card(row))
    upstream = next((found for found in settings.upstreams if found.name == row.upstream), None)
    if not row.adapter or upstream is None:
        return offer
    there = adapter_name(upstream, offer.release.upstream_model, row.adapter) or offer.release.upstream_model
    return msgspec.structs.replace(offer, release=msgspec.structs.replace(offer.release, upstream_model=there))


def _card(row: ModelSettings) -> ModelCard:
    """The card of a configured model; what is known of a shipped local model fills the gaps."""
    card = card_of(row)
    shipped = shipped_model(row.upstream_model or row.name) if row.upstream == EMBEDDED else None
    if shipped is None:
        return card
    return msgspec.structs.replace(card, file_bytes=shipped.bytes, quantisation=shipped.quantisation)


async def open_installation(settings: Settings, slot: str, engine_socket: Path) -> Installation:
    """Open every room for one worker. Raises SlotTaken while another process still writes the slot's journal."""
    clock = SystemClock()
    journal = await asyncio.to_thread(
        open_journal, settings.ledger, settings.home, slot, clock
    )  # first: takes the slot
    access = await asyncio.to_thread(open_access, settings.access, settings.home, clock, slot, exchange(settings))
    access.admin.budgets.past = past_of(settings)
    await access.start()
    state = await asyncio.to_thread(open_database, settings.home / STATE)
    sessions = await asyncio.to_thread(open_sessions, settings.sessions, settings.home, clock)
    installation = Installation(settings, slot, access, journal, EngineClient(engine_socket), state, sessions)
    await installation.start()
    return installation


class Installation:
    """One worker's open rooms, and the application over them.

    What depends on settings (catalogue, upstreams, label) is replaced whole when they change: a turn in flight keeps
    the Rooms it began with, and upstreams that are no longer used are closed when their last turn can have ended.
    """

    def __init__(
        self,
        settings: Settings,
        slot: str,
        access: Access,
        journal: Writer,
        engine: EngineClient,
        state: Database,
        sessions: Sessions,
    ) -> None:
        self.load = Load()
        self._sessions = sessions
        self._background = Background(sessions, lambda: self._rooms, self.load)
        self._settings = settings
        self._access = access
        self._journal = journal
        journal.alone = self._alone
        self._engine = engine
        self._state = state
        self._clock = SystemClock()
        self._plans = TrafficPlans()
        self._shadows = Shadows(lambda: self._settings.server.max_shadows, self._busy)
        self._book = SampleBook(state, self._clock)
        self._samples = Samples(AsyncBook(self._book), lambda: self._settings.server.max_shadows, self._busy)
        self._remembered = Remembered()
        self._follower = Follower(state)
        follow_plans(self._plans, state, self._follower)
        self._parent = os.getppid()
        self._counted = Metrics()
        self._shared = SharedMetrics(settings.home / "run", slot, self._snapshot)
        self._embedded = EmbeddedUpstream(EMBEDDED, engine, guard=settings.engine.guard)
        self._caching = Caching(settings.home, self._embedded, self._clock)
        self._dispatching = Dispatching(settings, slot, state, self._follower, lambda: self._upstreams, self._clock)
        self._upstreams = self._open_upstreams(settings)
        self._rooms = self._connect(settings)
        remembering = Remembering(sessions, self._background)
        self._keeping = Keeping(
            lambda: self._settings, state, lambda: self._rooms, self.load, self._clock, remembering, slot
        )
        self._closing: set[asyncio.Task[None]] = set()
        self.app = self._application(settings, remembering)
        self._shared.start()

    async def start(self) -> None:
        """Take over what the state database has, and follow its changes from now on."""
        await self._follower.start()
        self._dispatching.start()
        await self._keeping.start()
        self._sessions.start()

    def reload(self, settings: Settings) -> None:
        """Use other settings from the next turn on. Raises ValueError or OSError when something of them cannot be opened;
        everything is then as it was."""
        before, old = self._settings, self._upstreams
        self._settings, self._upstreams = settings, self._open_upstreams(settings)
        try:
            self._rooms = self._connect(settings)
        except BaseException:
            self._settings, self._upstreams = before, old
            self._rooms = self._connect(before)
            raise
        self._access.reload(settings.access, exchange(settings))
        self._access.admin.budgets.past = past_of(settings)
        self._sessions.settings = settings.sessions
        task = asyncio.create_task(self._close_later(old))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def aclose(self) -> None:
        """Close every room; no turn may be in flight."""
        for task in self._closing:
            task.cancel()
        await self._background.aclose()
        await self._keeping.aclose()
        await self._dispatching.aclose()
        await self._follower.aclose()
        await self._shadows.aclose()
        await self._samples.aclose()
        await self._shared.aclose()
        await self._caching.aclose()
        await _close_all(self._upstreams)
        await self._engine.aclose()
        await self._journal.aclose()
        await self._access.aclose()
        await self._sessions.aclose()
        self._state.close()

    def _application(self, settings: Settings, remembering: Remembering) -> App:
        server = settings.server
        app = surface(
            rooms=lambda: self._rooms,
            bounds=Bounds(server.max_body_bytes, server.max_in_flight),
            load=self.load,
            probes=self._probes,
            render_metrics=self._shared.render,
            rest=Later(self._admin_parts()),
            kept=self._keeping.kept,
            count=self._count,
            remembering=remembering,
        )
        if server.cors_origins:
            return CORSMiddleware(app, server.cors_origins, allow_methods=("*",), allow_headers=("*",))
        return app

    def _connect(self, settings: Settings) -> Rooms:
        assume = Assumptions(
            settings=settings.digest, thoughts_hidden_from=frozenset(settings.access.thoughts_hidden_from)
        )
        catalog, between = ModelCatalog(offers(settings), settings.assistants), exchange_between(settings)
        asks = self._dispatching
        decider = self._decider = Decider(
            settings.router, None, catalog.cards(), asks.resting, between, asks.speed, asks.waits_out
        )
        return Rooms(
            gate=self._access.gate,
            catalog=catalog,
            router=decider,
            exchange=between,
            dispatcher=self._dispatching.dispatcher(settings, self._upstreams),
            releases=self._plans,
            shadows=self._shadows,
            labeller=AiLabeller(settings.label),
            journal=self._journal,
            observer=self._counted,
            clock=self._clock,
            assume=assume,
            judge=TaskJudge(decider.judge, decider),
            samples=self._samples.by(settings.router.samples),
            reader=PartReader(settings.router.reading, answer, self._remembered),
            cache=self._caching.by(settings.cache, settings.models, assume.policy),
        )

    def _busy(self) -> bool:
        """Whether turns take so much of this worker that nothing unseen is to be done beside them."""
        return self.load.draining or self.load.in_flight * 2 > self._settings.server.max_in_flight

    def _alone(self) -> bool:
        """Whether one turn is all that this worker has in hand. Those of batches are not counted, and never alone."""
        return self.load.in_flight == 1

    def _open_upstreams(self, settings: Settings) -> dict[str, Upstream]:
        return {EMBEDDED: self._embedded, **open_upstreams(settings.upstreams)}

    def _snapshot(self) -> Snapshot:
        self._counted.in_flight = self.load.in_flight
        told = self._counted.snapshot(self._journal.counts)
        told.upstreams = self._dispatching.board.health()
        told.missed = self._caching.missed()
        return told

    def _probes(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        used = {offer.release.upstream for offer in offers(self._settings)}
        upstreams = {f"upstream:{name}": u.check for name, u in self._upstreams.items() if name in used}
        return {"journal": self._check_journal, "access": self._check_access, **upstreams}

    async def _check_journal(self) -> None:
        if not self._journal.ready():
            raise fault("journal_unavailable", why=self._journal.why_not)

    async def _check_access(self) -> None:
        await asyncio.to_thread(self._access.admin.tenants)

    def _admin_parts(self) -> AdminParts:
        settings = self._settings
        return AdminParts(
            gate=self._access.gate,
            access=self._access.admin,
            releases=ReleaseDesk(self._state, self._clock, lambda: offers(self._settings)),
            clock=self._clock,
            home=settings.home,
            ledger=settings.ledger,
            label_words=self._label_words,
            note=self._note,
            offers=lambda: offers(self._settings),
            upstreams=lambda: self._upstreams,
            health=self._health,
            switches=self._dispatching.switches,
            local_file=self._local_file,
            engine=self._engine.status,
            settings=lambda: effective.plain(self._settings),
            reload=self._ask_for_reload,
            standing=self._standing,
            weighing=self._weighing,
            max_body_bytes=settings.server.max_body_bytes,
        )

    def _weighing(self) -> Weighing:
        """The router as it is, for looking back. Imported when it is asked for: a report brings numpy along."""
        from zhongshu.pipeline.routings import Weighing

        able = tuple([offer for offer in self._rooms.catalog.find(AUTO) if "chat" in offer.card.abilities])
        return Weighing(self._decider, able, self._rooms.exchange, self._settings.assistants)

    async def _count(self, call: Call) -> int | None:
        upstream = self._upstreams.get(call.offer.release.upstream)
        return await upstream.count_tokens(call) if isinstance(upstream, Counter) else None

    def _health(self) -> Mapping[str, Sequence[ReplicaHealth]]:
        return {worker: told.upstreams for worker, told in self._shared.each().items()}

    def _label_words(self) -> LabelWords:
        label = self._settings.label
        return LabelWords(label.producer, label.words, label.words_zh)

    def _ask_for_reload(self) -> None:
        if os.getppid() == self._parent:  # an orphan's parent is somebody else's process
            os.kill(self._parent, signal.SIGHUP)

    def _standing(self) -> Mapping[str, Any] | None:
        found = standing.read(self._settings.home)
        return None if found is None else msgspec.to_builtins(found)

    async def _note(self, name: str, facts: Mapping[str, str]) -> None:
        await self._journal.note(Happening(name, self._clock.now_ns(), dict(facts)))

    def _local_file(self, offer: Offer) -> bool | None:
        if offer.release.upstream != EMBEDDED:
            return None
        return installed(offer.release.upstream_model, self._settings.model_sources.folder()) is not None

    async def _close_later(self, upstreams: Mapping[str, Upstream]) -> None:
        await asyncio.sleep(_LONGEST_TURN_S)
        await _close_all({name: upstream for name, upstream in upstreams.items() if upstream is not self._embedded})


async def _close_all(upstreams: Mapping[str, Upstream]) -> None:
    for upstream in upstreams.values():
        await upstream.aclose()
