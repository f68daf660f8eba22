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

    async def reserve(self, trace: str, at_ns: int, most_nano: int, ceiling_nano: int) -> bool:
        """Set aside what a sample may come to."""
        return await asyncio.to_thread(self._book.reserve, trace, at_ns, most_nano, ceiling_nano)
