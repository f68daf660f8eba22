"""Documents that are text already, read here: plain text, Markdown, CSV, JSON, HTML, XML, YAML, source code. Pure.

Knows no PDF, Word or Excel: those go to models that take documents.
"""

from __future__ import annotations

import base64
import binascii
import re
from html import unescape
from urllib.parse import unquote_to_bytes

import msgspec

from zhongshu.core.turns import File

_TYPES = frozenset(
    {"application/json", "application/xml", "application/yaml", "application/x-yaml", "application/toml",
     "application/javascript", "application/sql", "application/x-sh", "application/x-ndjson", "application/jsonl",
     "application/xhtml+xml", "application/csv"}
)  # fmt: skip
_ENDINGS = frozenset(
    [
        "txt",
        "md",
        "markdown",
        "csv",
        "tsv",
        "json",
        "jsonl",
        "ndjson",
        "html",
        "htm",
        "xhtml",
        "svg",
        "xml",
        "yaml",
        "yml",
        "toml",
        "ini",
        "log",
        "rst",
        "tex",
        "sql",
        "py",
        "js",
        "ts",
        "jsx",
        "tsx",
        "java",
        "c",
        "h",
        "cc",
        "cpp",
        "hpp",
        "cs",
        "go",
        "rs",
        "rb",
        "php",
        "sh",
        "css",
        "kt",
        "swift",
        "scala",
        "r",
        "lua",
        "proto",
        "graphql",
        "srt",
        "vtt",
    ]
)
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_DATA = re.compile(r"data:([^;,]*)(?:;[^;,]+)*?(;base64)?,")
_BLOCKS = frozenset(
    [
        "p",
        "div",
        "br",
        "li",
        "tr",
        "table",
        "section",
        "article",
        "header",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "pre",
        "blockquote",
        "main",
        "nav",
        "aside",
        "address",
        "figure",
        "figcaption",
        "form",
        "option",
        "dt",
        "dd",
        "hr",
    ]
)
_UNSEEN = {
    name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style", "template", "noscript", "title")
}
_TAG = re.compile(r"""</?([a-zA-Z][^\s/>]*+)(?:[^>=]|=\s*+(?:"[^"]*"|'[^']*')?+)*+>""")
_BEGUN = re.compile("</?[a-zA-Z]")
_CELLS = frozenset({"td", "th"})
_CHARSET = re.compile(r"charset=[\"']?([\w-]+)", re.IGNORECASE)
_SAID = {"utf-16": "utf-16", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "big5": "big5", "shift_jis": "cp932", "euc-jp": "euc-jp",
         "euc-kr": "cp949", "iso-8859-1": "cp1252", "latin1": "cp1252", "windows-1252": "cp1252"}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x06\x0e-\x19\x1c-\x1f]")
_MAGIC = (
    (b"%PDF-", "application/pdf"), (b"PK\x03\x04", "application/zip"), (b"PK\x05\x06", "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"), (b"{\\rtf", "application/rtf"), (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"), (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x89PNG\r\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"), (b"\x7fELF", "application/x-elf"),
    (b"OggS", "audio/ogg"), (b"ID3", "audio/mpeg"), (b"RIFF", "audio/wav"), (b"SQLite format 3\x00", "application/vnd.sqlite3"),
)  # fmt: skip


def type_of(file: File) -> str:
    """What a file says it is: its media type, else that of its data URL; lower case, without parameters."""
    said = file.media_type or ""
    if not said and file.data and (found := _DATA.match(file.data[:300])):
        said = found[1]
    return said.partition(";")[0].strip().lower()


def ending_of(file: File) -> str:
    """The ending of its name, lower case."""
    return (file.name or "").rpartition(".")[2].lower() if "." in (file.name or "") else ""


def is_text(file: File) -> bool:
    """Whether a document is of a kind that is read here."""
    kind = type_of(file)
    if kind.startswith("text/") or kind in _TYPES or kind.endswith(("+json", "+xml")):
        return True
    return kind in ("", "application/octet-stream") and ending_of(file) in _ENDINGS


def bytes_of(data: str) -> bytes | None:
    """What Base64 (either alphabet, padded or not), or a data URL, holds; None where it is neither."""
    found = _DATA.match(data[:300])
    content = data[found.end() :] if found else data
    if found and not found[2]:
        return unquote_to_bytes(content)
    letters = "".join(content.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


class Opened(msgspec.Struct, frozen=True):
    """What a document turned out to be. text: its words, None where it cannot be read as text; other: the type that its
    first bytes show, where that is none of text, whatever it is called."""

    text: str | None = None
    other: str = ""


def opened(file: File) -> Opened:
    """Read a document. Takes time in proportion to its size, whatever stands in it."""
    raw = bytes_of(file.data or "")
    if raw is None:
        return Opened()
    other = next((kind for magic, kind in _MAGIC if raw.startswith(magic)), "")
    if other:
        return Opened(other=other)
    text = _decoded(raw, _charset(file))
    if text is None or "\0" in text:
        return Opened()
    html = type_of(file) in _HTML or (
        ending_of(file) in ("html", "htm", "xhtml") and not type_of(file).startswith("text/p")
    )
    return Opened(_seen(text) if html else text)


def _charset(file: File) -> str:
    """The encoding that its type names, where UTF-8 and GB 18030 would take it for something else; "" for none."""
    head = (file.data or "")[:300].partition(",")[0]
    said = _CHARSET.search(file.media_type or (head if head.startswith("data:") else ""))
    return _SAID.get(said[1].lower(), "") if said else ""


def _decoded(raw: bytes, charset: str) -> str | None:
    """UTF-16 with its mark or by name, UTF-8, what is named, else GB 18030, in which Chinese spreadsheets are written."""
    wide = ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else (charset,) if charset.startswith("utf-16") else ()
    for encoding in (*wide, "utf-8-sig", *((charset,) if charset else ()), "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if encoding == "gb18030" and _CONTROL.search(text) else text.removeprefix("\ufeff")
    return None


def _seen(html: str) -> str:
    """What a reader of a page sees. Not by the standard library's parser: until 3.11.14 that takes quadratic time for
    tags that do not end (CVE-2025-6069)."""
    said: list[str] = []
    at, find, say = 0, html.find, said.append
    while (begin := find("<", at)) >= 0:
        if begin > at:
            say(html[at:begin])
        if (tag := _TAG.match(html, begin)) is not None:
            name, at = tag[1].lower(), tag.end()
            if name in _BLOCKS:
                say("\n")
            elif name in _CELLS:
                say(" ")
            elif name in _UNSEEN and html[begin + 1] != "/" and html[at - 2] != "/":
                close = _UNSEEN[name].search(html, at)
                at = len(html) if close is None else close.start()
        elif html.startswith(("<!", "<?"), begin):
            end = "-->" if html.startswith("<!--", begin) else ">"
            at = find(end, begin + 2)
            at = len(html) if at < 0 else at + len(end)
        elif _BEGUN.match(html, begin):
            at = len(html)  # a tag that never ends: nothing after it is seen
        else:
            say("<")
            at = begin + 1
    said.append(html[at:])
    lines = [" ".join(line.split()) for line in unescape("".join(said)).splitlines()]
    return "\n".join(line for line in lines if line)
