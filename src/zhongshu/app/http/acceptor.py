"""New connections, spread evenly over the workers that share one listening socket.

An event loop's own server takes whatever waits: of 64 connections opened at once one worker of two was seen to take 63,
and connections are kept. Here a worker takes its share of those that wait, by what it and the others have open
(counts.py). One that has its share steps back for two milliseconds and leaves the rest to the others; what is still
waiting then it takes whoever it was meant for: one connection, then two, four and so on while nobody else comes. So a
worker that hangs delays a connection by milliseconds, and a dead one not at all once its parent has seen it dead.

Used only where there are several workers; knows nothing of what is said on a connection.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import struct
from collections.abc import Callable
from typing import Any

from zhongshu.app.http.counts import OpenCounts

log = logging.getLogger("zhongshu.http")

_STEP_BACK_S = 0.002
_NO_ROOM_S = 1.0
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_WAITING = struct.Struct("=24xI")
"""The start of struct tcp_info: of a socket that listens, tcpi_unacked is how many connections wait (net/ipv4/tcp.c)."""


class Open(set[Any]):
    """The connections a worker has open, HTTP and WebSocket: a set that says when it has changed."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__()
        self._changed = changed

    def add(self, element: Any, /) -> None:
        """One more."""
        super().add(element)
        self._changed()

    def discard(self, element: Any, /) -> None:
        """One less, if it was there."""
        super().discard(element)
        self._changed()

    def remove(self, element: Any, /) -> None:
        """One less."""
        super().remove(element)
        self._changed()


class Acceptor:
    """Takes connections from `listener`. made: gives the protocol of one that was accepted.

    open: those it has, from the moment they are accepted. Closed and waited for as asyncio's own server is.
    """

    def __init__(self, listener: socket.socket, counts: OpenCounts, made: Callable[[], asyncio.Protocol]) -> None:
        self.open = Open(self._changed)
        self._listener = listener
        self._counts = counts
        self._made = made
        self._loop = asyncio.get_running_loop()
        self._arriving: set[asyncio.Task[None]] = set()
        self._later: asyncio.TimerHandle | None = None
        self._stepped_back = False
        self._patience = 1
        self._closed = False

    def start(self) -> None:
        """Take connections from now on."""
        self._changed()
        self._resume()

    def close(self) -> None:
        """Take no more."""
        self._closed = True
        self._pause()
        self._counts.leave()

    async def wait_closed(self) -> None:
        """Until those that were accepted have a transport."""
        if self._arriving:
            await asyncio.wait(self._arriving)

    # When to take how many -----------------------------------------------------------------------------------

    def _ready(self) -> None:
        """Some wait: take this worker's share of them."""
        waiting = self._waiting()
        if share := self._share(waiting):
            self._patience = 1
            self._take(min(share, waiting))
        else:
            self._pause(_STEP_BACK_S, self._after_all)
            self._stepped_back = True

    def _after_all(self) -> None:
        """The others have had their time: take what they left."""
        self._resume()
        waiting = self._waiting()
        if self._share(waiting):
            self._ready()
        elif self._take(min(self._patience, waiting)):
            self._patience *= 2
        else:
            self._patience = 1

    def _share(self, waiting: int) -> int:
        """How many this worker is short of what each would have, were those that wait spread evenly too."""
        mine, others = len(self.open), self._counts.others()
        each = -(-(mine + sum(others) + waiting) // (len(others) + 1))
        return max(0, each - mine)

    def _waiting(self) -> int:
        """How many wait; at least one, as a system that does not tell may say none."""
        told = self._listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _WAITING.size)
        return max(1, *_WAITING.unpack(told)) if len(told) == _WAITING.size else 1

    def _changed(self) -> None:
        """One more is open, or one less: tell the others, and come back once it is this worker's turn again."""
        if self._closed:
            return
        self._counts.tell(len(self.open))
        if self._stepped_back and len(self.open) <= min(self._counts.others(), default=0):
            self._resume()

    def _pause(self, seconds: float = 0.0, then: Callable[[], None] | None = None) -> None:
        self._loop.remove_reader(self._listener.fileno())
        if self._later is not None:
            self._later.cancel()
        self._later = None if then is None else self._loop.call_later(seconds, then)

    def _resume(self) -> None:
        if self._later is not None:
            self._later.cancel()
        self._later, self._stepped_back = None, False
        self._loop.add_reader(self._listener.fileno(), self._ready)

    # Taking them ---------------------------------------------------------------------------------------------

    def _take(self, most: int) -> bool:
        """Accept up to so many; whether there was one."""
        for taken in range(most):
            try:
                accepted, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return taken > 0
            except OSError as error:
                if error.errno in _NO_ROOM:
                    self._no_room(error)
                    return taken > 0
                continue  # this one was gone before it was accepted: accept(2), "Error handling"
            self._begin(accepted)
        return True

    def _begin(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        protocol = self._made()
        self.open.add(protocol)
        task = self._loop.create_task(self._welcome(accepted, protocol))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    async def _welcome(self, accepted: socket.socket, protocol: asyncio.Protocol) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: protocol, accepted)
        except OSError as error:
            log.error("a connection could not be taken: %s", error.strerror)
            self.open.discard(protocol)
            accepted.close()

    def _no_room(self, error: OSError) -> None:
        """This worker can have no more, or the machine can't: what waits goes on waiting, or another worker takes it."""
        log.error("no connection can be taken for now: %s", error.strerror)
        self._pause(_NO_ROOM_S, self._resume)
