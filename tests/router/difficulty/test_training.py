"""Training finds what is there, measures honestly what is not, and names the line it cannot use."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from zhongshu.router.difficulty import measures
from zhongshu.router.difficulty.fitting import Recipe, chances, fit, predict, predicted_out_of_fold, target, weights_of
from zhongshu.router.difficulty.linear import FOR_PAIRS, dump, load
from zhongshu.router.difficulty.training import BadLine, Labelled, read_lines, train
from zhongshu.router.odds import counted

RNG = np.random.default_rng(3)


def outcomes(signal, noise=0.0):
    hard = signal + noise * RNG.normal(size=len(signal)) > 0
    return ~hard, np.ones(len(signal), dtype=bool)


def test_a_signal_is_found():
    features = RNG.normal(size=(600, 4))
    weak, strong = outcomes(features[:, 1])
    model = fit(tuple("abcd"), features, weak, strong, Recipe(strength=10))
    assert abs(model.weights[1]) > 5 * max(abs(model.weights[i]) for i in (0, 2, 3))
    assert measures.apgr(predict(model, features), weak, strong) > 0.7
    one = [model.score(row) for row in features[:5].tolist()]
    assert one == pytest.approx(predict(model, features[:5]).tolist())


def test_noise_is_not_mistaken_for_a_signal():
    features = RNG.normal(size=(600, 20))
    weak, strong = outcomes(RNG.normal(size=600))
    out = predicted_out_of_fold([str(i) for i in range(20)], features, target(weak, strong, 1), Recipe(strength=10))
    assert measures.apgr(out, weak, strong) == pytest.approx(0.5, abs=0.12)


def test_measures_of_known_scores():
    weak = np.array([True] * 50 + [False] * 50)
    strong = np.ones(100, dtype=bool)
    perfect = np.arange(100.0)
    assert measures.apgr(perfect, weak, strong) == pytest.approx(0.75)
    assert measures.apgr(-perfect, weak, strong) == pytest.approx(0.25)
    assert measures.apgr(np.zeros(100), weak, strong) == pytest.approx(0.5)
    assert measures.cpt(perfect, weak, strong, 0.5) == pytest.approx(0.25)
    assert measures.accuracy_at(perfect, weak, strong, 0.5) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="no gap"):
        measures.apgr(perfect, strong, strong)


def test_calibration():
    chance = np.repeat([0.2, 0.8], 500)
    happened = RNG.random(1000) < chance
    assert measures.calibration_error(chance, happened) < 0.06
    assert measures.calibration_error(1 - chance, happened) > 0.5
    points = measures.reliability(chance, happened)
    assert [point.rows for point in points] == [100] * 10
    assert [round(point.said, 6) for point in points] == [0.2] * 5 + [0.8] * 5
    assert all(abs(point.said - point.happened) < 0.15 for point in points)


def test_what_cannot_be_trained_comes_from_the_base():
    rows = [Labelled(f"How many are {n} and {n * 7}?" + " more" * (n % 40), n % 40 < 15, True) for n in range(200)]
    model = train(rows, "mine", base=load())
    assert model.choice == load().choice
    assert model.draft == load().draft
    assert model.free != load().free
    assert model.measured["free_apgr"] > 0.6
    assert (list(model.reliability), sum(one.rows for one in model.reliability["free"])) == (["free"], 200)
    with pytest.raises(ValueError, match="at least 50"):
        train(rows[:20], "few", base=load())


@pytest.mark.parametrize(
    "line", [b"no json", b'{"prompt": "x"}', b'{"prompt": 1, "weak_correct": true, "strong_correct": true}']
)
def test_a_line_that_cannot_be_used_is_named(tmp_path, line):
    good = b'{"prompt": "x", "weak_correct": true, "strong_correct": true, "id": 7}\n'
    (tmp_path / "f.jsonl").write_bytes(good + b"\n" + line)
    with pytest.raises(BadLine, match=r"f\.jsonl, line 3"):
        read_lines(tmp_path / "f.jsonl")


def test_a_chance_of_its_own_is_read_alike_one_by_one_and_all_at_once():
    features = RNG.normal(size=(600, 4))
    weak, strong = outcomes(features[:, 1])
    subjects = ["large"] * 500 + ["small"] * 100
    recipe = Recipe(strength=10, gain=5, own_chance=10, balanced=True)
    model = fit(tuple("abcd"), features, weak, strong, recipe, subjects)
    assert len(model.doubt) == 4
    one = [model.chance(row) for row in features[:5].tolist()]
    assert one == pytest.approx(chances(model, features[:5]).tolist())
    assert measures.calibration_error(chances(model, features), ~weak) < 0.1


def test_a_subject_weighs_as_the_root_of_its_size():
    weights = weights_of(["large"] * 400 + ["small"] * 100, 500, Recipe(strength=1, balanced=True))
    assert weights[:400].sum() == pytest.approx(2 * weights[400:].sum())
    assert weights.mean() == pytest.approx(1)


def test_the_shipped_file_of_a_pair_is_what_its_command_makes():
    """docs/routing.md says how it was made; to the last digit but one, as sums are added up in another order elsewhere."""
    [(pair, name)] = FOR_PAIRS.items()
    rows = read_lines(Path("benchmarks/data/qwen_coder_outcomes.jsonl"))
    made = msgspec.structs.replace(train(rows, load(name).version, base=load()), tasks=counted(rows), pair=pair)
    theirs, ours = json.loads(dump(load(name))), json.loads(dump(made))
    for head in ("choice", "free", "draft"):
        for field, numbers in ours.pop(head).items():
            assert numbers == (
                theirs[head][field] if field in ("names", "words") else pytest.approx(theirs[head][field], abs=1e-7)
            )
        del theirs[head]
    assert ours == theirs


def test_a_file_has_no_digits_that_depend_on_the_machine():
    model = load()
    for head in (model.choice, model.free, model.draft):
        for number in (*head.means, *head.scales, *head.weights, *head.doubt, head.bias, head.slope, head.offset):
            assert number == float(f"{number:.9g}")


def test_a_byte_order_mark_is_no_part_of_a_line(tmp_path):
    line = b'{"prompt": "x", "weak_correct": true, "strong_correct": true}\r\n'
    (tmp_path / "f.jsonl").write_bytes(b"\xef\xbb\xbf" + line + b"\r\n" + line.strip())
    assert read_lines(tmp_path / "f.jsonl") == [Labelled("x", True, True)] * 2
