"""The book of samples for a worker: the database, in a thread."""

from __future__ import annotations

import asyncio

from zhongshu.catalog.samples import Sample, SampleBook


class AsyncBook:
    """pipeline.samples.Book."""

    def __init__(self, book: SampleBook) -> None:
        self._book = book

    async def keep(self, sample: Sample) -> None:
        """Keep a sample."""
        await asyncio.to_thread(self._book.keep, sample)

    async def spent_today_nano(self) -> int:
        """What samples have cost today."""
        return await asyncio.to_thread(self._book.spent_today_nano)
