"""docs/errors.md is what the rows say, and every code has a remedy in both languages."""

from pathlib import Path

import pytest

from zhongshu.api.error_docs import halves, page
from zhongshu.core.problems import documented

FILE = Path(__file__).parents[2] / "docs" / "errors.md"


def test_the_file_is_up_to_date():
    assert FILE.read_text() == page(), "run: python -m zhongshu.api.error_docs > docs/errors.md"


@pytest.mark.parametrize("row", documented(), ids=lambda row: row.code)
def test_every_code_says_what_to_do(row):
    for chinese in (False, True):
        what, todo = halves(row, chinese=chinese)
        assert what
        assert todo
