"""Splitting a model's traffic over its releases."""

from __future__ import annotations

from collections.abc import Mapping

from zhongshu.core.access import Caller
from zhongshu.core.models import Offer
from zhongshu.core.ports import Split
from zhongshu.core.turns import Turn


class FirstRelease:
    """The release that stands first in the settings takes everything."""

    def split(self, turn: Turn, caller: Caller, headers: Mapping[bytes, bytes], offers: tuple[Offer, ...]) -> Split:
        """Choose the first release's offers."""
        del turn, caller, headers
        version = offers[0].release.version
        return Split(tuple([offer for offer in offers if offer.release.version == version]), "first")
