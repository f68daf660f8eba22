"""The files of every tenant: contents as blobs, facts in the state database. Tenants never see each other's.

The content is in place before its row is written, and a row goes before its content: what a crash leaves behind is a
blob that no row names, which `sweep` takes away. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from zhongshu.core.clock import Clock
from zhongshu.core.problems import fault
from zhongshu.files import store
from zhongshu.files.settings import FileSettings
from zhongshu.files.store import StoredFile
from zhongshu.storage.blobs import Blobs, Draft
from zhongshu.storage.database import Database

_PIECE = 1 << 20
_ORPHAN_S = 3600.0
_SECOND_NS = 1_000_000_000

log = logging.getLogger("zhongshu.files")


class FileShelf:
    """`settings` gives the settings as they are now."""

    def __init__(self, folder: Path, database: Database, settings: Callable[[], FileSettings], clock: Clock) -> None:
        self._blobs = Blobs(folder)
        self._database = database
        self._settings = settings
        self._clock = clock

    @property
    def limits(self) -> FileSettings:
        return self._settings()

    async def begin(self, tenant: str) -> Upload:
        """Begin to take in a file. Raises Fault("file_quota_exceeded") when the tenant has no room at all."""
        settings = self._settings()
        used = await asyncio.to_thread(self._used, tenant)
        if used >= settings.tenant_bytes:
            raise fault("file_quota_exceeded", limit=settings.tenant_bytes)
        return Upload(self._blobs.draft(), settings.max_file_bytes, settings.tenant_bytes, settings.tenant_bytes - used)

    async def keep(
        self,
        upload: Upload,
        *,
        tenant: str,
        key_id: str,
        purpose: str,
        filename: str,
        expires_s: float | None = None,
        id: str | None = None,
    ) -> StoredFile:
        """Keep what was taken in. id: replaces the file of that id, so that making it again changes nothing."""
        now_ns = self._clock.now_ns()
        await upload.flush()
        file = StoredFile(
            id=id or new_id(),
            tenant=tenant,
            key_id=key_id,
            purpose=purpose,
            filename=filename,
            bytes=upload.size,
            sha256=upload.sha256,
            created_ns=now_ns,
            expires_ns=None if expires_s is None else now_ns + int(expires_s * _SECOND_NS),
        )
        await asyncio.to_thread(self._keep, upload, file)
        return file

    async def put(
        self, pieces: AsyncIterator[bytes], *, tenant: str, key_id: str, purpose: str, filename: str, id: str,
        expires_s: float | None = None,
    ) -> StoredFile:  # fmt: skip
        """Keep a file of our own making, whatever room its tenant has left: the work is done."""
        upload = Upload(self._blobs.draft(), None, 0, None)
        try:
            async for piece in pieces:
                await upload.write(piece)
            return await self.keep(
                upload, tenant=tenant, key_id=key_id, purpose=purpose, filename=filename, expires_s=expires_s, id=id
            )
        finally:
            upload.discard()

    async def get(self, tenant: str, id: str) -> StoredFile:
        """A tenant's file. Raises Fault("file_not_found")."""
        found = await asyncio.to_thread(self._get, tenant, id)
        if found is None:
            raise fault("file_not_found", file=id)
        return found

    async def page(
        self, tenant: str, *, purpose: str | None, after: str | None, limit: int, newest: bool = True
    ) -> tuple[StoredFile, ...]:
        """At most `limit` of a tenant's files. Raises Fault("file_not_found") for an `after` that is not there."""
        behind = None if after is None else await self.get(tenant, after)

        def read() -> tuple[StoredFile, ...]:
            with self._database.read() as db:
                return store.page(db, tenant, self._clock.now_ns(), purpose, behind, limit, newest)

        return await asyncio.to_thread(read)

    async def delete(self, tenant: str, id: str) -> None:
        """Take a tenant's file away. Raises Fault("file_not_found")."""
        await self.get(tenant, id)
        await asyncio.to_thread(self._delete, tenant, id)

    def path(self, file: StoredFile) -> Path:
        """Where its content lies, to be opened at once."""
        return self._blobs.path(file.tenant, file.id)

    async def pieces(self, file: StoredFile) -> AsyncIterator[bytes]:
        """Its content, a piece at a time. Raises Fault("file_not_found") when it has just gone."""
        try:
            handle = await asyncio.to_thread(self.path(file).open, "rb")
        except FileNotFoundError:
            raise fault("file_not_found", file=file.id) from None
        with handle:
            while piece := await asyncio.to_thread(handle.read, _PIECE):
                yield piece

    async def sweep(self) -> None:
        """Take away what has expired, drafts that nobody finished, and blobs that no row names."""
        await asyncio.to_thread(self._sweep)

    def _used(self, tenant: str) -> int:
        with self._database.read() as db:
            return store.bytes_of(db, tenant)

    def _keep(self, upload: Upload, file: StoredFile) -> None:
        upload.draft.keep(file.tenant, file.id)
        with self._database.write() as db:
            if upload.limited and store.bytes_of(db, file.tenant) + file.bytes > upload.tenant_bytes:
                self._blobs.delete(file.tenant, file.id)
                raise fault("file_quota_exceeded", limit=upload.tenant_bytes)
            store.put(db, file)

    def _get(self, tenant: str, id: str) -> StoredFile | None:
        with self._database.read() as db:
            return store.by_id(db, tenant, id, self._clock.now_ns())

    def _delete(self, tenant: str, id: str) -> None:
        with self._database.write() as db:
            gone = store.remove(db, tenant, id)
        if gone:
            self._blobs.delete(tenant, id)

    def _sweep(self) -> None:
        with self._database.read() as db:
            over = store.expired(db, self._clock.now_ns())
        for file in over:
            self._delete(file.tenant, file.id)
        self._blobs.sweep(_ORPHAN_S)
        with self._database.read() as db:
            known = store.ids(db)
        before = time.time() - _ORPHAN_S
        lost = [(owner, name) for owner, name, changed in self._blobs.all() if name not in known and changed < before]
        for owner, name in lost:
            self._blobs.delete(owner, name)
        if over or lost:
            log.info("files: %d expired, %d left behind", len(over), len(lost))


class Upload:
    """A file on its way in. Written to the disk a megabyte at a time, off the event loop.

    max_bytes: of the file; None for one of our own. room: what the tenant has left.
    """

    def __init__(self, draft: Draft, max_bytes: int | None, tenant_bytes: int, room: int | None) -> None:
        self.draft = draft
        self.tenant_bytes = tenant_bytes
        self.limited = room is not None
        self.size = 0
        self._max_bytes = max_bytes
        self._room = room
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0

    @property
    def sha256(self) -> str:
        return self.draft.sha256

    async def write(self, data: bytes) -> None:
        """Take in some more. Raises Fault: file_too_large, file_quota_exceeded."""
        self.size += len(data)
        if self._max_bytes is not None and self.size > self._max_bytes:
            raise fault("file_too_large", limit=self._max_bytes)
        if self._room is not None and self.size > self._room:
            raise fault("file_quota_exceeded", limit=self.tenant_bytes)
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes >= _PIECE:
            await self.flush()

    async def flush(self) -> None:
        """Write what waits."""
        data, self._waiting, self._waiting_bytes = b"".join(self._waiting), [], 0
        if data:
            await asyncio.to_thread(self.draft.write, data)

    def discard(self) -> None:
        """Leave nothing; what was kept stays."""
        self.draft.discard()


def new_id() -> str:
    """`file-` and 24 characters that nobody guesses."""
    return f"file-{secrets.token_hex(12)}"
