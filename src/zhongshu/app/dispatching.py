"""Asking in one worker: the rules that settings amount to, what is known of each upstream, switches and probes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zhongshu.app.settings import Settings
from zhongshu.core.clock import Clock
from zhongshu.core.models import Offer
from zhongshu.core.ports import Upstream
from zhongshu.storage.database import Database
from zhongshu.storage.revisions import Follower
from zhongshu.upstreams.dispatch.board import Board, ModelRules, Rules
from zhongshu.upstreams.dispatch.dispatcher import UpstreamDispatcher
from zhongshu.upstreams.dispatch.probing import Prober
from zhongshu.upstreams.dispatch.replicas import HostLimits
from zhongshu.upstreams.dispatch.switches import Switches, follow_switches


class Dispatching:
    """One worker's way of asking. What was learnt of upstreams outlives a change of settings."""

    def __init__(
        self,
        settings: Settings,
        slot: str,
        state: Database,
        follower: Follower,
        upstreams: Callable[[], Mapping[str, Upstream]],
        clock: Clock,
    ) -> None:
        self._slot = slot
        self._clock = clock
        self.board = Board(clock, rules_of(settings, slot))
        self.switches = Switches(state, clock)
        self._prober = Prober(self.board, upstreams, clock)
        follow_switches(self.board, self.switches, follower)

    def dispatcher(self, settings: Settings, upstreams: Mapping[str, Upstream]) -> UpstreamDispatcher:
        """Who asks these upstreams, by these settings' rules."""
        self.board.use(rules_of(settings, self._slot))
        return UpstreamDispatcher(upstreams, self._clock, self.board)

    def resting(self, offer: Offer) -> bool:
        """Whether an offer's upstream is left alone now."""
        if not self.board.restless:
            return False
        replica = self.board.replicas.get((offer.release.upstream, offer.release.upstream_model))
        return replica is not None and replica.rests(self._clock.steady_ns())

    def waits_out(self, offer: Offer) -> bool:
        """Whether a turn that is sent to an offer now, while it rests, waits for the end of that rest."""
        replica = self.board.replicas.get((offer.release.upstream, offer.release.upstream_model))
        now_ns = self._clock.steady_ns()
        return replica is not None and replica.waits_out(
            now_ns, now_ns + replica.patience_ns(self.board.rules.dispatch)
        )

    def speed(self, offer: Offer) -> tuple[int, int] | None:
        """Microseconds to an offer's first content and for each token after it, as this worker saw them; None while
        nobody has asked it."""
        replica = self.board.replicas.get((offer.release.upstream, offer.release.upstream_model))
        return None if replica is None else (replica.first_us, replica.token_us)

    def start(self) -> None:
        """Begin to probe."""
        self._prober.start()

    async def aclose(self) -> None:
        """Stop probing."""
        await self._prober.aclose()


def rules_of(settings: Settings, slot: str) -> Rules:
    """The rules of the worker in this slot ("worker-0"). A limit is shared out evenly; each worker has at least one."""
    worker, workers = int(slot.rpartition("-")[2]), settings.server.workers

    def share(limit: int | None) -> int | None:
        return None if limit is None else max(1, limit // workers + (worker < limit % workers))

    limited = {
        (row.upstream, row.upstream_model or row.name): most
        for row in settings.models
        if (most := share(row.max_concurrent)) is not None
    }
    return Rules(
        dispatch=settings.dispatch,
        hosts={
            row.name: HostLimits(share(row.max_concurrent), row.max_queue, row.queue_s, row.probe_s)
            for row in settings.upstreams
        },
        replicas=limited,
        models={
            row.name: ModelRules(row.try_s, row.hedge_s)
            for row in settings.models
            if row.try_s is not None or row.hedge_s is not None
        },
    )
