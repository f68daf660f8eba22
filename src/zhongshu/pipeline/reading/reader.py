"""pipeline.stages.Reader: documents, sound and pictures of a turn made into text, where no model of its own takes them.

Documents that are text are read here. Sound is written down by a model that transcribes, pictures are told by one that
sees; each such call is a turn of the same caller. What was made of a thing is remembered for a while, for its tenant
alone: conversations send their history again.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import msgspec

from zhongshu.core.models import Ability, Offer
from zhongshu.core.problems import Refusal, Said, problem
from zhongshu.core.turns import Audio, File, Image, Message, Part, Text, Turn
from zhongshu.pipeline.reading import asking, documents
from zhongshu.pipeline.stages import Arrived, Labelled, Rooms
from zhongshu.router.settings import ReadingSettings

Answering = Callable[[Rooms, Arrived], Awaitable[Labelled | Refusal]]

_MOST_READINGS = 16
_LARGE = 50_000
"""Characters of Base64 from which a document is read beside the event loop: other turns do not wait for it."""
_REMEMBERED_CHARACTERS = 8_000_000
_FORM = re.compile(r"[a-z0-9]{1,8}")
_NO_PICTURE = re.compile(r"data:(?:text|audio|video|application/(?!octet-stream))", re.IGNORECASE)
_NEEDS: dict[type, Ability] = {File: "files", Audio: "audio", Image: "vision"}


class PartReader:
    """The reader of one worker. answering: how a turn is answered. What it remembers outlives a change of settings."""

    def __init__(self, settings: ReadingSettings, answering: Answering, remembered: Remembered) -> None:
        self._settings = settings
        self._answering = answering
        self._remembered = remembered

    async def read(
        self, rooms: Rooms, arrived: Arrived, offers: tuple[Offer, ...], refused: Refusal
    ) -> Arrived | Refusal:
        """The turn with text in place of what none of `offers` takes; `refused` again where nothing can be read."""
        missing = {part for part, ability in _NEEDS.items() if not any(ability in o.card.abilities for o in offers)}
        read = await self._made(rooms, arrived, missing, refused)
        if read is refused and missing != set(_NEEDS):  # each thing is taken by somebody, but by no one all
            read = await self._made(rooms, arrived, set(_NEEDS), refused)
        return read

    async def _made(self, rooms: Rooms, arrived: Arrived, kinds: set[type], refused: Refusal) -> Arrived | Refusal:
        turn = arrived.turn
        reading = _Reading(self, rooms, arrived, kinds)
        messages: list[Message] = []
        for message in turn.messages:
            made = await reading.message(message)
            if isinstance(made, Refusal):
                return made
            messages.append(made)
        if not reading.read:
            return refused
        changed = turn.changed(messages=tuple(messages))
        size = max(1, turn.body_bytes - reading.gone + reading.come)
        changed = msgspec.structs.replace(changed, body_bytes=size)
        return msgspec.structs.replace(arrived, turn=changed, read=tuple(dict.fromkeys(reading.read)))

    # What a reading asks of it ---------------------------------------------------------------------------------

    @property
    def settings(self) -> ReadingSettings:
        """What is read, and by whom."""
        return self._settings

    def who(self, rooms: Rooms, named: str, ability: Ability) -> str | None:
        """The model that can; None for nobody."""
        if named == "none":
            return None
        able = (card.name for card in rooms.catalog.cards() if ability in card.abilities and not card.strategy)
        return named or next(able, None)

    def known(self, place: tuple[str, str, str]) -> str | None:
        """What was made of a thing before; None when that is not remembered."""
        return self._remembered.get(place)

    async def asked(self, rooms: Rooms, arrived: Arrived, turn: Turn, place: tuple[str, str, str]) -> str | Refusal:
        """What a model makes of a thing; remembered from then on."""
        caller = msgspec.structs.replace(arrived.caller, models=())
        kept = asking.kept(turn, arrived.turn.trace)
        inner = Arrived(turn, caller, rooms.clock.steady_ns(), kept, arrived.address, arrived.agent)
        done = await self._answering(rooms, inner)
        if isinstance(done, Refusal):
            return done
        words = asking.words_in(done.answered.answer)
        self._remembered.put(place, words)
        return words


class Remembered:
    """What was made of things, newest last; a bounded number of characters, in memory only."""

    def __init__(self, most: int = _REMEMBERED_CHARACTERS) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    def get(self, place: tuple[str, str, str]) -> str | None:
        """What was made of it; None when that is not known."""
        found = self._kept.get(place)
        if found is not None:
            self._kept.move_to_end(place)
        return found

    def put(self, place: tuple[str, str, str], text: str) -> None:
        """Remember it; the oldest go."""
        self._size += len(text) - len(self._kept.pop(place, ""))
        self._kept[place] = text
        while self._size > self._most and self._kept:
            self._size -= len(self._kept.popitem(last=False)[1])


class _Reading:
    """One turn being read. kinds: of parts that are to become text. gone, come: bytes of what was and of what is there."""

    def __init__(self, reader: PartReader, rooms: Rooms, arrived: Arrived, kinds: set[type]) -> None:
        self._reader = reader
        self._rooms = rooms
        self._arrived = arrived
        self._kinds = kinds
        self._calls = 0
        self.read: list[str] = []
        self.gone = self.come = 0

    async def message(self, message: Message) -> Message | Refusal:
        if isinstance(message.content, str) or not any(type(part) in self._kinds for part in message.content):
            return message
        parts: list[Part] = []
        for part in message.content:
            made = await self._part(part) if type(part) in self._kinds else part
            if isinstance(made, Refusal):
                return made
            parts.append(made)
        return msgspec.structs.replace(message, content=tuple(parts))

    async def _part(self, part: Part) -> Part | Refusal:
        """A part as text; itself where nobody here can read such things."""
        match part:
            case Audio():
                return await self._sound(part, part.data, part.format)
            case Image():
                return await self._picture(part, part)
            case File():
                return await self._file(part)
            case _:
                return part

    async def _file(self, file: File) -> Part | Refusal:
        kind = documents.type_of(file)
        if file.data and kind.startswith("image/") and not documents.is_text(file):  # SVG is text
            url = file.data if file.data.startswith("data:") else f"data:{kind};base64,{file.data}"
            return await self._picture(file, Image(url))
        if file.data and kind.startswith("audio/"):
            return await self._sound(file, file.data, kind.removeprefix("audio/").removeprefix("x-"))
        if not self._reader.settings.documents:
            return file
        if not file.data:
            return self._cannot(Said("documents without their content", "没有内容的文档"))
        if not documents.is_text(file):
            shown = kind or documents.ending_of(file)[:16] or "?"
            return self._cannot(Said(f"documents of the type {shown}", f"{shown} 类型的文档"))
        large = len(file.data) > _LARGE
        found = await asyncio.to_thread(documents.opened, file) if large else documents.opened(file)
        if found.other:
            return self._cannot(Said(f"documents of the type {found.other}", f"{found.other} 类型的文档"))
        text = found.text
        if text is None:
            return _bad(
                Said(
                    "a text document comes as Base64, in UTF-8, UTF-16 or GB 18030",
                    "文本文档须为 Base64，编码为 UTF-8、UTF-16 或 GB 18030",
                )
            )
        return self._words(text, "document", f"{kind or documents.ending_of(file)}, here", len(file.data))

    async def _sound(self, part: Part, data: str, form: str) -> Part | Refusal:
        model = self._reader.who(self._rooms, self._reader.settings.sound, "transcription")
        sound = documents.bytes_of(data)
        if model is None:
            return part
        if sound is None or not _FORM.fullmatch(form):
            return _bad(
                Said(
                    "sound comes as Base64, with its format such as wav or mp3",
                    "音频须为 Base64，并注明格式，如 wav 或 mp3",
                )
            )
        turn = asking.listening(model, sound, form, self._rooms.clock.now_ns())
        words = await self._asked(turn, model, sound)
        return self._words(words, "sound", model, len(data)) if isinstance(words, str) else words or part

    async def _picture(self, part: Part, picture: Image) -> Part | Refusal:
        model = self._reader.who(self._rooms, self._reader.settings.pictures, "vision")
        if model is None:
            return part
        if _NO_PICTURE.match(picture.url):
            return _bad(
                Said(
                    "a picture's type begins with image/, such as image/png", "图片的类型应以 image/ 开头，如 image/png"
                )
            )
        turn = asking.looking(model, picture, self._rooms.clock.now_ns())
        words = await self._asked(turn, model, picture.url.encode())
        return self._words(words, "picture", model, len(picture.url)) if isinstance(words, str) else words or part

    async def _asked(self, turn: Turn, model: str, thing: bytes) -> str | Refusal | None:
        """What a model makes of a thing; None where it is not remembered and too many were asked already."""
        place = (self._arrived.caller.tenant, model, hashlib.sha256(thing).hexdigest())
        known = self._reader.known(place)
        if known is not None:
            return known
        self._calls += 1
        if self._calls > _MOST_READINGS:
            return None
        return await self._reader.asked(self._rooms, self._arrived, turn, place)

    def _cannot(self, what: Said) -> Refusal:
        return _unreadable(self._rooms, self._arrived.turn, what, "files")

    def _words(self, text: str, what: str, by: str, size: int) -> Text | Refusal:
        most = self._reader.settings.max_characters
        if len(text) > most:
            long = Said(
                f"a {what} of {len(text)} characters is too long; at most {most} are read",
                f"长达 {len(text)} 个字符的内容（最多读取 {most} 个）",
            )
            return _bad(long)
        made = f"\n[{what.capitalize()}, as text:]\n{text}\n[End of the {what}]\n"
        self.read.append(f"{what}: {by}")
        self.gone += size
        self.come += len(made.encode("utf-8", "replace"))
        return Text(made)


def _unreadable(rooms: Rooms, turn: Turn, what: Said, ability: Ability) -> Refusal:
    """Refused, naming the models that take it as it is."""
    able = [card.name for card in rooms.catalog.cards() if {"chat", ability} <= card.abilities][:5]
    names = ", ".join(f"`{name}`" for name in able)
    en = f"ask for one that takes it by its name: {names}" if able else f"add a model with the ability `{ability}`"
    zh = f"按名称指定支持它的模型：{names}" if able else f"添加具备 `{ability}` 能力的模型"
    remedy = Said(
        f"Send it as text, Markdown, CSV, JSON or HTML, or {en}.",
        f"请以文本、Markdown、CSV、JSON 或 HTML 发送，或{zh}。",
    )
    return Refusal("read", problem("model_cannot", param="messages", model=turn.model, what=what, remedy=remedy))


def _bad(why: Said) -> Refusal:
    return Refusal("read", problem("invalid_value", param="messages", field="messages", why=why))
