"""The canary's codename: kept in a small file, known to desks by pseudonym and mailbox."""

import json
from pathlib import Path

import pytest

from crypto.codename import SALT_SIZE, derive
from crypto.errors import NewerVersion
from server.config import Config
from server.errors import NotFit
from server.staff.canary.identity import Canary, canary_of, codename_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials/salt").write_bytes(bytes(SALT_SIZE))
    return tmp_path


class TestTheCanary:
    def test_it_is_made_where_there_was_none_and_stays_the_same(self, folder: Path) -> None:
        canary = canary_of(folder, Config())
        assert canary_of(folder, Config()) == canary

    def test_it_is_known_by_what_its_codename_gives_at_this_drop(self, folder: Path) -> None:
        path = folder / "credentials/canary"
        keys = derive(codename_of(path), bytes(SALT_SIZE))
        assert canary_of(folder, Config()) == Canary(keys.pseudonym, keys.mailbox_id)

    def test_nobody_else_can_read_its_codename(self, folder: Path) -> None:
        path = folder / "credentials/canary"
        codename_of(path)
        assert path.stat().st_mode & 0o777 == 0o600

    def test_a_later_versions_file_is_refused(self, folder: Path) -> None:
        path = folder / "credentials/canary"
        path.write_text(json.dumps({"version": 2, "codename": "00" * 11, "more": 1}))
        with pytest.raises(NewerVersion):
            codename_of(path)

    @pytest.mark.parametrize("spoilt", ["", "{}", '{"version": 1, "codename": "ab"}', "\xff"])
    def test_a_spoilt_file_is_named_without_what_it_holds(self, folder: Path, spoilt: str) -> None:
        path = folder / "credentials/canary"
        path.write_text(spoilt, "latin-1")
        with pytest.raises(NotFit, match="remove it, and the canary begins anew"):
            codename_of(path)
