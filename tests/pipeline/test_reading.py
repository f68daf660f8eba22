"""Documents, sound and pictures that no model of `auto` takes are made into text first, and the record says so."""

import base64

import msgspec
import pytest

from tests.pipeline.conftest import Path
from zhongshu.access.fake import SOMEBODY
from zhongshu.catalog.catalog import ModelCatalog, offer_of
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.answers import Passed, Usage
from zhongshu.core.problems import Fault, Refusal, fault
from zhongshu.core.turns import Audio, File, Image, Message, Text, Turn, Video
from zhongshu.pipeline.answer import answer, stream
from zhongshu.pipeline.reading import documents
from zhongshu.pipeline.reading.reader import PartReader, Remembered
from zhongshu.pipeline.stages import Arrived
from zhongshu.router.decision import Decider
from zhongshu.router.settings import ReadingSettings
from zhongshu.upstreams.dispatch.dispatcher import UpstreamDispatcher
from zhongshu.upstreams.fake import FakeModel

PICTURE = Image("data:image/png;base64,AAAA")


def b64(text, encoding="utf-8"):
    return base64.b64encode(text.encode(encoding)).decode()


SOUND = Audio(b64("RIFFsound"), "wav")


class Ears(FakeModel):
    async def hand_on(self, call):
        self._begin(call)
        form = call.turn.wire.form
        begin, end = form.model_at
        assert form.body[begin:end] == b"ears"
        assert b'name="file"; filename="sound.wav"\r\nContent-Type: audio/wav\r\n\r\nRIFFsound\r\n' in form.body
        return Passed(b'{"text": "hello from the recording"}', "application/json", Usage(prompt=7))


class Read(Path):
    """auto is one model of words; `eyes` sees and `ears` hears, by name alone."""

    def __init__(self, able=(), eyes=None, **settings):
        super().__init__(FakeModel("fake", says="fine"))
        self.eyes, self.ears = eyes or FakeModel("eyes", says="A cat. HELLO"), Ears("ears")
        rows = (
            ModelSettings(name="small", upstream="fake", tier="general", abilities=("chat", *able)),
            ModelSettings(name="eyes", upstream="eyes", abilities=("chat", "vision")),
            ModelSettings(name="ears", upstream="ears", abilities=("transcription",)),
            ModelSettings(name="papers", upstream="fake", abilities=("chat", "files")),
        )
        upstreams = {"fake": self.model, "eyes": self.eyes, "ears": self.ears}
        catalog = ModelCatalog([offer_of(row) for row in rows])
        self.rooms = msgspec.structs.replace(
            self.rooms,
            catalog=catalog,
            router=Decider(cards=catalog.cards()),
            dispatcher=UpstreamDispatcher(upstreams, self.clock),
            reader=PartReader(ReadingSettings(**settings), answer, Remembered()),
        )

    def brought(self, *parts, caller=SOMEBODY, **fields):
        turn = Turn(
            "t" * 32, 5, "chat", "openai.chat", "auto", body_bytes=4000,
            messages=(Message("user", (Text("What is this?"), *parts)),), **fields,
        )  # fmt: skip
        return Arrived(turn, caller, 0, b'{"the": "request"}')

    def told(self):
        """What the model of words was asked last."""
        return self.model.calls[-1].turn.messages[-1].text()


