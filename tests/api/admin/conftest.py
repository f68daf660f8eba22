"""Administration over a real state directory: real keys, a real journal with turns in it; only upstreams are in memory."""

import msgspec
import pytest

from tests.api.conftest import Response
from tests.api.exchange import exchange
from zhongshu.access.build import STATE, open_access
from zhongshu.access.settings import AccessSettings
from zhongshu.api.admin.later import Later
from zhongshu.api.admin.parts import AdminParts
from zhongshu.catalog.catalog import offer_of
from zhongshu.catalog.changing import ReleaseDesk
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.answers import Usage
from zhongshu.core.clock import SystemClock
from zhongshu.core.ids import trace_id
from zhongshu.core.records import Attempt, Record
from zhongshu.engine.messages import EngineStatus, ModelStatus
from zhongshu.ledger.export import LabelWords
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.settings import LedgerSettings
from zhongshu.pipeline.routings import Weighing
from zhongshu.router.decision import Decider
from zhongshu.storage.database import open_database
from zhongshu.upstreams.dispatch.switches import Switches

ROWS = (
    ModelSettings(name="small", upstream="up", tier="general"),
    ModelSettings(name="local", upstream="embedded"),
)


class FakeUpstream:
    """Only what administration asks of an upstream."""

    def __init__(self, name, broken=None):
        self.name = name
        self.broken = broken

    async def check(self):
        if self.broken:
            raise self.broken


class Desk:
    """Administration, and what is behind it."""

    def __init__(self, home):
        self.home = home
        self.clock = SystemClock()
        self.ledger = LedgerSettings(min_free_bytes=0)
        self.access = open_access(AccessSettings(), home, self.clock, "worker-0")
        self.state = open_database(home / STATE)
        self.journal = open_journal(self.ledger, home, "worker-0", self.clock)
        self.notes = []
        self.note_fails = None
        self.reloads = 0
        self.standing = None
        self.on_reload = lambda: None
        self.health = {}
        self.upstreams = {"up": FakeUpstream("up"), "embedded": FakeUpstream("embedded")}
        self.admin_key = self.access.admin.create_key("default", "boss", role="admin").secret
        self.user_key = self.access.admin.create_key("default", "worker").secret
        self.app = self.application()

    def application(self, **other):
        """Administration; `other` replaces some of its parts."""
        given = dict(  # noqa: C408
            gate=self.access.gate, access=self.access.admin, clock=self.clock, home=self.home, ledger=self.ledger,
            releases=ReleaseDesk(self.state, self.clock, lambda: tuple(map(offer_of, ROWS))),
            label_words=lambda: LabelWords(producer="001191110000000000000000001"), note=self._note,
            offers=lambda: tuple(map(offer_of, ROWS)), upstreams=lambda: self.upstreams,
            health=lambda: self.health, switches=Switches(self.state, self.clock),
            local_file=lambda offer: None if offer.release.upstream == "up" else False, engine=self._engine,
            settings=lambda: {"server": {"port": 7070}}, reload=self._reload, standing=lambda: self.standing,
            weighing=lambda: Weighing(Decider(), ()), max_body_bytes=100_000,
        )  # fmt: skip
        return Later(AdminParts(**(given | other)))

    async def _note(self, name, facts):
        if self.note_fails:
            raise self.note_fails
        self.notes.append((name, dict(facts)))

    async def _engine(self):
        model = ModelStatus(model="local", state="ready", kind="chat", pid=7, slots=4)
        return EngineStatus(budget_bytes=1 << 30, models=(model,))

    def _reload(self):
        self.reloads += 1
        self.on_reload()

    async def write(self, *, at_ns=None, **fields):
        record = Record(
            trace=trace_id(), at_ns=at_ns or self.clock.now_ns(),
            **(dict(  # noqa: C408
                outcome="answered", tenant="default", key_id="k_1", asked="auto", release="small@1", upstream="up",
                served="small", usage=Usage(3, 2), cost_nano=1_500_000_000, took_us=2500, label="1",
                attempts=(Attempt("up", "small", 200, "", 2000),), prompt=b'{"q":"\xe4\xbd\xa0\xe5\xa5\xbd"}',
                answer=b'{"a":"hi"}',
            ) | fields),
        )  # fmt: skip
        await self.journal.write(record)
        return record.trace

    async def call(self, method, path, body=None, *, key="admin", headers=None, raw=None):
        given = {"content-type": "application/json"} if body is not None or raw is not None else {}
        if key is not None:
            given["authorization"] = f"Bearer {getattr(self, f'{key}_key', key)}"
        given |= headers or {}
        sent = raw if raw is not None else b"" if body is None else msgspec.json.encode(body)
        more = {
            "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "",
            "raw_path": path.partition("?")[0].encode(), "client": ("10.0.0.9", 5), "server": ("127.0.0.1", 7070),
        }  # fmt: skip
        return Response(await exchange(self.app, method, path, sent, given, **more))


@pytest.fixture
async def desk(tmp_path):
    made = Desk(tmp_path / "home")
    await made.access.start()
    yield made
    await made.journal.aclose()
    await made.access.aclose()
    made.state.close()
