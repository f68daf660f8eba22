"""From settings to the rules of asking in one worker: what a machine-wide limit leaves to each of its workers."""

from __future__ import annotations

from zhongshu.app.settings import Settings
from zhongshu.upstreams.dispatch.board import ModelRules, Rules
from zhongshu.upstreams.dispatch.replicas import HostLimits


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
