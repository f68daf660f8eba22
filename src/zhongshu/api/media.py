"""Whether sound, pictures and files that come inside a request can be what they say. Knows no protocol, decodes nothing.

What is plainly none is refused here, with its field: an upstream answers it late, in its own words, or with a guess. What
only some providers take passes: addresses of any scheme, either alphabet of Base64, lines broken in it, padding left out.
"""

from __future__ import annotations

import re
import string

from zhongshu.core.problems import Said

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,15}://")
_LETTERS = (string.ascii_letters + string.digits + "+/-_" + string.whitespace).encode()
_SPACE = string.whitespace.encode()

_EMPTY = Said(
    "it is empty; give the content in Base64, or leave the part out", "内容为空；请以 Base64 给出内容，或去掉这一部分"
)
_NO_ADDRESS = Said("it is empty; give an address or a data: URL", "内容为空；请给出地址或 data: URL")
_BROKEN = Said("it is not Base64", "不是有效的 Base64")
_HEADLESS = Said("a data: URL has a comma before its content", "data: URL 在内容之前应有逗号")
SENTENCES = {said.en: said for said in (_EMPTY, _NO_ADDRESS, _BROKEN, _HEADLESS)}
"""What is said here, by its English. Decoders keep of an error only its text."""


def check_content(field: str, given: str) -> None:
    """Base64, a data: URL, or an address where it lies. Raises ValueError with the field and one of SENTENCES."""
    if given.startswith("data:"):
        _check_data_url(field, given)
    elif not _ADDRESS.match(given):
        _check_base64(field, given)


def check_file(data: str | None, *elsewhere: str | None) -> None:
    """The content of a file in its field `file_data`, or something that says where it is. Raises ValueError as above."""
    if data is not None:
        check_content("file_data", data)
    elif not any(elsewhere):
        raise _wrong("file_data", _EMPTY)


def check_address(field: str, given: str) -> None:
    """An address, or a data: URL, whose content is looked at. Raises ValueError as above."""
    if given.startswith("data:"):
        _check_data_url(field, given)
    elif not given.strip():
        raise _wrong(field, _NO_ADDRESS)


def _check_data_url(field: str, given: str) -> None:
    head, comma, content = given.partition(",")
    if not comma:
        raise _wrong(field, _HEADLESS)
    if head.endswith(";base64"):
        _check_base64(field, content)
    elif not content:
        raise _wrong(field, _EMPTY)


def _check_base64(field: str, given: str) -> None:
    # translate and strip run at the speed of memory; a pattern over 20 MB of picture would hold up every other turn.
    try:
        letters = given.encode("ascii").rstrip(b"=" + _SPACE)
    except UnicodeEncodeError:
        raise _wrong(field, _BROKEN) from None
    if not letters:
        raise _wrong(field, _EMPTY)
    if letters.translate(None, _LETTERS) or len(letters.translate(None, _SPACE)) % 4 == 1:
        raise _wrong(field, _BROKEN)


def _wrong(field: str, said: Said) -> ValueError:
    return ValueError(f"{field}: {said.en}")
