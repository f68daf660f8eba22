"""Settings of samples and of reading: what will not do is refused by its name, with the remedy."""

import pytest

from zhongshu.app.complaints import SettingsError
from zhongshu.app.loading import load

MODELS = """
profile = "none"
[[upstreams]]
name = "s"
kind = "openai-compatible"
base_url = "http://127.0.0.1:1/v1"
key = "none"
[[models]]
name = "small"
upstream = "s"
abilities = ["chat"]
[[models]]
name = "ears"
upstream = "s"
abilities = ["transcription"]
"""


def loaded(tmp_path, text):
    file = tmp_path / "zhongshu.toml"
    file.write_text(MODELS + text)
    return load(file, environ={"ZHONGSHU_HOME": str(tmp_path / "home")})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[router.samples]\nshare = 2", "router.samples.share"),
        ("[router.samples]\nshare = -0.1", "router.samples.share"),
        ('[router.samples]\njudge = "nobody"', "router.samples.judge"),
        ('[router.samples]\njudge = "ears"', "router.samples.judge"),
        ("[router.samples]\nmax_cost_per_day = -1", "router.samples.max_cost_per_day"),
        ("[router.samples]\nshares = 0.1", "did you mean `share`"),
        ('[router.reading]\nsound = "small"', "router.reading.sound"),
        ('[router.reading]\npictures = "small"', "router.reading.pictures"),
        ("[router.reading]\nmax_characters = 0", "router.reading.max_characters"),
        ("[router]\nmax_seconds = -1", "router.max_seconds"),
        ('[[assistants]]\nname = "a"\nstrategy = "direct"\ngeneral = "small"\nquality = 1.5', "quality"),
    ],
)
def test_what_will_not_do_is_named(tmp_path, text, said):
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, text)
    assert said in str(refused.value)


def test_what_will_do(tmp_path):
    found = loaded(
        tmp_path, '[router.samples]\nshare = 0.02\njudge = "small"\n[router.reading]\nsound = "ears"\npictures = "none"'
    )
    assert (found.router.samples.share, found.router.samples.judge) == (0.02, "small")
    assert (found.router.reading.sound, found.router.reading.pictures) == ("ears", "none")
