"""The gate for other rooms' tests keeps the port's promises."""

from zhongshu.access.fake import SOMEBODY, FakeGate, FakePermit
from zhongshu.core.access import Ask
from zhongshu.core.answers import Usage
from zhongshu.core.ports import Gate
from zhongshu.core.problems import Refusal, problem


async def test_everybody_is_let_in_and_the_end_is_remembered():
    fake = FakeGate()
    gate: Gate = fake
    caller = await gate.identify(b"anything")
    assert caller == SOMEBODY
    permit = await gate.admit(SOMEBODY, Ask(5, 6))
    assert isinstance(permit, FakePermit)
    permit.settle(Usage(1, 2), 3)
    permit.release()
    assert (permit.settled, permit.released) == ((Usage(1, 2), 3), False)
    assert fake.permits == [permit]


async def test_or_nobody():
    refusal = Refusal("admit", problem("overloaded"))
    assert await FakeGate(refusal=refusal).admit(SOMEBODY, Ask(1, 1)) is refusal
