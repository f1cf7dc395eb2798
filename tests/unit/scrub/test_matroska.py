"""Matroska and WebM: what is kept is scale, tracks and blocks."""

import io
import struct
from functools import cache, partial

import pytest
from recordings import SECRET, cleaned, counted, described, encoded, filmed, heard, packets, shown

from scrub import Kind, Malformed, ScrubError, Unsupported, Zygote
from scrub.codecs import nal
from scrub.containers.matroska.ebml import (
    Element,
    children,
    element,
    element_at,
    id_bytes,
    real_element,
    signed_element,
    unsigned_element,
    wide_head,
)
from scrub.containers.matroska.settings import behind
from scrub.formats import plan
from scrub.plan import Draft, render
from scrub.reading import Reader

TAGGED = ("-metadata", f"title={SECRET.decode()}", "-metadata:s:a:0", f"title={SECRET.decode()}")
EBML, SEGMENT, INFO, TRACKS, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
TRACK, TIMESTAMP, SIMPLE, GROUP, BLOCK, VOID = 0xAE, 0xE7, 0xA3, 0xA0, 0xA1, 0xEC
CUES = 0x1C53BB6B
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")
SOUNDS = [
    "libvorbis", "libopus -ar 48000", "flac", "aac", "libmp3lame", "mp2", "ac3", "eac3", "alac",
    "pcm_s16le", "pcm_s24be", "pcm_f32le", "tta", "wavpack", "adpcm_ms", "pcm_mulaw",
    "dca -strict -2",
]  # fmt: skip
PICTURES = [
    "libx264 -preset ultrafast", "libx265 -preset ultrafast -x265-params log-level=0", "libvpx",
    "libvpx-vp9 -deadline realtime", "libaom-av1 -cpu-used 8", "libtheora", "mpeg2video", "prores",
    "mpeg4", "mjpeg", "ffv1", "ffv1 -level 3", "msmpeg4", "rawvideo", "wmv2", "mpeg1video",
    "libxvid",
]  # fmt: skip


@cache
def tagged_mka() -> bytes:
    return encoded("mka", "-c:a", "libvorbis", *TAGGED)


def pcm_track(*more: bytes, number: int = 1) -> bytes:
    """Return a track of 16-bit mono sound at 8000 Hz."""
    sound = element(0xE1, real_element(0xB5, 8000), unsigned_element(0x6264, 16))
    return element(
        TRACK,
        unsigned_element(0xD7, number),
        unsigned_element(0x73C5, 0x1122334455667788),
        unsigned_element(0x83, 2),
        element(0x86, b"A_PCM/INT/LIT"),
        sound,
        *more,
    )


def simple(payload: bytes, time: int = 0, track: int = 1, flags: int = 0x80) -> bytes:
    return element(SIMPLE, block(payload, time, track, flags))


def block(payload: bytes, time: int = 0, track: int = 1, flags: int = 0) -> bytes:
    return bytes([0x80 | track]) + struct.pack(">hB", time, flags) + payload


def cluster(*parts: bytes, time: int = 0) -> bytes:
    return element(CLUSTER, unsigned_element(TIMESTAMP, time), *parts)


def document(*segment: bytes) -> bytes:
    return element(EBML, element(0x4282, b"matroska")) + element(SEGMENT, *segment)


def sound_of(*clusters: bytes, tracks: bytes = pcm_track()) -> bytes:
    return document(element(INFO), element(TRACKS, tracks), *clusters)


SOUND = bytes(range(200)) * 4


def parts_of(recording: bytes) -> dict[int, list[Element]]:
    """Return the elements of a segment by id, where they lie."""
    reader = Reader(io.BytesIO(recording))
    head = element_at(reader, 0, reader.size)
    assert head
    segment = element_at(reader, head.end, reader.size)
    assert segment
    parts: dict[int, list[Element]] = {}
    for each in children(reader, segment.payload, segment.end):
        parts.setdefault(each.id, []).append(each)
    return parts


