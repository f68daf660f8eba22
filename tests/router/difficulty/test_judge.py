"""The shipped model: its file fits this program, harder questions score higher, doubtful drafts too."""

import msgspec
import pytest

from zhongshu.router.difficulty import reading
from zhongshu.router.difficulty.judge import DRAFT_NAMES, Judge
from zhongshu.router.difficulty.linear import Linear, dump, load

JUDGE = Judge(load())
QUESTION = "Tom has 3 boxes with 4 pens each and gives away 5. How many pens are left?"


def test_the_shipped_model_is_for_the_features_of_this_program():
    model = load()
    assert model.free.names == reading.NAMES
    assert model.choice.names == reading.CHOICE_NAMES
    assert model.draft.names == DRAFT_NAMES


def test_a_model_survives_its_file(tmp_path):
    (tmp_path / "m.json").write_bytes(dump(load()))
    assert load(tmp_path / "m.json") == load()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"version": 3}', b"\xff"])
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / "m.json").write_bytes(content)
    with pytest.raises(ValueError, match="not a difficulty model"):
        load(tmp_path / "m.json")


def test_features_that_do_not_fit_are_refused():
    with pytest.raises(msgspec.ValidationError, match="as many"):
        msgspec.convert({"names": ["a"], "means": [0.0], "scales": [1.0], "weights": [], "bias": 0.0}, Linear)


@pytest.mark.parametrize("text", ["", " ", "你好", "?" * 10_000, "\x00", "A. \nB. \nC. ", "1" * 400, "$" * 300])
def test_any_question_is_judged(text):
    found = JUDGE.question(text, explained=True)
    assert 0 <= found.chance <= 1
    assert 0 <= JUDGE.draft(text, text).chance <= 1


def test_options_make_a_choice():
    assert JUDGE.question("Which?\nA. one\nB. two\nC. three\nD. four").head == "choice"
    assert JUDGE.question("Which? one or two").head == "free"


def test_a_wrong_sum_is_more_doubtful_than_a_right_one():
    right = "3 * 4 = <<3*4=12>>12 pens.\n12 - 5 = <<12-5=7>>7 pens are left.\n#### 7"
    wrong = "3 * 4 = <<3*4=14>>14 pens.\n14 - 5 = <<14-5=8>>8 pens are left.\n#### 8"
    unfinished = "3 * 4 = <<3*4=12>>12 pens.\n12 - <<12"
    doubts = [JUDGE.draft(QUESTION, draft).chance for draft in (right, wrong, unfinished)]
    assert doubts[0] < min(doubts[1:])


def test_an_explanation_names_what_moved_it():
    found = JUDGE.question(QUESTION * 3, explained=True)
    assert len(found.weightiest) == 5
    assert {name for name, _ in found.weightiest} <= set(reading.NAMES)


ENDLESS = ("x ", " ", "- ", "=", "= ", "1,", "1.", "<<", "<<1=", "####", "#### ", "1 + 2 = 3. ", "(", "\n", "1/", "九 ")


@pytest.mark.parametrize("piece", ENDLESS)
def test_a_text_that_never_ends_is_judged_in_one_reading(piece):
    """A model that repeats itself, or a table of dashes, must not hold up everybody else: a pattern that tries again from
    every place would take minutes here."""
    endless = piece * (200_000 // len(piece))
    for question, draft in ((endless, "18"), ("How many?", endless), ("How many?", f"#### {endless}")):
        assert 0 <= JUDGE.draft(question, draft).chance <= 1
    assert 0 <= JUDGE.question(endless).chance <= 1


def test_many_numbers_in_question_and_draft_are_compared_in_order():
    question = " ".join(str(number) for number in range(3000))
    draft = " ".join(f"{number}+{number}={2 * number}" for number in range(1500))
    assert 0 <= JUDGE.draft(question, draft).chance <= 1


@pytest.mark.parametrize("between", ["\n", "\r\n", "\n\n", "\n \r\n\t", "  \n\u3000"])
def test_options_are_found_however_lines_end(between):
    found = reading.parts(f"Which? {between}A. one{between}(B) two{between}C、 three{between}")
    assert found.stem == f"Which? {between}".partition("\n")[0]
    assert [option.strip() for option in found.options] == ["one", "two", "three"]


@pytest.mark.parametrize("gap", ["\n", "\r\n", " \n", "\n\u2028"])
def test_gaps_of_any_kind_are_passed_once(gap):
    """One after the other these took a tenth of a second each."""
    for _ in range(1000):
        assert reading.parts(f"Which?{gap * 3000}A. one").is_choice is False
