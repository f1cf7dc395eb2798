"""A statement accounts for a drop, can be checked by anybody, and names nobody."""

import json
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from desks import CANARY, SOURCE, DeskAt, Ready, Server

from intake.cli import statement

pytestmark = pytest.mark.usefixtures("opened_once")


@pytest.fixture
def worked(ready: Ready, server: Server, stick: Path, tmp_path: Path) -> DeskAt:
    """A desk that has imported two drops, opened both and exported the first."""

    def prepare(desk: DeskAt) -> None:
        server.receive(CANARY)
        desk("import", server.export(stick))
        desk("list")
        server.message("Meet me at the door.")
        desk("import", server.export(stick))
        assert desk("open", "--all").code == 0
        assert desk("export", "drop-0001", "--to", tmp_path / "out.wav").code == 0

    return ready(prepare)


@pytest.fixture
def text(worked: DeskAt, tmp_path: Path) -> Path:
    """A statement about the first, with its signed facts beside it."""
    path = tmp_path / "account.txt"
    assert worked("statement", "drop-0001", "--to", path).code == 0
    return path


def facts_of(text: Path) -> dict[str, object]:
    line, _, _ = text.with_name(f"{text.name}.json").read_bytes().partition(b"\n")
    facts: dict[str, object] = json.loads(line)
    return facts


