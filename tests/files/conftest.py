"""A shelf over a real database and folder, with a clock that is moved by hand."""

import pytest

from zhongshu.core.clock import FakeClock
from zhongshu.files.settings import FileSettings
from zhongshu.files.shelf import FileShelf
from zhongshu.ledger.textkeys import TextKeys
from zhongshu.storage.database import open_database


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def state(tmp_path):
    database = open_database(tmp_path / "state.db")
    yield database
    database.close()


@pytest.fixture
def ring(tmp_path):
    return TextKeys(tmp_path)


@pytest.fixture
def shelf(tmp_path, state, ring, clock):
    return FileShelf(
        tmp_path / "files", state, ring, lambda: FileSettings(max_file_bytes=4096, tenant_bytes=8192), clock
    )
