"""Questions being asked right now, so that the same question is asked once: who comes while its answer is on the way
waits for that one. A flight is one worker's own. Knows turns by the key of their answer alone, in which the tenant is.
"""

from __future__ import annotations

import asyncio
from typing import Literal

from zhongshu.core.ports import Hit

Landing = Hit | Literal["left"] | None
"""An answer; "left" when who asked went away; None when what came cannot be given to others, or nothing came."""


class Flight:
    """One question on its way. rank: of who asks; one who would be served sooner does not wait for it."""

    __slots__ = ("landed", "rank")

    def __init__(self, rank: int) -> None:
        self.rank = rank
        self.landed: asyncio.Future[Landing] = asyncio.get_running_loop().create_future()


class Flights:
    """The flights of one worker, by key."""

    __slots__ = ("_under_way",)

    def __init__(self) -> None:
        self._under_way: dict[bytes, Flight] = {}

    def __len__(self) -> int:
        return len(self._under_way)

    async def join(self, key: bytes, rank: int) -> Flight | Landing:
        """A flight of one's own, to be landed with `land`; or what became of the one that was under way. None: ask, and
        nobody waits for it. Where who asked went away, the first of those who wait asks in its place; where asking came
        to nothing, each asks for itself, as it would have without this."""
        while (ahead := self._under_way.get(key)) is not None:
            if ahead.rank < rank:
                return None
            landing = await asyncio.shield(ahead.landed)
            if landing != "left":
                return landing
        flight = self._under_way[key] = Flight(rank)
        return flight

    def land(self, key: bytes, flight: Flight, landing: Landing) -> None:
        """It is over. What lands twice stays as it landed first."""
        if not flight.landed.done():
            flight.landed.set_result(landing)
            del self._under_way[key]
