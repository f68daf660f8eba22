"""An answer that goes round word for word is found, late; one that only looks like it never is."""

import random

import pytest

from zhongshu.upstreams.embedded.loops import ENOUGH, Loop


def fired(pieces):
    """After how many pieces the watch fired; None when it did not."""
    loop = Loop()
    return next((count for count, piece in enumerate(pieces, 1) if loop.closes(piece)), None)


BEFORE = [f"word{n}" for n in range(300)]
LOOPS = {
    "one word": ([" a"], 1),
    "stars": (["", "", "🌟"], 3),
    "a sentence": (["the", "cat", "sat", "on", "the", "mat", "."], 7),
    "blank lines": (["\n"], 1),
    "a paragraph": ([f"w{n}" for n in range(200)], 200),
}
HEALTHY = {
    "an essay": random.Random(7).choices("abcd", k=5000),
    "a numbered list": [piece for n in range(900) for piece in (str(n), ".", " the", " same", "\n")],
    "a table of noughts": [piece for _ in range(15) for piece in [*["0", " "] * 15, "\n"]],
    "lines to write, a hundred times": ["I", "must", "not", "talk", "."] * 100,
    "too long a period": [f"w{n}" for n in range(201)] * 9,
    "nearly all of a loop": ["a"] * ENOUGH,
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_is_found_once_it_has_gone_on_long_enough(name):
    copy, period = LOOPS[name]
    assert fired(BEFORE + copy * (2 * ENOUGH)) == len(BEFORE) + period + ENOUGH


@pytest.mark.parametrize("name", HEALTHY)
def test_what_is_no_loop_is_let_go_on(name):
    assert fired(HEALTHY[name]) is None


def test_signs_of_several_tokens_count_as_many():
    loop = Loop()
    stars = next(count for count in range(1, 1000) if loop.closes("🌟", 3))
    assert stars == 1 + -(-ENOUGH // 3)


def test_a_loop_that_was_left_counts_from_nothing():
    assert fired(["a"] * ENOUGH + ["b"] + ["a"] * ENOUGH) is None
