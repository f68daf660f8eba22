"""The answer cache of one worker: core.ports.Cache over a front in memory, a file, and a search by meaning."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from zhongshu.caches.disk import Disk, Fresh
from zhongshu.caches.flights import Flight, Flights
from zhongshu.caches.front import COPIES, Front, Held
from zhongshu.caches.keys import Identities, Identity
from zhongshu.caches.meaning import Batching, Embedder, Meaning
from zhongshu.caches.rules import Rule, Rules, plain_words, question_of, whole, wished
from zhongshu.caches.store import Bounds
from zhongshu.core.access import PRIORITIES, priority_of
from zhongshu.core.answers import Answer, Usage
from zhongshu.core.clock import Clock
from zhongshu.core.ports import Asking, Hit
from zhongshu.core.problems import Fault
from zhongshu.storage.sealing import KeyRing, Sealer
from zhongshu.storage.secrets import load_or_create_secret

log = logging.getLogger("zhongshu.caches")

_TOUCH_EVERY_NS = 60 * 10**9
_EMBEDDING_AT_MOST = 64
_LONGEST_S = 1e9  # thirty years; what settings may say beyond is no number in nanoseconds
_COMPLAIN_EVERY_S = 60.0


class Kept(msgspec.Struct, frozen=True):
    """An answer as it is kept, and what it took to make."""

    answer: Answer
    usage: Usage
    cost_nano: int
    took_us: int


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Kept).decode


class AnswerCache:
    """Answers given before. `use` says by which rules. missed: turns looked for in vain, by release."""

    def __init__(self, home: Path, rules: Rules, ring: KeyRing, clock: Clock) -> None:
        settings = rules.settings
        self.clock = clock
        self.rules = rules
        self.policy = ""
        self.front = Front(settings.memory_bytes, settings.tenant_share)
        self.disk = Disk(home, Sealer(ring, b"zs cached answer"), _bounds(rules), self.front)
        self.meaning: Meaning | None = None
        self.flights = Flights()
        self.missed: dict[str, int] = {}
        self._identities = Identities(load_or_create_secret(home / "secrets" / "cache.key"))
        self._embedding: set[asyncio.Task[None]] = set()
        self._complained_s = -_COMPLAIN_EVERY_S

    def use(self, rules: Rules, policy: str = "", embedder: Embedder | None = None) -> None:
        """Go by these settings from now on. policy: the digest of the policies in force, part of every key. embedder:
        None where nothing is compared by meaning."""
        self.policy = policy
        self.meaning = Meaning(self.disk, Batching(embedder), rules.settings.embedder) if embedder else None
        self.disk.on_cleared = self.meaning.forget if self.meaning else lambda: None
        self.rules = rules
        self.front.limit_bytes = rules.settings.memory_bytes
        self.front.tenant_share = rules.settings.tenant_share
        self.disk.bounds = _bounds(rules)

    def begin(self, asking: Asking, headers: Mapping[bytes, bytes]) -> AnswerSeek | None:
        """What to look for; None when this turn's answer is not to be cached."""
        rules, turn = self.rules, asking.turn
        rule = rules.of(asking.offer.release)
        if rule.reuse == "off" or not rules.allows(turn, asking.offer.release, rule):
            return None
        use = wished(turn, headers)
        if use == "no-store":
            return None
        question = question_of(turn) if rule.reuse == "semantic" and self.meaning else None
        tenant, user = asking.caller.tenant, (turn.user or "") if rules.settings.scope == "user" else ""
        try:
            found = self._identities.of(turn, tenant, user, asking.offer.release, asking.effort, self.policy, question)
        # What cannot be written canonically (integers beyond 64 bits, depth) is not cached.
        except (msgspec.MsgspecError, OverflowError, RecursionError, ValueError):
            return None
        return AnswerSeek(self, asking, rule, found, question if found.scope else None, use == "refresh")

    def remember(self, fresh: Fresh, hit: Hit) -> None:
        """Keep an answer at hand and on disk."""
        self.front.put(fresh.key, Held(hit, fresh.tenant, fresh.expires_ns, COPIES * len(fresh.answer)))
        self.disk.keep(fresh)

    def remember_meaning(self, fresh: Fresh, text: str, vector: Any) -> None:
        """Add the question of an answer that was kept, so that another wording finds it. It is embedded beside turns;
        when too many wait to be, it is left out."""
        if self.meaning is None or len(self._embedding) >= _EMBEDDING_AT_MOST:
            return
        task = asyncio.create_task(self._with_question(fresh, text, vector))
        self._embedding.add(task)
        task.add_done_callback(self._embedding.discard)

    async def _with_question(self, fresh: Fresh, text: str, vector: Any) -> None:
        assert self.meaning is not None
        try:
            question = await self.meaning.question(text, vector)
        except Fault as fault:
            return self.complain(fault.problem.code)
        self.disk.keep(msgspec.structs.replace(fresh, question=question, later=True))

    def complain(self, why: str) -> None:
        """Say that questions cannot be compared now, once a minute at most."""
        if time.monotonic() - self._complained_s >= _COMPLAIN_EVERY_S:
            self._complained_s = time.monotonic()
            log.warning("the answer cache cannot compare questions for now: %s", why)

    async def aclose(self) -> None:
        """Write what waits and let go of the file."""
        if self._embedding:
            await asyncio.wait(list(self._embedding), timeout=5)
        await self.disk.aclose()