class TestAStatement:
    def test_says_what_arrived_what_was_taken_out_and_each_thing_done(
        self, worked: DeskAt, server: Server, text: Path
    ) -> None:
        said = text.read_text()
        (first,) = [
            path.stem for path in worked.files("evidence")
            if path.stem == worked("show", "1", "--json").json["sha256"]
        ]  # fmt: skip
        for needed in (
            f"SHA-256 {first}",
            server.key.public_key().public_bytes_raw().hex(),
            "signed on 2026-11-20",
            "here, and what was imported",
            sha256(CANARY).hexdigest(),
            "device name (2), location (1)",
            "imported, by desk-",
            "opened, by desk-",
            "exported, by desk-",
            "accounted for, by desk-",
        ):
            assert needed in said

    def test_names_neither_source_nor_another_drop_nor_what_was_taken_out(
        self, worked: DeskAt, text: Path
    ) -> None:
        both = text.read_text() + text.with_name("account.txt.json").read_text()
        other = worked("show", "2", "--json").json
        for secret in (
            SOURCE.pseudonym, "ozone", SOURCE.mailbox_id.hex(), "52.5 N", "Dicta", "recording.wav",
            "drop-0002", other["sha256"],
        ):  # fmt: skip
            assert secret not in both

    def test_proves_the_mark_that_the_log_knows_the_drop_by(self, text: Path) -> None:
        (drop,) = facts_of(text)["drops"]  # type: ignore[misc]
        said = bytes.fromhex(drop["salt"]) + bytes.fromhex(drop["envelope_sha256"])
        assert sha256(said).hexdigest()[:32] == drop["mark"]
        for entry in drop["entries"]:
            assert sha256(entry["entry"].encode()).hexdigest() == entry["hash"]
            assert json.loads(entry["entry"])["drop"] == drop["mark"]

    def test_is_signed_together_with_its_text(self, worked: DeskAt, text: Path) -> None:
        line, _, rest = text.with_name("account.txt.json").read_bytes().partition(b"\n")
        by = json.loads(rest)
        pairing = json.loads((worked.folder / "pairing.json").read_text())
        assert by["key"] == pairing["signing_key"]
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(by["key"]))
        key.verify(bytes.fromhex(by["signature"]), b"tapedrop signed 1\x00" + line + b"\n")
        assert facts_of(text)["text_sha256"] == sha256(text.read_bytes()).hexdigest()

    def test_can_be_checked_with_openssl_alone_as_the_page_says(
        self, text: Path, tmp_path: Path
    ) -> None:
        page = Path(__file__).parents[3] / "docs/custody.md"
        recipe = page.read_text("utf-8").partition("```sh\n")[2].partition("```")[0]
        shell = ["sh", "-euc", recipe, "sh"]
        file = text.with_name("account.txt.json")
        checked = subprocess.run([*shell, file], cwd=tmp_path, capture_output=True, text=True)
        assert "Signature Verified Successfully" in checked.stdout, checked.stderr
        file.write_bytes(file.read_bytes().replace(b"imported", b"exported"))
        assert subprocess.run([*shell, file], cwd=tmp_path, capture_output=True).returncode != 0

    def test_can_be_checked_with_python_alone_as_the_page_says(
        self, worked: DeskAt, tmp_path: Path, text: Path
    ) -> None:
        assert worked("log", "verify", "--against", f"{text}.json").code == 0

    def test_has_been_written_into_the_log_that_it_tells_of(
        self, worked: DeskAt, text: Path
    ) -> None:
        last = worked("log", "--json").json[-1]
        assert (last["act"], last["id"]) == ("accounted for", "drop-0001")
        assert facts_of(text)["log"] == {"entries": last["number"], "head": last["hash"]}

    def test_overwrites_nothing(self, worked: DeskAt, text: Path) -> None:
        before = worked("log", "--json").out
        assert worked("statement", "drop-0001", "--to", text).code == 2
        assert worked("log", "--json").out == before

    def test_is_only_shown_where_no_file_is_named(self, worked: DeskAt) -> None:
        before = worked("log", "--json").out
        assert worked("statement", "1").out.startswith("STATEMENT ABOUT drop-0001\n")
        assert worked("statement", "1", "--json").json["version"] == "tapedrop statement 1"
        assert worked("log", "--json").out == before

    def test_says_that_an_envelope_is_not_what_was_imported(self, worked: DeskAt) -> None:
        for envelope in worked.files("evidence"):
            envelope.write_bytes(b"something else")
        assert "NOT HERE, or not what was imported" in worked("statement", "1").out

    def test_does_not_say_of_an_envelope_that_never_arrived_that_it_is_what_was_signed_for(
        self, desk: DeskAt, server: Server, stick: Path
    ) -> None:
        server.receive(CANARY)
        (envelope,) = (server.export(stick) / "data").iterdir()
        envelope.write_bytes(envelope.read_bytes()[:-1] + b"?")
        assert desk("import", stick).code == 1
        said = desk("statement", "1").out
        assert "set aside: did not arrive whole" in said
        assert "the signature over the bag's list of files holds" in said
        assert "the envelope has the SHA-256" not in said

    def test_is_of_one_moment_whatever_was_done_while_it_hashed(
        self, busy: DeskAt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hashed = statement._whole

        def slowly(*given: Any) -> frozenset[bytes]:
            assert busy("open", "drop-0002").code == 0
            return hashed(*given)

        monkeypatch.setattr(statement, "_whole", slowly)
        (drop,) = busy("statement", "drop-0002", "--json").json["drops"]
        acts = [json.loads(entry["entry"])["act"] for entry in drop["entries"]]
        assert (drop["status"], acts) == ("opened", ["imported", "opened"])

    def test_still_accounts_for_a_drop_that_was_purged(self, worked: DeskAt) -> None:
        assert worked("purge", "drop-0001", "--confirm", "purge 1 drop").code == 0
        said = worked("statement", "drop-0001").out
        assert "destroyed on" in said
        assert "purged, by desk-" in said
        assert "What is in it" not in said
        acts = [row["act"] for row in worked("log", "drop-0001", "--json").json]
        assert acts == ["imported", "opened", "exported", "purged"]

    def test_accounts_for_all_of_a_case(self, worked: DeskAt) -> None:
        worked("case", "add", "The door")
        assert worked("case", "put", "case-0001", "drop-0001", "drop-0002").code == 0
        assert worked("statement", "case-0001").out.startswith(
            "STATEMENT ABOUT drop-0001, drop-0002\n"
        )