class TestMatroska:
    def test_the_walk_counts_as_many_packets_as_ffprobe(self) -> None:
        made = filmed("mkv", *X264, "-cluster_time_limit", "200")
        draft = Draft(lambda records: None)

        plan(io.BytesIO(made), draft)

        assert draft.essence.units == counted(made)

    @pytest.mark.parametrize("codec", SOUNDS)
    def test_every_usual_sound_is_the_same(self, zygote: Zygote, codec: str) -> None:
        made = encoded("mka", "-c:a", *codec.split(), *TAGGED)

        kind, result, findings = cleaned(zygote, made)

        assert kind.name == "MKA"
        assert SECRET in made
        assert SECRET not in result
        assert findings.removed[Kind.IDENTIFIER] >= 1
        assert packets(result) == packets(made)
        assert heard(result) == heard(made)

    @pytest.mark.parametrize("codec", PICTURES)
    def test_every_usual_picture_is_the_same(self, zygote: Zygote, codec: str) -> None:
        made = filmed("mkv", "-c:v", *codec.split(), "-c:a", "aac", *TAGGED, seconds=0.4)

        kind, result, _ = cleaned(zygote, made)

        assert kind.name == "MKV"
        assert SECRET not in result
        assert shown(result) == shown(made)

    def test_units_behind_start_codes_lose_their_user_data(self, zygote: Zygote) -> None:
        units = filmed("h264", *X264, "-map", "-0:a", "-frames:v", "1")
        track = element(
            TRACK, unsigned_element(0xD7, 1), unsigned_element(0x83, 1),
            element(0x86, b"V_MPEG4/ISO/AVC"),
        )  # fmt: skip
        made = sound_of(cluster(simple(units)), tracks=track)

        _, result, _ = cleaned(zygote, made)

        assert b"x264" in made
        assert b"x264" not in result
        assert shown(result) == shown(made)

    def test_transparency_stays_beside_each_picture(self, zygote: Zygote) -> None:
        made = filmed(
            "webm", "-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0",
            "-fflags", "+bitexact",  # no random numbers, in which a mark could stand as well
            seconds=0.4,
        )  # fmt: skip

        _, result, _ = cleaned(zygote, made)

        assert made.count(b"\x75\xa1") == 10
        assert result.count(b"\x75\xa1") == 10
        assert shown(result, "-c:v", "libvpx") == shown(made, "-c:v", "libvpx")

    def test_a_browser_that_speaks_of_transparency_where_none_is_gives_nothing_away(
        self, zygote: Zygote
    ) -> None:
        video = element(0xE0, unsigned_element(0x53C0, 1), unsigned_element(0xB0, 96))
        track = element(
            TRACK, unsigned_element(0xD7, 1), unsigned_element(0x83, 1),
            unsigned_element(0x55EE, 1), element(0x86, b"V_VP8"), video,
        )  # fmt: skip

        _, result, _ = cleaned(zygote, sound_of(cluster(simple(SOUND)), tracks=track))

        assert unsigned_element(0xB0, 96) in result
        assert id_bytes(0x53C0) not in result
        assert id_bytes(0x55EE) not in result

    def test_bytes_that_every_picture_lacks_do_not_hide_user_data(self) -> None:
        def unit(*payload: bytes) -> bytes:
            return len(b"".join(payload)).to_bytes(4, "big") + b"".join(payload)

        note = unit(b"\x06\x05", bytes([16 + len(SECRET)]), bytes(16), SECRET, b"\x80")
        picture = unit(b"\x65", bytes(range(100, 200)))
        lacking = (note + picture)[1:]
        stream = nal.Stream(nal.Codec.AVC)
        clean_frame = behind(b"\0", partial(nal.cleaned_sample, stream=stream))

        cuts = clean_frame(Reader(io.BytesIO(lacking)), 0, len(lacking))

        assert cuts
        assert b"".join(render(cuts, io.BytesIO(lacking))) == picture[1:]

    def test_a_webm_stays_one(self, zygote: Zygote) -> None:
        made = filmed("webm", "-c:v", "libvpx", "-c:a", "libopus", *TAGGED)

        kind, result, _ = cleaned(zygote, made)

        assert (kind.name, kind.extension) == ("WebM", "webm")
        assert shown(result) == shown(made)

    def test_a_live_recording_gets_sizes_and_an_index(self, zygote: Zygote) -> None:
        made = filmed(
            "webm", "-c:v", "libvpx", "-g", "5", "-c:a", "libopus", "-live", "1",
            "-cluster_time_limit", "200", *TAGGED,
        )  # fmt: skip

        _, result, _ = cleaned(zygote, made)

        assert b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" in made
        assert SECRET not in result
        assert len(parts_of(result)[CLUSTER]) > 3
        assert shown(result) == shown(made)

    def test_cues_point_at_clusters(self, zygote: Zygote) -> None:
        made = filmed("mkv", *X264, "-g", "5", "-cluster_time_limit", "200")

        _, result, _ = cleaned(zygote, made)

        reader = Reader(io.BytesIO(result))
        parts = parts_of(result)
        segment = parts[0x114D9B74][0].start
        clusters = {each.start - segment for each in parts[CLUSTER]}
        points = list(children(reader, parts[CUES][0].payload, parts[CUES][0].end))
        pointed = {reader.number(point.end - 8, 8, "big") for point in points}
        assert len(points) > 3
        assert pointed <= clusters

    def test_encoder_settings_in_the_picture_are_gone(self, zygote: Zygote) -> None:
        made = filmed("mkv", *X264)

        _, result, findings = cleaned(zygote, made)

        assert b"x264 - core" in made
        assert b"x264" not in result
        assert findings.removed[Kind.ENCODER] >= 1
        assert shown(result) == shown(made)

    def test_exiftool_sees_no_name_and_no_program(self, zygote: Zygote) -> None:
        assert SECRET.decode() in described(tagged_mka())

        told = described(cleaned(zygote, tagged_mka())[1])

        assert SECRET.decode() not in told
        assert "App" not in told

    def test_two_cuts_of_one_recording_have_no_number_in_common(self, zygote: Zygote) -> None:
        _, result, _ = cleaned(zygote, sound_of(cluster(simple(SOUND))))

        assert struct.pack(">Q", 0x1122334455667788) not in result
        assert unsigned_element(0x73C5, 1) in result

    def test_subtitles_are_gone_with_their_lines(self, zygote: Zygote) -> None:
        text = element(
            TRACK,
            unsigned_element(0xD7, 2),
            unsigned_element(0x83, 17),
            element(0x86, b"S_TEXT/UTF8"),
        )
        line = element(GROUP, element(BLOCK, block(SECRET, track=2)), unsigned_element(0x9B, 900))
        plain = sound_of(cluster(simple(SOUND)))

        _, result, findings = cleaned(
            zygote, sound_of(cluster(simple(SOUND), line), tracks=pcm_track() + text)
        )

        assert result == cleaned(zygote, plain)[1]
        assert findings.removed[Kind.OTHER_STREAM] == 1

    @pytest.mark.parametrize(
        "hidden",
        [
            sound_of(cluster(simple(SOUND), element(VOID, SECRET))),
            sound_of(cluster(simple(SOUND), element(0x4FA1, SECRET))),
            sound_of(cluster(simple(SOUND)), element(VOID, SECRET)),
            sound_of(cluster(simple(SOUND)) + element(0x1254C367, SECRET)),
            sound_of(cluster(simple(SOUND))) + SECRET,
            sound_of(cluster(simple(SOUND)) + b"\0" + SECRET),
            sound_of(cluster(simple(SOUND), b"\0" + SECRET)),
            sound_of(cluster(simple(SOUND)), tracks=pcm_track(element(0x536E, SECRET))),
            sound_of(cluster(simple(SOUND)), tracks=pcm_track(element(0x63A2, SECRET))),
            sound_of(cluster(simple(SOUND)), tracks=pcm_track() + element(VOID, SECRET)),
            sound_of(cluster(simple(SOUND), simple(SECRET, track=9))),
            sound_of(element(0x4FA1, SECRET), cluster(simple(SOUND))),
            document(
                element(INFO, element(0x7BA9, SECRET)),
                element(TRACKS, pcm_track()),
                cluster(simple(SOUND)),
            ),
            element(EBML, element(VOID, SECRET)) + sound_of(cluster(simple(SOUND)))[16:],
        ],
    )
    def test_what_hides_anywhere_is_gone_and_reported(self, zygote: Zygote, hidden: bytes) -> None:
        plain = cleaned(zygote, sound_of(cluster(simple(SOUND))))[1]

        _, result, findings = cleaned(zygote, hidden)

        assert result == plain
        assert findings.removed

    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            (simple(SOUND, flags=0xF0), simple(SOUND)),
            (wide_head(SIMPLE, 804) + block(SOUND, flags=0x80), simple(SOUND)),
            (element(SIMPLE, b"\x40\x01" + block(SOUND, flags=0x80)[1:]), simple(SOUND)),
            (
                element(
                    GROUP,
                    signed_element(0xFB, -123456789),
                    element(VOID, SECRET),
                    element(BLOCK, block(SOUND, flags=0xF1)),
                    element(
                        0x75A1, element(0xA6, unsigned_element(0xEE, 4), element(0xA5, SECRET))
                    ),
                    element(0xC8, SECRET),
                    signed_element(0x75A2, 6500000),
                    unsigned_element(0x9B, 50),
                ),
                element(
                    GROUP,
                    element(BLOCK, block(SOUND)),
                    unsigned_element(0x9B, 50),
                    unsigned_element(0xFB, 0),
                    signed_element(0x75A2, 6500000),
                ),
            ),
            (
                element(GROUP, element(BLOCK, block(SOUND)), unsigned_element(0x9B, 1 << 60)),
                element(GROUP, element(BLOCK, block(SOUND))),
            ),
        ],
        ids=["reserved_flags", "wide_size", "wide_number", "group", "absurd_duration"],
    )
    def test_a_block_has_no_room_for_more_than_its_frames(
        self, zygote: Zygote, written: bytes, kept: bytes
    ) -> None:
        _, result, _ = cleaned(zygote, sound_of(cluster(simple(SOUND), written)))

        assert result.endswith(simple(SOUND) + kept)

    @pytest.mark.parametrize(
        "laced",
        [
            block(b"\x03\xff\x01\x10\x10" + SOUND, flags=0x82),
            block(b"\x03" + SOUND, flags=0x84),
            block(b"\x03\x40\xc8\xbf\xbf" + SOUND, flags=0x86),
        ],
        ids=["xiph", "fixed", "ebml"],
    )
    def test_laced_frames_stay_and_are_counted(self, zygote: Zygote, laced: bytes) -> None:
        made = sound_of(cluster(element(SIMPLE, laced)))

        assert cleaned(zygote, made)[1].endswith(element(SIMPLE, laced))

    @pytest.mark.parametrize("flags", [0x82, 0x84, 0x86])
    def test_a_block_that_its_frames_do_not_fill_is_gone(self, zygote: Zygote, flags: int) -> None:
        damaged = simple(b"\x06\xff\xff\xff\xff\xff", flags=flags)

        _, result, findings = cleaned(zygote, sound_of(cluster(simple(SOUND), damaged)))

        assert result == cleaned(zygote, sound_of(cluster(simple(SOUND))))[1]
        assert findings.removed[Kind.SLACK] == 1

    def test_when_most_blocks_are_damaged_it_is_refused(self, zygote: Zygote) -> None:
        damaged = simple(b"\x06\xff\xff\xff\xff\xff", flags=0x82) * 10

        with pytest.raises(Malformed, match="most of its blocks"):
            cleaned(zygote, sound_of(cluster(simple(SOUND), damaged)))

    def test_bytes_that_every_frame_lacks_are_kept_apart(self, zygote: Zygote) -> None:
        stripped = element(
            0x6D80,
            element(
                0x6240, element(0x5034, unsigned_element(0x4254, 3), element(0x4255, SOUND[:2]))
            ),
        )
        whole = sound_of(cluster(simple(SOUND)))
        short = sound_of(cluster(simple(SOUND[2:])), tracks=pcm_track(stripped))

        _, result, _ = cleaned(zygote, short)

        assert heard(result) == heard(whole)
        assert stripped in result

    def test_a_clocks_time_becomes_the_recordings_own(self, zygote: Zygote) -> None:
        began = 1_790_000_000_000
        live = sound_of(cluster(simple(SOUND), time=began), cluster(simple(SOUND), time=began + 50))

        _, result, findings = cleaned(zygote, live)

        assert (
            result
            == cleaned(zygote, sound_of(cluster(simple(SOUND)), cluster(simple(SOUND), time=50)))[1]
        )
        assert findings.removed[Kind.TIME] == 1

    def test_what_is_cut_off_keeps_its_whole_blocks(self, zygote: Zygote) -> None:
        whole = sound_of(cluster(simple(SOUND)), cluster(simple(SOUND), simple(SOUND), time=50))

        _, result, _ = cleaned(zygote, whole[:-100])

        assert (
            result
            == cleaned(zygote, sound_of(cluster(simple(SOUND)), cluster(simple(SOUND), time=50)))[1]
        )

    def test_after_damage_it_goes_on_with_the_next_cluster(self, zygote: Zygote) -> None:
        damaged = sound_of(
            cluster(simple(SOUND)), b"\0\0" + SECRET, cluster(simple(SOUND), time=50)
        )

        _, result, _ = cleaned(zygote, damaged)

        assert (
            result
            == cleaned(zygote, sound_of(cluster(simple(SOUND)), cluster(simple(SOUND), time=50)))[1]
        )

    def test_damage_that_costs_most_of_it_is_refused(self, zygote: Zygote) -> None:
        lost = element(CLUSTER, b"\0" * 200_000)

        with pytest.raises(Malformed, match="too much"):
            cleaned(zygote, sound_of(cluster(simple(SOUND)), lost))

    @pytest.mark.parametrize(
        ("refused", "what"),
        [
            (sound_of(cluster(simple(SOUND))) * 2, "a second recording behind the first"),
            (
                sound_of(cluster(element(0xAF, SOUND), simple(SOUND))),
                "an encrypted track",
            ),
            (
                sound_of(
                    cluster(simple(SOUND)),
                    tracks=pcm_track(
                        element(
                            0x6D80, element(0x6240, element(0x5034, unsigned_element(0x4254, 0)))
                        )
                    ),
                ),
                "a compressed track",
            ),
            (
                sound_of(
                    cluster(simple(SOUND)),
                    tracks=pcm_track(element(0x6D80, element(0x6240, unsigned_element(0x5033, 1)))),
                ),
                "an encoded track",
            ),
            (
                sound_of(
                    cluster(element(GROUP, element(BLOCK, block(SOUND)), element(0xA4, SECRET)))
                ),
                "a codec whose settings change",
            ),
            (
                sound_of(
                    cluster(simple(SOUND)),
                    tracks=pcm_track().replace(b"A_PCM/INT/LIT", b"A_REAL/COOK!!"),
                ),
                "sound of an unknown codec",
            ),
        ],
        ids=["two", "encrypted_block", "zlib", "encryption", "codec_state", "codec"],
    )
    def test_what_cannot_be_looked_into_is_refused_by_name(
        self, zygote: Zygote, refused: bytes, what: str
    ) -> None:
        with pytest.raises(Unsupported) as refusal:
            cleaned(zygote, refused)

        assert refusal.value.what == what

    @pytest.mark.parametrize(
        "damaged",
        [
            document(),
            document(element(INFO), element(TRACKS, pcm_track())),
            document(cluster(simple(SOUND))),
            document(element(TRACKS, pcm_track() * 2), cluster(simple(SOUND))),
            document(element(TRACKS, b"\xae\xff"), cluster(simple(SOUND))),
            sound_of(cluster(simple(b""))),
            element(EBML, element(0x4282, b"matroska")),
            id_bytes(EBML) + b"\x01\xff\xff\xff\xff\xff\xff\xff",
            id_bytes(EBML) + b"\x08\xff",
        ],
    )
    def test_a_damaged_one_is_refused(self, zygote: Zygote, damaged: bytes) -> None:
        with pytest.raises(Malformed):
            cleaned(zygote, damaged)

    def test_a_great_many_tiny_elements_are_refused(self, zygote: Zygote) -> None:
        with pytest.raises(ScrubError):
            cleaned(zygote, document(*[element(VOID)] * 100_000))
