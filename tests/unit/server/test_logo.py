"""The newsroom's logo: a small PNG, or the drop says at its start what is wrong with it."""

from pathlib import Path

import pytest

from server.config import Newsroom
from server.errors import NotFit
from server.staff.checks.starting import read_logo

PNG = b"\x89PNG\r\n\x1a\n"


class TestALogo:
    def test_is_read_from_beside_the_configuration(self, tmp_path: Path) -> None:
        (tmp_path / "logo.png").write_bytes(PNG + bytes(100))

        assert read_logo(tmp_path, Newsroom(logo="logo.png")) == PNG + bytes(100)

    def test_need_not_be(self, tmp_path: Path) -> None:
        assert read_logo(tmp_path, Newsroom()) == b""

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (None, "can't read the logo"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is not a PNG file"),
            (PNG + bytes(32_000), "is larger than 32 kB"),
        ],
        ids=["missing", "svg", "large"],
    )
    def test_that_cannot_be_used_is_named(
        self, tmp_path: Path, content: bytes | None, why: str
    ) -> None:
        if content is not None:
            (tmp_path / "logo.png").write_bytes(content)

        with pytest.raises(NotFit, match=why):
            read_logo(tmp_path, Newsroom(logo="logo.png"))
