"""Who did not come through the onion address is warned; nobody else is."""

import pytest

from server.pages.parts import _is_onion

NAME = "tapedropexampletapedropexampletapedropexampletapedropexam"


class TestTheOnionAddress:
    @pytest.mark.parametrize(
        "host",
        [
            f"{NAME}.onion",
            f"{NAME}.onion:80",
            f"{NAME}.onion:",
            f"{NAME}.ONION",
            f"{NAME.upper()}.Onion:8080",
            f"{NAME}.onion.",
            f"{NAME}.onion.:80",
            f"news.{NAME}.onion",
        ],
    )
    def test_is_known_however_it_is_written(self, host: str) -> None:
        assert _is_onion(host)

    @pytest.mark.parametrize(
        "host",
        [
            "",
            ":80",
            "127.0.0.1:8080",
            "[::1]:8080",
            "[::1]",
            "localhost",
            "onion",
            "onion:80",
            f"{NAME}.onion.ly",
            f"{NAME}.onion.ly:80",
            f"{NAME}.onion:80.example",
            f"{NAME}.onion@elsewhere.example",
            f"{NAME}onion",
            f"{NAME}.onion..",
            "x" * 8000,
        ],
    )
    def test_is_not_one_that_only_leads_to_it(self, host: str) -> None:
        assert not _is_onion(host)
