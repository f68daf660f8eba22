"""What settings mean for one worker: shares of machine-wide limits, replicas, fallbacks; and what is refused."""

import pytest

from zhongshu.app.build import offers
from zhongshu.app.complaints import SettingsError
from zhongshu.app.dispatching import rules_of
from zhongshu.app.loading import load
from zhongshu.catalog.catalog import ModelCatalog
from zhongshu.upstreams.dispatch.board import ModelRules

UP = '[[upstreams]]\nname = "{}"\nkind = "openai-compatible"\nbase_url = "http://127.0.0.1:1/v1"\nkey = "none"\n{}\n'
MODEL = '[[models]]\nname = "{}"\nupstream = "{}"\n{}\n'


def loaded(tmp_path, text):
    file = tmp_path / "zhongshu.toml"
    file.write_text('profile = "none"\n' + text)
    return load(file, environ={"HOME": str(tmp_path)})


def test_a_limit_is_shared_out_and_nobody_gets_nothing(tmp_path):
    text = "[server]\nworkers = 4\n" + UP.format("a", "max_concurrent = 10\nmax_queue = 7\nqueue_s = 3.0")
    text += UP.format("b", "max_concurrent = 2") + MODEL.format("m", "a", "max_concurrent = 6\nhedge_s = 0.0")
    settings = loaded(tmp_path, text)
    rules = [rules_of(settings, f"worker-{number}") for number in range(4)]
    assert [one.hosts["a"].in_flight for one in rules] == [3, 3, 2, 2]
    assert [one.hosts["b"].in_flight for one in rules] == [1, 1, 1, 1], "more than 2 together: at least one each"
    assert [one.replicas["a", "m"] for one in rules] == [2, 2, 1, 1]
    assert (rules[0].hosts["a"].queue, rules[0].hosts["a"].queue_s) == (7, 3.0)
    assert rules[0].models == {"m": ModelRules(None, 0.0)}


def test_rows_of_one_release_at_several_upstreams_are_replicas(tmp_path):
    text = UP.format("a", "") + UP.format("b", "")
    text += (
        MODEL.format("m", "a", 'weight = 3.0\nfallbacks = ["n"]')
        + MODEL.format("m", "b", "")
        + MODEL.format("n", "b", "")
    )
    found = ModelCatalog(offers(loaded(tmp_path, text))).find("m@1")
    assert [(offer.release.upstream, offer.release.weight) for offer in found] == [("a", 3.0), ("b", 1.0)]
    assert found[0].card.fallbacks == ("n",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (MODEL.format("m", "a", "") * 2, "models[1].name"),
        (MODEL.format("m", "a", 'fallbacks = ["nobody"]'), "there is no model nobody"),
        (MODEL.format("m", "a", 'fallbacks = ["m"]'), "name other models"),
        (MODEL.format("m", "a", "weight = 0.0"), "above 0"),
        (MODEL.format("m", "a", "try_s = 0.0"), "try_s"),
        (MODEL.format("m", "a", "hedge_s = -1.0"), "hedge_s"),
        (MODEL.format("m", "a", "max_concurrent = 0"), "at least 1"),
        ("[dispatch]\nbalance = 'magic'\n", "dispatch.balance"),
        ("[dispatch]\nerror_rate = 1.5\n", "from 0 to 1"),
        ("[dispatch]\nretries = 99\n", "0 to 10"),
        ("[dispatch]\ncool_down_s = 0.0\n", "cool_down_s"),
        (UP.format("c", "max_queue = -1"), "0 or more"),
        (UP.format("c", "probe_s = 0.0"), "probe_s"),
        (UP.format("c", "max_concurrent = 0"), "at least 1"),
    ],
)
def test_mistakes_are_named(tmp_path, text, told):
    with pytest.raises(SettingsError) as raised:
        loaded(tmp_path, text + UP.format("a", ""))
    assert told in raised.value.text(chinese=False)
    assert raised.value.text(chinese=True)
