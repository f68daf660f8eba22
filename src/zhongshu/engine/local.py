"""The embedded engine as the supervisor sees it: one thing to start, ask and close."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from zhongshu.engine.door import EngineDoor
from zhongshu.engine.fleet import Fleet
from zhongshu.engine.messages import EngineStatus
from zhongshu.engine.settings import EngineSettings, EngineSpec


class LocalEngine:
    """Runs local models for the workers that connect to `socket_path`. Lives in the supervisor's event loop.

    specs: the models there are; none is loaded before it is asked for. run_dir: holds the socket (`engine.sock`,
    mode 0600) and each model's start-up log.
    """

    def __init__(self, settings: EngineSettings, specs: Iterable[EngineSpec], run_dir: Path) -> None:
        self._fleet = Fleet(settings, specs, run_dir)
        self._door = EngineDoor(self._fleet, run_dir)

    @property
    def socket_path(self) -> Path:
        return self._door.path

    async def start(self) -> None:
        """Open the socket."""
        await self._fleet.start()
        await self._door.start()

    async def aclose(self) -> None:
        """Close the socket and stop every model's process."""
        await self._door.aclose()
        await self._fleet.aclose()

    async def status(self) -> EngineStatus:
        """Every model as it stands."""
        return await self._fleet.status()

    def replace_specs(self, specs: Iterable[EngineSpec]) -> None:
        """Take other models from now on; see Fleet.replace_specs."""
        self._fleet.replace_specs(specs)
