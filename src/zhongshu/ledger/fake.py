"""A journal in memory, for tests of other rooms."""

from __future__ import annotations

from zhongshu.core.problems import fault
from zhongshu.core.records import Record


class FakeJournal:
    """Keeps records in a list. Set `broken` to a reason and it refuses like a full disk."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.broken = ""

    async def write(self, record: Record) -> None:
        """Keep the record; raises Fault("journal_unavailable") while `broken`."""
        if self.broken:
            raise fault("journal_unavailable", why=self.broken)
        self.records.append(record)

    def ready(self) -> bool:
        """False while `broken`."""
        return not self.broken
