"""Connections over workers that share a socket: spread evenly, whatever the others do."""

import asyncio
import contextlib
import errno
import os
import socket

import pytest

from tests.app.http.test_connection import read, request, right, served
from zhongshu.app.http.acceptor import Acceptor
from zhongshu.app.http.counts import OpenCounts, gone, lay_out
from zhongshu.app.serving import listening_socket


class Held(asyncio.Protocol):
    """A connection, and nothing said on it."""

    def __init__(self, among: set) -> None:
        self._among = among

    def connection_made(self, transport) -> None:
        self.transport = transport
        self._among.add(self)

    def connection_lost(self, exc) -> None:
        self._among.discard(self)


class Workers:
    """So many acceptors on one socket, each with its place in the file."""

    def __init__(self, path, number: int, workers: int) -> None:
        lay_out(path, workers)
        self.listener = listening_socket("127.0.0.1", 0, 256)
        self.counts = [OpenCounts(path, each) for each in range(workers)]
        self.acceptors = [self._acceptor(self.listener.dup(), self.counts[each]) for each in range(number)]
        self.clients: list[socket.socket] = []
        self.lost = 0

    def _acceptor(self, listener, counts) -> Acceptor:
        acceptor = Acceptor(listener, counts, lambda: Held(acceptor.open))
        acceptor.listener = listener
        return acceptor

    def connect(self, times: int) -> None:
        """All at once: the system says yes to each before anybody accepts it."""
        for _ in range(times):
            self.clients.append(socket.create_connection(self.listener.getsockname()))

    def open(self) -> list[int]:
        return [len(acceptor.open) for acceptor in self.acceptors]

    async def all_taken(self) -> list[int]:
        """What each has, once nobody waits."""
        async with asyncio.timeout(30):
            while sum(self.open()) < len(self.clients) - self.lost:
                await asyncio.sleep(0.001)
        return self.open()


@contextlib.asynccontextmanager
async def workers(path, number: int, of: int | None = None):
    """`number` that work, of so many that have a place."""
    made = Workers(path / "connections", number, of or number)
    for acceptor in made.acceptors:
        acceptor.start()
    try:
        yield made
    finally:
        for acceptor in made.acceptors:
            acceptor.close()
            await acceptor.wait_closed()
            for held in tuple(acceptor.open):
                held.transport.abort()
            acceptor.listener.close()
        for client in made.clients:
            client.close()
        made.listener.close()
        await asyncio.sleep(0)


@pytest.mark.parametrize(("number", "connections"), [(2, 64), (2, 1), (2, 7), (3, 64), (8, 64)])
async def test_opened_at_once_they_are_spread_evenly(tmp_path, number, connections):
    async with workers(tmp_path, number) as several:
        for _ in range(3):
            several.connect(connections)
            each = await several.all_taken()
            assert max(each) - min(each) <= 3, each


async def test_opened_one_after_the_other_they_are_spread_evenly(tmp_path):
    async with workers(tmp_path, 2) as several:
        for _ in range(20):
            several.connect(1)
            await several.all_taken()
        assert abs(several.open()[0] - several.open()[1]) <= 2


async def test_who_lost_some_gets_the_next(tmp_path):
    async with workers(tmp_path, 2) as several:
        several.connect(40)
        await several.all_taken()
        first = several.acceptors[0]
        several.lost = len(first.open)
        for held in tuple(first.open):
            held.transport.abort()
        async with asyncio.timeout(30):
            while first.open:
                await asyncio.sleep(0.001)
        several.connect(several.lost)
        each = await several.all_taken()
        assert abs(each[0] - each[1]) <= 3, each


async def test_one_that_hangs_delays_nobody_for_long(tmp_path):
    """Its place says that it has nothing open, and it takes nothing."""
    async with workers(tmp_path, 1, of=2) as several:
        several.counts[1].tell(0)
        several.connect(200)
        assert await several.all_taken() == [200]


async def test_one_that_died_is_not_waited_for(tmp_path):
    async with workers(tmp_path, 1, of=2) as several:
        several.counts[1].tell(0)
        several.connect(4)
        await several.all_taken()
        acceptor = several.acceptors[0]
        assert acceptor._share(1) == 0
        gone(tmp_path / "connections", 1)
        assert acceptor._share(1) == 1
        assert acceptor._share(50) == 50


async def test_one_that_is_alone_takes_all(tmp_path):
    async with workers(tmp_path, 1) as several:
        several.connect(64)
        assert await several.all_taken() == [64]
        assert not several.counts[0].others()


async def test_a_machine_that_does_not_tell_how_many_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(Acceptor, "_waiting", lambda self: 1)
    async with workers(tmp_path, 2) as several:
        several.connect(64)
        each = await several.all_taken()
        assert abs(each[0] - each[1]) <= 3, each


class Failing(socket.socket):
    """A listening socket whose first accept fails."""

    code = 0

    def accept(self):
        if self.code:
            code, self.code = self.code, 0
            raise OSError(code, os.strerror(code))
        return super().accept()


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ECONNABORTED])
async def test_an_accept_that_fails(tmp_path, monkeypatch, caplog, code):
    """Without a descriptor connections wait; one that was gone before it was accepted is nobody's trouble."""
    monkeypatch.setattr("zhongshu.app.http.acceptor._NO_ROOM_S", 0.01)
    lay_out(tmp_path / "connections", 2)
    listener = Failing(fileno=listening_socket("127.0.0.1", 0, 16).detach())
    listener.setblocking(False)
    listener.code = code
    acceptor = Acceptor(listener, OpenCounts(tmp_path / "connections", 0), lambda: Held(acceptor.open))
    acceptor.start()
    clients = [socket.create_connection(listener.getsockname()) for _ in range(3)]
    async with asyncio.timeout(30):
        while len(acceptor.open) < 3:
            await asyncio.sleep(0.001)
    assert ("Too many open files" in caplog.text) == (code == errno.EMFILE)
    acceptor.close()
    await acceptor.wait_closed()
    for end in (*(held.transport for held in tuple(acceptor.open)), *clients, listener):
        end.close()


async def test_the_server_with_places(tmp_path):
    """Requests are answered as ever; at the end the place is empty and connections are closed."""
    lay_out(tmp_path / "connections", 2)
    other = OpenCounts(tmp_path / "connections", 1)
    async with served(counts=OpenCounts(tmp_path / "connections", 0)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for asked in (("/short", b"one"), ("/long", b"two")):
            writer.write(request(*asked))
            right(asked, await read(reader))
        assert other.others() == [1]
    assert other.others() == []
    assert await reader.read() == b""
    writer.close()


def test_places_of_an_older_installation_are_its_own(tmp_path):
    path = tmp_path / "connections"
    lay_out(path, 2)
    old = OpenCounts(path, 0)
    lay_out(path, 3)
    new = [OpenCounts(path, number) for number in range(3)]
    old.tell(5)
    assert new[2].others() == []
    new[0].tell(0)
    new[1].tell(7)
    assert new[2].others() == [0, 7]
    assert new[1].others() == [0]
    new[0].leave()
    assert new[1].others() == []
    assert path.stat().st_mode & 0o777 == 0o600
