"""Keeps a process's plans as the state database has them: taken over within a Follower's look of any change."""

from __future__ import annotations

import asyncio

from zhongshu.catalog import store
from zhongshu.catalog.releases import Planned, TrafficPlans
from zhongshu.storage.database import Database
from zhongshu.storage.revisions import Follower


def follow_plans(plans: TrafficPlans, database: Database, follower: Follower) -> None:
    """Have `plans` replaced whenever somebody has changed one, and when `follower` starts."""

    async def changed() -> None:
        plans.use(await asyncio.to_thread(_read, database))

    follower.on(store.SUBJECT, changed)


def _read(database: Database) -> dict[str, Planned]:
    with database.read() as db:
        return store.all_plans(db)
