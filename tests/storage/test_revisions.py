"""Changes are noticed by whoever is concerned, and by nobody else."""

import pytest
from tests.waiting import eventually

from zhongshu.storage.database import open_database
from zhongshu.storage.revisions import Follower, bump, numbers


@pytest.fixture
def database(tmp_path):
    made = open_database(tmp_path / "state.db")
    yield made
    made.close()


def change(database, subject):
    with database.write() as db:
        bump(db, subject)


async def test_only_who_is_concerned_is_called(database):
    called = []
    follower = Follower(database, poll_s=0.01)

    def concerned(subject):
        async def changed():
            called.append(subject)

        return changed

    follower.on("plans", concerned("plans"))
    follower.on("switches", concerned("switches"))
    await follower.start()
    assert called == ["plans", "switches"], "everybody once, at the start"
    other = open_database(database.path)
    change(other, "plans")
    await eventually(lambda: len(called) >= 3)
    assert called[2:] == ["plans"]
    change(other, "nobody's")
    await follower.look()
    assert called[3:] == []
    other.close()
    await follower.aclose()


async def test_one_that_fails_is_called_again(database):
    tries = []
    follower = Follower(database, poll_s=0.01)

    async def changed():
        tries.append(1)
        if len(tries) == 2:
            raise OSError("disk")

    follower.on("plans", changed)
    await follower.start()
    change(database, "plans")
    await eventually(lambda: len(tries) >= 3)
    await follower.look()
    assert len(tries) == 3
    await follower.aclose()


def test_a_change_that_is_undone_was_none(database):
    with pytest.raises(ZeroDivisionError), database.write() as db:
        bump(db, "plans")
        raise ZeroDivisionError
    change(database, "plans")
    change(database, "plans")
    with database.read() as db:
        assert numbers(db) == {"plans": 2}
