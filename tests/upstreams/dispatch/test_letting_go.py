"""A turn that failed leaves nothing to the garbage collector: what was raised does not keep the frames it went through."""

import gc
from collections import Counter

import pytest

from tests.upstreams.dispatch.conftest import Actor, error, offer
from zhongshu.core.problems import Fault, fault
from zhongshu.core.turns import Turn
from zhongshu.upstreams.dispatch.course import Course
from zhongshu.upstreams.dispatch.settings import DispatchSettings

ONCE = DispatchSettings(retries=0)
TWICE = DispatchSettings(retries=2, backoff_s=0.0, backoff_max_s=0.0)


class Failing(Actor):
    """Fails anew each time, so that nothing but the turn refers to the failure."""

    async def _next(self, call):
        self.calls.append(call)
        raise (
            error(self.name)
            if "resting" not in self.script
            else fault("upstream_rate_limited", upstream=self.name, retry_after_s=30.0)
        )


CASES = {
    "one upstream, asked once": (ONCE, [Failing("a")], lambda: ()),
    "one upstream, asked again": (TWICE, [Failing("a")], lambda: ()),
    "one upstream that rests": (TWICE, [Failing("a", "resting")], lambda: ()),
    "two replicas": (TWICE, [Failing("a"), Failing("b")], lambda: ()),
    "a fallback that fails too": (
        TWICE,
        [Failing("a"), Failing("b")],
        lambda: ((offer("a", "m"),), (offer("b", "n"),)),
    ),
}


def kept():
    """What there is of turns and failures, other tests' included."""
    return Counter(type(o).__name__ for o in gc.get_objects() if isinstance(o, Fault | Course | Turn))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("way", ["complete", "stream"])
async def test_a_failed_turn_is_freed_when_nobody_refers_to_it(case, way, desk):
    rules, actors, tiers = CASES[case]
    made = desk(*actors, rules=rules)
    gc.collect()
    gc.disable()
    before = kept()
    try:
        for _ in range(8):  # the breaker opens on the way
            with pytest.raises(Fault):
                await getattr(made.dispatcher, way)(made.asking(*tiers()))
            for actor in actors:
                actor.calls.clear()
        left = kept() - before
    finally:
        gc.enable()
    assert left == Counter()
