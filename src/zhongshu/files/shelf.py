"""The files of every tenant: contents as sealed blobs, facts in the state database. Tenants never see each other's.

The content is in place before its row is written, and a row goes before its content: what a crash leaves behind is a
blob that no row names, which `sweep` takes away. A file whose data key was shredded is gone. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from zhongshu.core.clock import Clock
from zhongshu.core.problems import fault
from zhongshu.files import store
from zhongshu.files.sealing import SealedWriter, open_file, sealed_with
from zhongshu.files.settings import FileSettings
from zhongshu.files.store import StoredFile
from zhongshu.storage.blobs import Blobs, Draft
from zhongshu.storage.database import Database
from zhongshu.storage.sealing import Derived, KeyRing, Sealed, Sealer

_PIECE = 1 << 20
_ORPHAN_S = 3600.0
_SECOND_NS = 1_000_000_000
_PURPOSE = b"zs file"

log = logging.getLogger("zhongshu.files")


class FileShelf:
    """ring: the data keys that contents are sealed with. `settings` gives the settings as they are now."""

    def __init__(
        self, folder: Path, database: Database, ring: KeyRing, settings: Callable[[], FileSettings], clock: Clock
    ) -> None:
        self._blobs = Blobs(folder)
        self._database = database
        self._sealer = Sealer(ring, _PURPOSE)
        self._settings = settings
        self._clock = clock

    @property
    def limits(self) -> FileSettings:
        return self._settings()

    async def begin(self, tenant: str, *, id: str | None = None) -> Upload:
        """Begin to take in a file. id: of the file that it will be, in place of one that there is.

        Raises Fault("file_quota_exceeded") when the tenant has no room at all.
        """
        settings = self._settings()
        used = await asyncio.to_thread(self._used, tenant)
        if used >= settings.tenant_bytes:
            raise fault("file_quota_exceeded", limit=settings.tenant_bytes)
        room = _Room(settings.max_file_bytes, settings.tenant_bytes, settings.tenant_bytes - used)
        return await asyncio.to_thread(self._draft, tenant, id or new_id(), room)

    async def keep(
        self, upload: Upload, *, key_id: str, purpose: str, filename: str, expires_s: float | None = None
    ) -> StoredFile:
        """Keep what was taken in."""
        now_ns = self._clock.now_ns()
        await upload.finish()
        file = StoredFile(
            id=upload.id,
            tenant=upload.tenant,
            key_id=key_id,
            purpose=purpose,
            filename=filename,
            bytes=upload.size,
            sha256=upload.sha256,
            created_ns=now_ns,
            expires_ns=None if expires_s is None else now_ns + int(expires_s * _SECOND_NS),
            text_key=upload.key.number,
        )
        await asyncio.to_thread(self._keep, upload, file)
        return file

    async def put(
        self, pieces: AsyncIterator[bytes], *, tenant: str, key_id: str, purpose: str, filename: str, id: str,
        expires_s: float | None = None,
    ) -> StoredFile:  # fmt: skip
        """Keep a file of our own making, whatever room its tenant has left: the work is done. Making it again changes
        nothing."""
        upload = await asyncio.to_thread(self._draft, tenant, id, None)
        try:
            async for piece in pieces:
                await upload.write(piece)
            return await self.keep(upload, key_id=key_id, purpose=purpose, filename=filename, expires_s=expires_s)
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
        """Where its content lies, sealed."""
        return self._blobs.path(file.tenant, file.id)

    def open(self, file: StoredFile) -> BinaryIO:
        """Its content, to be read in a thread. Raises Fault: file_not_found when it has just gone or its key was
        shredded; file_damaged when it is not what was kept, then or while it is read."""
        try:
            key_of, plain = self._sealer.secret, file.text_key is None
            return open_file(self.path(file), key_of, file.tenant, file.id, plain=plain)
        except FileNotFoundError:
            raise fault("file_not_found", file=file.id) from None

    async def pieces(self, file: StoredFile) -> AsyncIterator[bytes]:
        """Its content, a piece at a time. Raises as `open` does."""
        handle = await asyncio.to_thread(self.open, file)
        with handle:
            while piece := await asyncio.to_thread(handle.read, _PIECE):
                yield piece

    def seal(self, tenant: str, place: bytes, content: bytes) -> Sealed:
        """Seal something small that is not a file yet; for threads. `place` says where it will lie."""
        return self._sealer.seal(tenant, place, content, self._clock.now_ns())

    def stands(self, sealed: Sealed) -> bool:
        """Whether its key has not been shredded up to now: it may be relied on once it is durable. For threads."""
        return self._sealer.stands(sealed.text_key)

    def unseal(self, tenant: str, place: bytes, sealed: Sealed) -> bytes | None:
        """It again; None when its key was shredded or it is not what was sealed."""
        return self._sealer.open(tenant, place, sealed)

    async def sweep(self) -> None:
        """Take away what has expired or whose key was shredded, drafts that nobody finished, and blobs that no row
        names; seal files from before files were sealed."""
        await asyncio.to_thread(self._sweep)

    def _used(self, tenant: str) -> int:
        with self._database.read() as db:
            return store.bytes_of(db, tenant)

    def _draft(self, tenant: str, id: str, room: _Room | None) -> Upload:
        key = self._sealer.current(tenant, self._clock.now_ns())
        draft = self._blobs.draft()
        return Upload(draft, SealedWriter(draft, key, tenant, id), tenant, id, key, room)

    def _keep(self, upload: Upload, file: StoredFile) -> None:
        upload.draft.keep(file.tenant, file.id)
        room = upload.room
        with self._database.write() as db:
            if room is not None and store.bytes_of(db, file.tenant) + file.bytes > room.tenant_bytes:
                self._blobs.delete(file.tenant, file.id)
                raise fault("file_quota_exceeded", limit=room.tenant_bytes)
            store.put(db, file)
        key = upload.key
        while not self._sealer.stands(key.number):  # texts were erased while it came in: not this one, which came later
            key = self._sealed_anew(file, key)

    def _sealed_anew(self, file: StoredFile, key: Derived) -> Derived:
        upload = self._draft(file.tenant, file.id, None)
        try:
            with open_file(self.path(file), lambda _: key.secret, file.tenant, file.id, plain=False) as before:
                upload.take(before)
            upload.draft.keep(file.tenant, file.id)
        except FileNotFoundError:  # swept in this very moment
            raise fault("file_not_found", file=file.id) from None
        finally:
            upload.discard()
        with self._database.write() as db:
            store.told_text_key(db, file.id, upload.key.number)
        return upload.key

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
            over = [*store.expired(db, self._clock.now_ns())]
            keys = store.text_keys(db)
        for number in keys:
            if not self._sealer.alive(number):
                with self._database.read() as db:
                    over += store.of_text_key(db, number)
        for file in over:
            self._delete(file.tenant, file.id)
        self._blobs.sweep(_ORPHAN_S)
        with self._database.read() as db:
            known = store.ids(db)
        before = time.time() - _ORPHAN_S
        lost = [(owner, name) for owner, name, changed in self._blobs.all() if name not in known and changed < before]
        for owner, name in lost:
            self._blobs.delete(owner, name)
        sealed = self._seal_plain()
        if over or lost or sealed:
            log.info("files: %d expired or erased, %d left behind, %d sealed", len(over), len(lost), sealed)

    def _seal_plain(self) -> int:
        """Seal the files that were kept before files were sealed; how many. One that is cut off, or done by two workers
        at once, is whole either way: the sealed content takes the plain one's place, then its row is told."""
        with self._database.read() as db:
            plain = store.of_text_key(db, None)
        sealed = 0
        for file in plain:
            try:
                number = sealed_with(self.path(file)) or self._rewritten(file)
            except FileNotFoundError:
                continue  # taken away meanwhile
            with self._database.write() as db:
                store.told_text_key(db, file.id, number)
            sealed += 1
        return sealed

    def _rewritten(self, file: StoredFile) -> int:
        upload = self._draft(file.tenant, file.id, None)
        try:
            with self.path(file).open("rb") as plain:
                upload.take(plain)
            upload.draft.keep(file.tenant, file.id)
        finally:
            upload.discard()
        return upload.key.number


