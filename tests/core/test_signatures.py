"""Signatures on their way: to a client of any format and back they are what the provider gave, and name who it was."""

from base64 import b64decode, b64encode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.core.signatures import arriving, beside_call, leaving, of_call, own, signed

MAKERS = ("anthropic", "gemini", "responses", "openai")
originals = st.text(min_size=1).filter(lambda text: not text.startswith("ZhSigned"))


@given(st.sampled_from(MAKERS), st.sampled_from(MAKERS), originals)
def test_there_and_back(maker, dialect, original):
    ours = signed(maker, original)
    out = leaving(ours, dialect)
    assert (out == original) == (maker == dialect)
    back = arriving(out, dialect)
    assert [own(back, name) for name in MAKERS] == [original if name == maker else None for name in MAKERS]


@given(st.sampled_from(MAKERS), originals)
def test_a_mark_lives_through_base64_written_anew_in_either_alphabet(maker, original):
    out = leaving(signed(maker, original), "gemini" if maker != "gemini" else "anthropic")
    data = b64decode(out, validate=True)
    for again in (b64encode(data), urlsafe_b64encode(data), urlsafe_b64encode(data).rstrip(b"=")):
        assert own(arriving(again.decode(), "gemini"), maker) == original


def test_what_comes_without_a_mark_was_made_in_the_format_it_is_spelt_in():
    assert own(arriving("ErUB==", "anthropic"), "anthropic") == "ErUB=="
    assert own(arriving("ErUB==", "anthropic"), "gemini") is None


@pytest.mark.parametrize(
    "given_", ["ZhSigned", "ZhSignedAnth%%%", "ZhSignedAnthA", "ZhSignedWhoQUJD", "ZhSignedAnth/w=="]
)
def test_a_damaged_mark_goes_to_nobody(given_):
    damaged = arriving(given_, "anthropic")
    assert damaged is not None
    assert [own(damaged, maker) for maker in MAKERS] == [None] * 4


def test_nothing_is_signed_by_nobody():
    assert (signed("gemini", None), signed("gemini", ""), arriving("", "gemini"), own(None, "gemini")) == (None,) * 4
    assert leaving("", "anthropic") == ""


def test_the_signature_of_a_call_beside_it():
    held = beside_call("gemini:a+/=")
    assert of_call(held) == "gemini:a+/="
    assert of_call("opaque data of a provider") is None
    assert own(of_call("ZhSignedCall%"), "gemini") is None
