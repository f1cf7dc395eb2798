"""Make the hostile recordings in this folder; what fuzzing found beside them has no script.

    .venv/bin/python tests/vectors/scrub/make.py

Each file is header lines (`name: value`), a blank line, and bytes. `expect:` is how it ends:
"clean", the reason of a refusal, "refused" for any, or several with "or"; `why:` is a sentence.
"""

import struct
from pathlib import Path

FOLDER = Path(__file__).parent


def write(case: str, expect: str, why: str, body: bytes) -> None:
    (FOLDER / case).write_bytes(f"expect: {expect}\nwhy: {why}\n\n".encode() + body)


def chunk(name: bytes, payload: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(payload) if size is None else size) + payload


def box(kind: bytes, payload: bytes = b"", size: int | None = None) -> bytes:
    return struct.pack(">I", len(payload) + 8 if size is None else size) + kind + payload


def nested(kind: bytes, depth: int) -> bytes:
    """Return boxes that are in each other."""
    return b"".join(box(kind, size=8 * (depth - level)) for level in range(depth))


FMT = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16))
SOUND = chunk(b"data", bytes(800))
FTYP = box(b"ftyp", b"M4A \0\0\0\0M4A ")
UNKNOWN = b"\x01" + b"\xff" * 7
EBML = b"\x1a\x45\xdf\xa3\x80"
SEGMENT, CLUSTER, TAGS = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75", b"\x12\x54\xc3\x67"
ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")


def main() -> None:
    whole = b"RIFF" + struct.pack("<I", 900) + b"WAVE"
    write(
        "wav_list_of_four_gigabytes", "malformed or clean",
        "a LIST that claims 4 GiB made a player reserve half of that",
        whole + FMT + chunk(b"LIST", b"INFO", 0xFFFFFFFF) + SOUND,
    )  # fmt: skip
    write(
        "wav_of_empty_chunks", "too_complex or clean",
        "twenty thousand chunks of nothing are no recording",
        whole + FMT + chunk(b"JUNK", b"") * 20_000 + SOUND,
    )  # fmt: skip
    write(
        "mp4_moov_of_size_zero", "malformed",
        "a moov to the end of the file, with nothing in it, broke a well-known reader",
        FTYP + box(b"moov", size=0),
    )  # fmt: skip
    write(
        "mp4_boxes_four_thousand_deep", "malformed or too_complex",
        "boxes in boxes without end overflow a reader that follows them by recursion",
        FTYP + nested(b"moov", 4000),
    )  # fmt: skip
    write(
        "mp4_table_of_four_milliard_entries", "malformed or unsupported",
        "a table says how many entries it has; nobody may believe it",
        FTYP + box(b"moov", box(b"trak", box(b"stsz", bytes(8) + b"\xff" * 4))),
    )  # fmt: skip
    write(
        "matroska_clusters_in_clusters", "malformed or unsupported or too_complex",
        "elements of unknown size inside each other, four thousand deep",
        EBML + SEGMENT + UNKNOWN + (CLUSTER + UNKNOWN) * 4000,
    )  # fmt: skip
    write(
        "matroska_tags_of_unknown_size", "malformed or unsupported",
        "only segments and clusters may have an unknown size",
        EBML + SEGMENT + UNKNOWN + TAGS + UNKNOWN + bytes(200),
    )  # fmt: skip
    write(
        "asf_four_milliard_objects", "malformed or unsupported",
        "a header that counts more objects than it has bytes",
        ASF_HEADER + struct.pack("<QIBB", 2**63, 2**32 - 1, 1, 2) + bytes(500),
    )  # fmt: skip
    write(
        "id3_larger_than_the_recording", "not_a_recording or malformed",
        "a tag in front that ends behind the end",
        b"ID3\4\0\0\x7f\x7f\x7f\x7f" + bytes(100),
    )  # fmt: skip


if __name__ == "__main__":
    main()