class _Room(NamedTuple):
    """How much may be taken in. max_bytes: of the file; tenant_bytes: of all its tenant's; left: of those."""

    max_bytes: int
    tenant_bytes: int
    left: int


class Upload:
    """A file on its way in. Sealed and written to the disk a megabyte at a time, off the event loop. room: None for a
    file of our own making."""

    def __init__(
        self, draft: Draft, sealed: SealedWriter, tenant: str, id: str, key: Derived, room: _Room | None
    ) -> None:
        self.draft = draft
        self.sealed = sealed
        self.tenant = tenant
        self.id = id
        self.key = key
        self.room = room
        self.size = 0
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0

    @property
    def sha256(self) -> str:
        return self.sealed.sha256

    async def write(self, data: bytes) -> None:
        """Take in some more. Raises Fault: file_too_large, file_quota_exceeded."""
        self.size += len(data)
        if self.room is not None and self.size > self.room.max_bytes:
            raise fault("file_too_large", limit=self.room.max_bytes)
        if self.room is not None and self.size > self.room.left:
            raise fault("file_quota_exceeded", limit=self.room.tenant_bytes)
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes >= _PIECE:
            await self._flush()

    def take(self, content: BinaryIO) -> None:
        """Take in all of this, and there is no more. Blocking."""
        while piece := content.read(_PIECE):
            self.sealed.write(piece)
        self.sealed.finish()

    async def finish(self) -> None:
        """There is no more."""
        await self._flush()
        await asyncio.to_thread(self.sealed.finish)

    async def _flush(self) -> None:
        data, self._waiting, self._waiting_bytes = b"".join(self._waiting), [], 0
        if data:
            await asyncio.to_thread(self.sealed.write, data)

    def discard(self) -> None:
        """Leave nothing; what was kept stays."""
        self.draft.discard()


def new_id() -> str:
    """`file-` and 24 characters that nobody guesses."""
    return f"file-{secrets.token_hex(12)}"