class AnswerSeek:
    """One turn's use of the cache."""

    __slots__ = (
        "_asking", "_cache", "_flight", "_identity", "_question", "_refresh", "_release", "_rule", "_vector",
    )  # fmt: skip

    def __init__(
        self, cache: AnswerCache, asking: Asking, rule: Rule, found: Identity, question: str | None, refresh: bool
    ) -> None:
        self._cache = cache
        self._asking = asking
        self._release = asking.offer.release
        self._rule = rule
        self._identity = found
        self._question = question
        self._refresh = refresh
        self._vector: Any = None
        self._flight: Flight | None = None

    async def find(self, *, wait: bool = False) -> Hit | None:
        """The answer of the same turn, else of one that means the same; `wait`: else of one being asked right now."""
        if self._refresh:
            return None
        cache, now_ns = self._cache, self._cache.clock.now_ns()
        held = await self._held(self._identity.key, now_ns)
        if held is not None:
            return held.hit
        hit = await self._similar(now_ns) if self._question is not None else None
        if hit is None and wait:
            hit = await self._shared()
        if hit is None:
            cache.missed[self._release.name] = cache.missed.get(self._release.name, 0) + 1
        return hit

    def over(self, *, left: bool) -> None:
        """The turn is over. Who waits for its answer and has none by now asks; left: its caller went away."""
        if self._flight is not None:
            self._cache.flights.land(self._identity.key, self._flight, "left" if left else None)

    def keep(self, answer: Answer, usage: Usage, cost_nano: int, took_us: int) -> None:
        """Remember a whole answer of the release that was looked for. Returns at once."""
        cache, turn = self._cache, self._asking.turn
        if self._asking.offer.release.name != self._release.name or not whole(answer, turn):
            return
        answer = msgspec.structs.replace(
            answer, wire=None, dialect="", model=answer.model or self._release.upstream_model
        )
        kept = _encode(Kept(answer, usage, cost_nano, took_us))
        if len(kept) > cache.rules.settings.entry_bytes:
            return
        now_ns = cache.clock.now_ns()
        fresh = Fresh(
            key=self._identity.key,
            scope=self._identity.scope,
            tenant=self._asking.caller.tenant,
            user=turn.user or "",
            model=self._release.name,
            made_ns=now_ns,
            expires_ns=now_ns + int(min(self._rule.ttl_s, _LONGEST_S) * 1e9),
            answer=kept,
        )
        hit = Hit(answer, "exact", 1.0, usage, cost_nano, took_us)
        cache.remember(fresh, hit)
        if self._flight is not None:
            cache.flights.land(self._identity.key, self._flight, hit)
        if self._question is not None and plain_words(answer):
            cache.remember_meaning(fresh, self._question, self._vector)

    async def _held(self, key: bytes, now_ns: int) -> Held | None:
        """From memory, else from disk, and then at hand for the next one."""
        cache, tenant = self._cache, self._asking.caller.tenant
        held = cache.front.get(tenant, key, now_ns)
        if held is None:
            found = await cache.disk.find(tenant, key, now_ns)
            if found is None:
                return None
            try:
                kept = _decode(found.answer)
            except msgspec.MsgspecError:  # written by another version
                return None
            hit = Hit(kept.answer, "exact", 1.0, kept.usage, kept.cost_nano, kept.took_us)
            held = Held(hit, tenant, found.expires_ns, COPIES * len(found.answer), found.text_key)
            cache.front.put(key, held)
        if now_ns - held.touched_ns > _TOUCH_EVERY_NS:
            held.touched_ns = now_ns
            cache.disk.used(key, now_ns)
        return held

    async def _shared(self) -> Hit | None:
        asking = self._asking
        rank = PRIORITIES.index(priority_of(asking.turn.wishes.priority, asking.caller.priority))
        joined = await self._cache.flights.join(self._identity.key, rank)
        if isinstance(joined, Flight):
            self._flight = joined
            return None
        return joined if isinstance(joined, Hit) else None

    async def _similar(self, now_ns: int) -> Hit | None:
        cache, rule = self._cache, self._rule
        assert cache.meaning is not None
        tenant, text = self._asking.caller.tenant, self._question or ""
        looking = cache.meaning.similar(tenant, self._identity.scope, text, rule.threshold, now_ns)
        try:
            looked = await asyncio.wait_for(looking, cache.rules.settings.embed_wait_s)
        except (Fault, TimeoutError) as error:
            why = error.problem.code if isinstance(error, Fault) else "it took too long"
            cache.complain(why)
            return None
        self._vector = looked.vector
        for similar in looked.found:
            held = await self._held(similar.key, now_ns)
            if held is not None:
                return msgspec.structs.replace(held.hit, kind="semantic", similarity=round(similar.cosine, 4))
        return None


def _bounds(rules: Rules) -> Bounds:
    settings = rules.settings
    return Bounds(settings.max_entries, settings.max_bytes, settings.tenant_share)
