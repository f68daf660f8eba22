"""Documents that are text already, read here: plain text, Markdown, CSV, JSON, HTML, XML, YAML, source code. Pure.

Knows no PDF, Word or Excel: those go to models that take documents.
"""

from __future__ import annotations

import base64
import binascii
import re
from html.parser import HTMLParser

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
    ]
)
_UNSEEN = frozenset({"script", "style", "template", "noscript", "head"})


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
    """What Base64, or a data URL, holds; None where it is neither."""
    found = _DATA.match(data[:300])
    try:
        return base64.b64decode("".join((data[found.end() :] if found else data).split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def text_of(file: File) -> str | None:
    """The words of a document; None where it cannot be read as text."""
    raw = bytes_of(file.data or "")
    text = None if raw is None else _decoded(raw)
    if text is None or "\0" in text:
        return None
    if type_of(file) in _HTML or (
        ending_of(file) in ("html", "htm", "xhtml") and not type_of(file).startswith("text/p")
    ):
        return _seen(text)
    return text


def _decoded(raw: bytes) -> str | None:
    """UTF-8, UTF-16 with its mark, else GB 18030, in which Chinese spreadsheets are written."""
    marked = ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ()
    for encoding in (*marked, "utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _seen(html: str) -> str:
    """What a reader of a page sees."""
    page = _Page()
    page.feed(html)
    page.close()
    lines = [" ".join(line.split()) for line in "".join(page.said).splitlines()]
    return "\n".join(line for line in lines if line)


class _Page(HTMLParser):
    """Gathers the words between tags."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        self._unseen += tag in _UNSEEN
        self.said.append("\n" if tag in _BLOCKS else " " if tag in ("td", "th") else "")

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        self.said.append("\n" if tag in _BLOCKS else "")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.said.append(data)
