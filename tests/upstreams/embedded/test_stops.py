"""Stop strings found in text cut anywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zhongshu.upstreams.embedded.stops import StopFinder

_STOPS = ("END", "\n\n", "ENOUGH")


@given(st.lists(st.text("ENDOUGH\n x", max_size=6)))
def test_text_ends_before_the_first_stop_however_it_is_cut(pieces: list[str]):
    finder = StopFinder(_STOPS)
    seen = "".join([*(finder.feed(piece) for piece in pieces), finder.feed("", last=True)])
    whole = "".join(pieces)
    places = [at for stop in _STOPS if (at := whole.find(stop)) >= 0]
    assert finder.found is bool(places)
    if places:
        # a shorter stop that ended first wins over a longer one that began earlier but was not whole
        assert whole.startswith(seen)
        assert any(whole[len(seen) :].startswith(stop) for stop in _STOPS)
    else:
        assert seen == whole


def test_without_stops_nothing_is_withheld():
    assert StopFinder(()).feed("EN") == "EN"
