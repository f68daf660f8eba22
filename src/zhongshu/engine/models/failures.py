"""What goes wrong on the way to a model file, before it is known whether another source can help.

SourceFailed    one source could not give the file; the next one is tried
Fault           (core.problems) nothing more can be tried here; the caller is told
"""

from __future__ import annotations


class SourceFailed(Exception):
    """One source could not give the file. Both sentences name the cause, never a credential."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh


class WrongContent(SourceFailed):
    """What came is not what was published: it must be thrown away, not taken up again. pieced: it came in more than one
    reply or was begun earlier, so that its pieces may be of two files, and the source may yet have the right one."""

    def __init__(self, en: str, zh: str, *, pieced: bool = False) -> None:
        super().__init__(en, zh)
        self.pieced = pieced


class NotOffered(SourceFailed):
    """The source does not carry this model at all: nothing went wrong."""
