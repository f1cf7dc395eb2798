"""A manifest says what it may, in the form it may, or it is not read at all."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steady import examples

from crypto.envelope import LARGEST_MANIFEST_BYTES
from crypto.errors import NewerVersion, NotAnEnvelope
from crypto.manifest import VERSION, VERSION_WITH_VALUES, Condition, Manifest, RemovedValue, Source

MANIFEST = Manifest(
    name="recording.wav",
    size=1234,
    condition=Condition.CLEANED,
    format="WAV",
    day="2026-11-20",
    source=Source("ozone fiber", "0f" * 16, "ab" * 1216),
    newsroom_digest="cd" * 32,
    recipients=2,
    removed={"location": 1},
    remains={"codec_data": 3},
    sha256="ef" * 32,
)
SAID: dict[str, Any] = json.loads(MANIFEST.encoded())
WITH_VALUES = replace(
    MANIFEST, values=(RemovedValue("person", "TPE1", "Kéller"), RemovedValue("text", "", "می‌خ"))
)
SAID_WITH: dict[str, Any] = json.loads(WITH_VALUES.encoded())

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def decoded_or_refused(encoded: bytes) -> Manifest | None:
    try:
        return Manifest.decoded(encoded)
    except (NotAnEnvelope, NewerVersion):
        return None


class TestDecoding:
    def test_what_was_encoded_comes_back(self) -> None:
        assert Manifest.decoded(MANIFEST.encoded()) == MANIFEST

    def test_the_digest_does_not_change_its_length(self) -> None:
        assert len(replace(MANIFEST, sha256="0" * 64).encoded()) == len(MANIFEST.encoded())

    def test_it_reads_without_anything_of_ours(self) -> None:
        assert SAID["version"] == VERSION
        assert SAID["condition"] == "cleaned"
        assert SAID["source"]["pseudonym"] == "ozone fiber"

    def test_every_member_is_specified(self) -> None:
        specification = (Path(__file__).parents[3] / "docs" / "envelope.md").read_text()
        members = [*(SAID.keys() - {"source"}), *(f"source.{name}" for name in SAID["source"])]
        members += [f"values[].{name}" for name in SAID_WITH["values"][0]]
        assert [name for name in members if f"\n| `{name}` | " not in specification] == []

    def test_values_come_back_and_are_a_version_of_their_own(self) -> None:
        assert Manifest.decoded(WITH_VALUES.encoded()) == WITH_VALUES
        assert SAID["version"] == VERSION
        assert SAID_WITH["version"] == VERSION_WITH_VALUES

    def test_most_values_of_the_greatest_length_fit_into_an_envelope(self) -> None:
        value = RemovedValue("unknown_chunk", "𐍈" * 16, "𐍈" * 64)
        full = replace(MANIFEST, values=(value,) * 500)

        assert Manifest.decoded(full.encoded()) == full
        assert len(full.encoded()) < LARGEST_MANIFEST_BYTES

    @pytest.mark.parametrize(
        "values",
        [
            None,
            [],
            5,
            [None],
            [["person", "TPE1", "Keller"]],
            [{"kind": "person", "name": "TPE1"}],
            [{"kind": "person", "name": "TPE1", "text": "K", "more": 1}],
            [{"kind": "", "name": "TPE1", "text": "K"}],
            [{"kind": "person", "name": 5, "text": "K"}],
            [{"kind": "person", "name": "TPE1", "text": "\x1b[2J"}],
            [{"kind": "person", "name": "TPE1", "text": "\N{RIGHT-TO-LEFT OVERRIDE}K"}],
            [{"kind": "person", "name": "TPE1", "text": "\ud800"}],
            [{"kind": "person", "name": "é" * 33, "text": "K"}],
            [{"kind": "person", "name": "TPE1", "text": "é" * 129}],
            [{"kind": "person", "name": "TPE1", "text": "K"}] * 501,
        ],
        ids=repr,
    )
    def test_values_that_it_can_not_say_are_refused(self, values: object) -> None:
        with pytest.raises(NotAnEnvelope):
            Manifest.decoded(json.dumps(SAID_WITH | {"values": values}).encode())

    def test_values_are_no_member_of_the_first_version(self) -> None:
        with pytest.raises(NotAnEnvelope):
            Manifest.decoded(json.dumps(SAID | {"values": SAID_WITH["values"]}).encode())

    @examples(200)
    @given(st.binary(max_size=60))
    def test_any_bytes_are_refused_and_do_no_harm(self, encoded: bytes) -> None:
        assert decoded_or_refused(encoded) is None

    @examples(200)
    @given(JSON)
    def test_any_other_json_is_refused(self, said: object) -> None:
        assert decoded_or_refused(json.dumps(said).encode()) is None

    @examples(400)
    @given(st.sampled_from(sorted(SAID)), JSON)
    def test_any_value_for_a_member_is_taken_or_refused(self, member: str, value: object) -> None:
        manifest = decoded_or_refused(json.dumps(SAID | {member: value}).encode())
        assert manifest is None or Manifest.decoded(manifest.encoded()) == manifest

    @pytest.mark.parametrize("member", sorted(SAID))
    def test_every_member_must_be_there(self, member: str) -> None:
        less = {name: value for name, value in SAID.items() if name != member}
        with pytest.raises(NotAnEnvelope):
            Manifest.decoded(json.dumps(less).encode())

    def test_a_later_version_is_told_apart_from_damage(self) -> None:
        later = json.dumps({"version": "tapedrop envelope 3", "anything": 1}).encode()
        with pytest.raises(NewerVersion) as raised:
            Manifest.decoded(later)
        assert raised.value.found == "tapedrop envelope 3"

    @pytest.mark.parametrize("version", [None, 2, ["tapedrop envelope 3"], "other 2", ""])
    def test_what_is_no_version_of_ours_is_not_called_a_later_one(self, version: object) -> None:
        with pytest.raises(NotAnEnvelope):
            Manifest.decoded(json.dumps(SAID | {"version": version}).encode())

    @pytest.mark.parametrize(
        "wrong",
        [
            {"more": 1},
            {"size": -1},
            {"size": True},
            {"size": 1.0},
            {"size": "1"},
            {"size": 2**63},
            {"recipients": None},
            {"condition": "spotless"},
            {"condition": []},
            {"day": "20261120"},
            {"day": "2026-13-01"},
            {"day": ""},
            {"sha256": "EF" * 32},
            {"sha256": "ef" * 31},
            {"newsroom_digest": ""},
            {"removed": []},
            {"removed": 5, "remains": 3},
            {"removed": {"location": "x"}, "remains": {"location": 1}},
            {"removed": {"location": -1}},
            {"removed": {"\x1b[2J": 1}},
            {"removed": {"": 1}},
            {"format": "W\nAV"},
            {"format": "\N{RIGHT-TO-LEFT OVERRIDE}VAW"},
            {"format": "\ud800"},
            {"format": "W" * 101},
            {"source": None},
            {"source": {"pseudonym": "a b"}},
            {"source": SAID["source"] | {"pseudonym": ["a"]}},
            {"source": SAID["source"] | {"pseudonym": "a\tb"}},
            {"source": SAID["source"] | {"mailbox_id": 5}},
            {"source": SAID["source"] | {"reply_key": "a" * 2433}},
            {"source": SAID["source"] | {"address": "a"}},
        ],
        ids=str,
    )
    def test_what_it_can_not_say_is_refused(self, wrong: dict[str, object]) -> None:
        with pytest.raises(NotAnEnvelope):
            Manifest.decoded(json.dumps(SAID | wrong).encode())

    def test_brackets_without_end_are_refused(self) -> None:
        with pytest.raises(NotAnEnvelope):
            Manifest.decoded(b"[" * 1_000_000)