@pytest.mark.parametrize(
    ("part", "words", "read"),
    [
        (PICTURE, "A cat. HELLO", "picture: eyes"),
        (SOUND, "hello from the recording", "sound: ears"),
        (File("a.csv", b64("name,age\nAnn,3\n")), "name,age\nAnn,3", "document: csv, here"),
        (
            File("a.csv", "data:text/csv;base64," + b64("姓名\n张三", "gb18030")),
            "姓名\n张三",
            "document: text/csv, here",
        ),
        (
            File(None, b64("# Title"), media_type="text/markdown; charset=utf-8"),
            "# Title",
            "document: text/markdown, here",
        ),
        (File("p.html", b64("<style>x</style><p>Hi <b>you</b></p>")), "Hi you", "document: html, here"),
        (File("x.json", b64('{"a": 1}')), '{"a": 1}', "document: json, here"),
        (
            File("p.html", b64("<html><head><title>T</title><body><p>Hi &lt;b&gt; 1 < 2</p>")),
            "Hi <b> 1 < 2",
            "document: html, here",
        ),
        (File("e.svg", b64("<svg>drawn</svg>")), "drawn", "document: svg, here"),
        (File("d.svg", b64("<svg>drawn</svg>"), media_type="image/svg+xml"), "drawn", "document: image/svg+xml, here"),
        (File("a.txt", b64("你好 hi", "utf-16")), "你好 hi", "document: txt, here"),
        (
            File("a.txt", b64("hi", "utf-16-le"), media_type="text/plain; charset=utf-16le"),
            "hi",
            "document: text/plain, here",
        ),
        (
            File("a.txt", b64("Café été", "cp1252"), media_type="text/plain; charset=iso-8859-1"),
            "Café été",
            "document: text/plain, here",
        ),
        (File("a.txt", "data:text/plain;charset=utf-8,Hello%20%E4%BD%A0"), "Hello 你", "document: text/plain, here"),
        (
            File("a.txt", base64.urlsafe_b64encode("？？>>>~~".encode()).decode().rstrip("=")),
            "？？>>>~~",
            "document: txt, here",
        ),
        (File("long.txt", b64("long " * 20_000)), "long long", "document: txt, here"),
        (File("scan.png", b64("png"), media_type="image/png"), "A cat. HELLO", "picture: eyes"),
        (File("talk.wav", b64("RIFFsound"), media_type="audio/wav"), "hello from the recording", "sound: ears"),
    ],
)
async def test_what_no_model_takes_becomes_text(part, words, read):
    path = Read()
    done = await answer(path.rooms, path.brought(part))
    assert not isinstance(done, Refusal), done
    assert words in path.told()
    assert path.told().startswith("What is this?")
    record = path.journal.records[-1]
    assert (record.release, record.read, record.prompt) == ("small@1", (read,), b'{"the": "request"}')
    assert record.reason.startswith(f"Made into text first ({read}).")
    assert done.answered.routed.route.reason_zh.startswith("先转为文字")


async def test_a_stream_is_read_first_too():
    path = Read()
    live = await stream(path.rooms, path.brought(SOUND, stream=True))
    assert [batch async for batch in live.batches()]
    assert "hello from the recording" in path.told()


async def test_a_model_that_takes_it_is_asked_as_it_is():
    path = Read(able=("vision",))
    await answer(path.rooms, path.brought(PICTURE))
    assert PICTURE in path.model.calls[-1].turn.messages[-1].content
    assert path.journal.records[-1].read == ()
    assert not path.eyes.calls


async def test_only_what_the_model_does_not_take_is_read():
    path = Read(able=("vision",))
    await answer(path.rooms, path.brought(PICTURE, SOUND))
    assert PICTURE in path.model.calls[-1].turn.messages[-1].content
    assert path.journal.records[-1].read == ("sound: ears",)


async def test_reading_is_a_turn_of_the_same_caller_and_is_paid_for():
    path = Read()
    caller = msgspec.structs.replace(SOMEBODY, models=("auto",))
    await answer(path.rooms, path.brought(SOUND, PICTURE, caller=caller))
    listening, looking, own = path.journal.records
    assert [record.release for record in (listening, looking, own)] == ["ears@1", "eyes@1", "small@1"]
    assert {record.key_id for record in path.journal.records} == {"k_fake"}
    assert own.trace.encode() in listening.prompt
    assert b"RIFF" not in listening.prompt
    first, *reading, last = path.gate.permits
    assert first.released, "its place is free while it is read"
    assert first.settled is None
    assert all(permit.settled for permit in (*reading, last))
    assert last.ask.tokens != first.ask.tokens, "what is reserved is for the words"


async def test_what_was_read_is_remembered_for_its_tenant_alone():
    path = Read()
    for _ in range(3):
        await answer(path.rooms, path.brought(PICTURE))
    assert len(path.eyes.calls) == 1
    await answer(path.rooms, path.brought(PICTURE, caller=msgspec.structs.replace(SOMEBODY, tenant="other")))
    assert len(path.eyes.calls) == 2


