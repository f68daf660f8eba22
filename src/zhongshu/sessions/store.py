"""Remembered turns in the state database: every statement of this room, by name. Sealed on the way in and out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from zhongshu.sessions.kept import Kept, Pieces, State, Total
from zhongshu.sessions.sealing import Sealer
from zhongshu.sessions.tables import kept_items, kept_pieces, kept_turns

_UNFINISHED = ("queued", "running")


class Found(Kept, frozen=True, kw_only=True):
    """A turn, and who was at work on it."""

    owner: str | None = None


class Store:
    """Reads and writes rows; the caller's connection decides when they count."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def add(self, db: Connection, kept: Kept, expires_ns: int, owner: str | None = None) -> None:
        """Keep a new turn."""
        row = {"id": kept.id, "tenant": kept.tenant, "created_ns": kept.created_ns, "expires_ns": expires_ns}
        row |= {"state": kept.state, "previous": kept.previous, "owner": owner}
        db.execute(insert(kept_turns).values(row | self._texts(kept)))
        self._name(db, kept)

    def finish(self, db: Connection, kept: Kept) -> bool:
        """Give an unfinished turn its end. False when it has one already, or was deleted."""
        texts = {"answered": self._seal(kept, "answered", kept.answered)}
        changed = db.execute(
            update(kept_turns)
            .where(kept_turns.c.id == kept.id, kept_turns.c.state.in_(_UNFINISHED))
            .values(state=kept.state, owner=None, **texts)
        )
        if not changed.rowcount:
            return False
        self._name(db, kept)
        return True

    def mark(self, db: Connection, id: str, state: State, of: Sequence[State] = _UNFINISHED) -> bool:
        """Change only the state, if it is one of `of`."""
        owner = {} if state in _UNFINISHED else {"owner": None}
        changed = db.execute(
            update(kept_turns).where(kept_turns.c.id == id, kept_turns.c.state.in_(of)).values(state=state, **owner)
        )
        return bool(changed.rowcount)

    def find(self, db: Connection, tenant: str, id: str, now_ns: int) -> Found | None:
        """A tenant's turn."""
        row = db.execute(
            select(kept_turns).where(
                kept_turns.c.id == id, kept_turns.c.tenant == tenant, kept_turns.c.expires_ns > now_ns
            )
        ).one_or_none()
        return self._found(row) if row else None

    def state(self, db: Connection, id: str) -> State | None:
        """Only the state; None when it is gone."""
        return db.execute(select(kept_turns.c.state).where(kept_turns.c.id == id)).scalar_one_or_none()

    def chain(self, db: Connection, tenant: str, id: str, now_ns: int, most: int) -> list[Found] | None:
        """A turn and all that it goes on from, oldest first; None when one of them is not there."""
        chain: list[Found] = []
        following: str | None = id
        while following is not None:
            found = self.find(db, tenant, following, now_ns)
            if found is None or len(chain) >= most:
                return None
            chain.append(found)
            following = found.previous
        chain.reverse()
        return chain

    def with_items(self, db: Connection, tenant: str, items: Iterable[str], now_ns: int) -> list[Found]:
        """The tenant's turns that these items belong to."""
        named = select(kept_items.c.turn).where(kept_items.c.tenant == tenant, kept_items.c.item.in_(tuple(items)))
        rows = db.execute(
            select(kept_turns).where(
                kept_turns.c.id.in_(named), kept_turns.c.tenant == tenant, kept_turns.c.expires_ns > now_ns
            )
        )
        return [self._found(row) for row in rows]

    def delete(self, db: Connection, tenant: str, id: str) -> bool:
        """Forget one turn; False when the tenant has none of that name."""
        gone = db.execute(delete(kept_turns).where(kept_turns.c.id == id, kept_turns.c.tenant == tenant)).rowcount
        if gone:
            db.execute(delete(kept_items).where(kept_items.c.turn == id))
            db.execute(delete(kept_pieces).where(kept_pieces.c.turn == id))
        return bool(gone)

    def delete_tenant(self, db: Connection, tenant: str) -> int:
        """Forget everything of a tenant; how many turns that were."""
        return self._delete_where(db, kept_turns.c.tenant == tenant)

    def sweep(self, db: Connection, now_ns: int) -> int:
        """Forget what is past its time; how many turns that were."""
        return self._delete_where(db, kept_turns.c.expires_ns <= now_ns)

    def totals(self, db: Connection, now_ns: int) -> list[Total]:
        """What is remembered, by tenant."""
        size = func.length(kept_turns.c.asked) + func.length(kept_turns.c.answered)
        rows = db.execute(
            select(
                kept_turns.c.tenant,
                func.count(),
                func.sum(kept_turns.c.state.in_(_UNFINISHED)),
                func.min(kept_turns.c.created_ns),
                func.max(kept_turns.c.created_ns),
                func.sum(size),
            )
            .where(kept_turns.c.expires_ns > now_ns)
            .group_by(kept_turns.c.tenant)
            .order_by(kept_turns.c.tenant)
        )
        return [Total(*row) for row in rows]

    def unfinished(self, db: Connection) -> list[tuple[str, str]]:
        """Turns somebody is said to be at work on, each with who that is."""
        rows = db.execute(
            select(kept_turns.c.id, kept_turns.c.owner).where(
                kept_turns.c.state.in_(_UNFINISHED), kept_turns.c.owner.is_not(None)
            )
        )
        return [(row.id, row.owner) for row in rows]

    def add_pieces(self, db: Connection, tenant: str, turn: str, pieces: Pieces) -> None:
        """Keep part of a stream, if its turn is still there."""
        if self.state(db, turn) is not None:
            data = self._sealer.seal(tenant, f"{turn}/{pieces.first}", pieces.data)
            db.execute(insert(kept_pieces).values(turn=turn, first=pieces.first, last=pieces.last, data=data))

    def pieces(self, db: Connection, tenant: str, turn: str, after: int) -> list[Pieces]:
        """What was kept of a stream behind piece number `after`, in order."""
        rows = db.execute(
            select(kept_pieces)
            .where(kept_pieces.c.turn == turn, kept_pieces.c.last > after)
            .order_by(kept_pieces.c.first)
        )
        return [Pieces(row.first, row.last, self._sealer.open(tenant, f"{turn}/{row.first}", row.data)) for row in rows]

    def _delete_where(self, db: Connection, which: Any) -> int:
        turns = select(kept_turns.c.id).where(which)
        db.execute(delete(kept_items).where(kept_items.c.turn.in_(turns)))
        db.execute(delete(kept_pieces).where(kept_pieces.c.turn.in_(turns)))
        return db.execute(delete(kept_turns).where(which)).rowcount

    def _name(self, db: Connection, kept: Kept) -> None:
        """Items by their names; of one that stands in several turns, as a client hands it back, the first counts."""
        rows = [{"tenant": kept.tenant, "item": item, "turn": kept.id} for item in dict.fromkeys(kept.items)]
        if rows:
            db.execute(insert(kept_items).prefix_with("OR IGNORE"), rows)

    def _texts(self, kept: Kept) -> dict[str, bytes]:
        return {field: self._seal(kept, field, getattr(kept, field)) for field in ("asked", "answered")}

    def _seal(self, kept: Kept, field: str, text: bytes) -> bytes:
        return self._sealer.seal(kept.tenant, f"{kept.id}/{field}", text)

    def _found(self, row: Row[Any]) -> Found:
        def text(field: str, sealed: bytes) -> bytes:
            return self._sealer.open(row.tenant, f"{row.id}/{field}", sealed)

        return Found(
            id=row.id,
            tenant=row.tenant,
            created_ns=row.created_ns,
            state=row.state,
            previous=row.previous,
            asked=text("asked", row.asked),
            answered=text("answered", row.answered),
            owner=row.owner,
        )
