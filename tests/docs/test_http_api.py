"""docs/http-api.md names every address and every header of an answer, and no address that is not there."""

import re
from pathlib import Path
from types import SimpleNamespace

from zhongshu.api.admin.application import admin_application
from zhongshu.api.openapi import document
from zhongshu.api.openapi_replies import ANSWER_HEADERS

TEXT = (Path(__file__).parents[2] / "docs" / "http-api.md").read_text()


def test_the_addresses_are_those_of_the_document():
    described = document(admin_application(SimpleNamespace(max_body_bytes=1)).openapi())["paths"]
    there = {f"{method.upper()} {path}" for path, operations in described.items() for method in operations}
    written = set(re.findall(r"^\| `((?:GET|POST|PATCH|PUT|DELETE) [^`]+)`", TEXT, re.MULTILINE))
    assert written == there
    print(f"compared {len(there)} addresses")


def test_every_header_of_an_answer_is_explained():
    assert [name for name in ANSWER_HEADERS if f"`{name}`" not in TEXT] == []
    print(f"compared {len(ANSWER_HEADERS)} headers")