@pytest.mark.parametrize(
    ("part", "settings", "code", "said"),
    [
        (File("a.pdf", b64("%PDF"), media_type="application/pdf"), {}, "model_cannot", "application/pdf"),
        (File("a.pdf", b64("%PDF"), media_type="application/pdf"), {}, "model_cannot", "`papers`"),
        (File("a.docx", b64("PK")), {}, "model_cannot", "documents of the type docx"),
        (File("a.txt", id="file-1"), {}, "model_cannot", "documents without their content"),
        (File("a.txt", url="https://example.com/a.txt"), {}, "model_cannot", "documents without their content"),
        (File("a.txt", b64("%PDF-1.4 a")), {}, "model_cannot", "documents of the type application/pdf"),
        (File("a.csv", b64("PK\3\4")), {}, "model_cannot", "documents of the type application/zip"),
        (File("a.txt", b64("二进制\1\2\x19", "gb18030")), {}, "invalid_value", "Base64"),
        (Image("data:application/pdf;base64,AAAA"), {}, "invalid_value", "begins with image/"),
        (File("a.txt", "@@@"), {}, "invalid_value", "Base64"),
        (File("a.txt", b64("\0\0\0")), {}, "invalid_value", "Base64"),
        (File("a.txt", b64("x" * 11)), {"max_characters": 10}, "invalid_value", "11 characters is too long"),
        (File("a.txt", b64("x")), {"documents": False}, "model_cannot", "`papers`"),
        (Audio("@@@", "wav"), {}, "invalid_value", "Base64"),
        (Audio(b64("x"), "wav\r\nx"), {}, "invalid_value", "Base64"),
        (SOUND, {"sound": "none"}, "model_cannot", "sound"),
        (PICTURE, {"pictures": "none"}, "model_cannot", "`eyes`"),
        (Video("https://example.com/a.mp4"), {}, "model_cannot", "films"),
    ],
)
async def test_what_cannot_be_read_is_refused_naming_who_could(part, settings, code, said):
    path = Read(**settings)
    refused = await answer(path.rooms, path.brought(part))
    assert isinstance(refused, Refusal)
    assert (refused.problem.code, refused.problem.param) == (code, "messages")
    assert said in refused.problem.message
    assert not path.model.calls
    (record,) = path.journal.records
    assert (record.outcome, record.error) == ("refused", code)
    assert all(permit.released for permit in path.gate.permits)


async def test_a_reader_that_fails_fails_the_turn():
    path = Read(eyes=FakeModel("eyes", fails=fault("upstream_error", upstream="eyes", upstream_status=500)))
    with pytest.raises(Fault) as failed:
        await answer(path.rooms, path.brought(PICTURE))
    assert failed.value.problem.code == "upstream_error"
    assert [record.outcome for record in path.journal.records] == ["failed", "failed"]


@pytest.mark.parametrize(
    "many", ["<!", "<a ", "</", "<!--", "<", "<a b=\"'", "<a b=\"'>", "<a =", "<script>", "<title></", "&#1", "<div>"]
)
def test_a_page_takes_time_in_proportion_to_its_size(many):
    page = File("p.html", b64("seen" + many * 100_000))  # quadratic, this takes minutes
    assert (documents.opened(page).text or "").startswith("seen")


async def test_what_is_remembered_is_no_call():
    path = Read()
    pictures = [Image(f"data:image/png;base64,AAA{letter}") for letter in "ABCDEFGHIJKLMNOPQRST"]
    for number in (10, 20):
        assert not isinstance(await answer(path.rooms, path.brought(*pictures[:number])), Refusal)
    assert len(path.eyes.calls) == 20
    more = [Image(f"data:image/png;base64,BBB{letter}") for letter in "ABCDEFGHIJKLMNOPQ"]
    assert isinstance(await answer(path.rooms, path.brought(*more)), Refusal)
    assert len(path.eyes.calls) == 36, "at most 16 a turn"


def test_what_is_remembered_is_bounded():
    kept = Remembered(most=10)
    for number in range(5):
        kept.put(("t", "m", str(number)), "x" * 4)
    assert kept.get(("t", "m", "0")) is None
    assert kept.get(("t", "m", "4")) == "xxxx"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (File("a.txt", "data:text/plain;charset=utf-8;base64," + b64("é")), "é"),
        (File("a.txt", base64.b64encode("é".encode("utf-16")).decode()), "é"),
        (File("a.txt", b64("\ufeffé")), "é"),
        (File("a.html", b64("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>")), "a b\nc"),
        (File("a.html", b64("<p>unclosed <script>x = '</p>'")), "unclosed"),
        (File("a.bin", base64.b64encode(b"\xff\x00\xff").decode()), None),
    ],
)
def test_documents_as_text(file, text):
    assert documents.opened(file).text == text
