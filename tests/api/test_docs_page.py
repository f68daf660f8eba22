"""The page at /docs: everything on it, nothing from elsewhere, in the reader's language."""

import re
from types import SimpleNamespace

import pytest

from zhongshu.api.admin.application import admin_application
from zhongshu.api.docs_page import docs_page
from zhongshu.api.openapi import document


@pytest.fixture(scope="module")
def described():
    return document(admin_application(SimpleNamespace(max_body_bytes=1)).openapi())


def test_every_address_is_on_it(described):
    page = docs_page(described, chinese=False, base="http://here")
    for path in described["paths"]:
        assert f"<code>{path}</code>" in page
    print(f"compared {len(described['paths'])} addresses")


def test_it_needs_nothing_from_elsewhere(described):
    page = docs_page(described, chinese=False, base="http://here")
    assert set(re.findall(r"https?://[^/\s\"'<]+", page)) == {"http://here"}
    assert "<script" not in page
    assert not re.findall(r"(?:src|@import|url\()", page)


def test_it_speaks_both_languages(described):
    assert "新建密钥" in docs_page(described, chinese=True, base="")
    assert "新建密钥" not in docs_page(described, chinese=False, base="")


def test_what_a_caller_sends_cannot_write_into_it(described):
    assert "<b>x</b>" not in docs_page(described, chinese=False, base="http://<b>x</b>")
