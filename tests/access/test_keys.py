"""What keys look like, and that only their digest is kept."""

import re

import pytest

from zhongshu.access.keys import Key, NewKey, digest, key_id, mint, usable


def test_a_key_has_the_shape_that_secret_scanners_look_for():
    made = {mint() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"zs_[0-9A-Za-z]{48}", key) for key in made)


def test_its_id_is_its_public_part():
    key = mint()
    assert key_id(key) == f"k_{key[3:15]}"


def test_a_key_of_somebodys_own_choice_gets_an_id_that_says_nothing_of_it():
    own = "sk-chosen-by-the-owner"
    assert re.fullmatch(r"k_[0-9A-Za-z]{12}", key_id(own))
    assert key_id(own) != key_id(own)


@pytest.mark.parametrize(
    ("secret", "fine"),
    [
        ("a" * 16, True),
        ("sk-1234567890-abcdef", True),
        ("a" * 256, True),
        ("a" * 15, False),
        ("a" * 257, False),
        ("with a space in it", False),
        ("密钥密钥密钥密钥密钥密钥密钥密钥", False),
        ("a" * 16 + "\n", False),
    ],
)
def test_what_will_do_as_a_key(secret: str, fine: bool):
    assert usable(secret) is fine


def test_the_digest_depends_on_the_key_and_on_this_installation():
    one = digest(b"p" * 32, b"key")
    assert len(one) == 32
    assert one == digest(b"p" * 32, b"key")
    assert one != digest(b"q" * 32, b"key")
    assert one != digest(b"p" * 32, b"another")


def test_a_new_key_does_not_print_its_secret():
    new = NewKey(Key(id="k_1", tenant="t", name="n", created_ns=1), "zs_secret")
    assert "zs_secret" not in f"{new} {new!r} {[new]}"


def test_the_state_of_a_key():
    key = Key(id="k", tenant="t", name="n", created_ns=1, expires_ns=10)
    assert [key.state(9), key.state(10)] == ["active", "expired"]
    assert Key(id="k", tenant="t", name="n", created_ns=1, revoked_ns=5).state(4) == "revoked"
