"""A recording whose end is missing keeps the sound there is: a battery died, a copy broke off."""

import pytest
from recordings import SECRET, cleaned, encoded, heard

from scrub import Zygote

FAMILIES = ["wav", "w64", "aiff", "au", "caf", "mp3", "aac", "ac3", "flac", "ogg", "opus", "mka",
            "avi", "flv", "ts", "wv", "wma", "amr"]  # fmt: skip
OPTIONS = {"amr": ("-ar", "8000", "-c:a", "libopencore_amrnb"), "avi": ("-c:a", "libmp3lame")}


@pytest.mark.parametrize("family", FAMILIES)
def test_sound_that_is_cut_off_is_kept_as_far_as_it_goes(zygote: Zygote, family: str) -> None:
    title = ("-metadata", f"title={SECRET.decode()}")
    made = encoded(family, *OPTIONS.get(family, ()), *title, seconds=4)[:-700]

    _, result, _ = cleaned(zygote, made)

    assert SECRET not in result
    before, after = heard(made), heard(result)
    sure = int(0.7 * len(before))  # the page or packet at the very end may go
    assert after[:sure] == before[:sure] != b""
