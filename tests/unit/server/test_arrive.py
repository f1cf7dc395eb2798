"""The form, taken apart: whatever bytes come, a part, or one of three words for what is wrong."""

import asyncio

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from crypto.chunks import SPOOL_CHUNK
from server.arrive import Message, Recording, Uncleanable, arrive, parts
from server.config import Limits
from server.errors import BrokenForm, CutOff, Empty, ServerError, TooMany
from server.progress import Item
from server.spool import Spool

# aiohttp warns of headers that it can't read; the drop counts warnings and keeps none.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:aiohttp")

LIMITS = Limits(max_recordings=3, max_recording_bytes=600_000, max_message_bytes=1_000)


class Body:
    """A request as far as the form goes: headers and a stream."""

    def __init__(self, body: bytes, content_type: str, block: int) -> None:
        headers = CIMultiDict({"Content-Type": content_type})
        self.headers = CIMultiDictProxy(headers)
        loop = asyncio.get_running_loop()
        self.content = StreamReader(BaseProtocol(loop), 2**20, loop=loop)
        for start in range(0, len(body), block):
            self.content.feed_data(body[start : start + block])
        self.content.feed_eof()


def part(name: str, content: bytes, *, file_name: str | None = None, more: str = "") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"'
    if file_name is not None:
        disposition += f'; filename="{file_name}"'
    return f"--edge\r\n{disposition}\r\n{more}\r\n".encode() + content + b"\r\n"


def seen(
    body: bytes,
    spool: Spool,
    *,
    content_type: str = "multipart/form-data; boundary=edge",
    block: int = 4096,
) -> list[object]:
    """Return choices, texts and recordings in order, and at the end what went wrong."""

    async def run() -> list[object]:
        found: list[object] = []
        request = Body(body, content_type, block)
        try:
            async for one in parts(request.headers, request.content, LIMITS):
                match one:
                    case Uncleanable():
                        found.append(one)
                    case Message():
                        found.append(one.text)
                    case Recording():
                        with spool.hold() as held:
                            await arrive(one, held, Item("recording"))
                            found.append(held.reader().read())
        except ServerError as error:
            found.append(type(error))
        return found

    return asyncio.run(run())


@pytest.fixture(scope="module")
def spool(tmp_path_factory: pytest.TempPathFactory) -> Spool:
    return Spool(tmp_path_factory.mktemp("spool"))


class TestTheForm:
    def test_comes_apart_in_its_order(self, spool: Spool) -> None:
        body = part("uncleanable", b"send") + part("message", "Tür".encode())
        body += part("recordings", b"\0" * 100_000, file_name="a.wav") + b"--edge--\r\n"

        assert seen(body, spool) == [Uncleanable.SEND, "Tür", b"\0" * 100_000]

    def test_an_untouched_file_field_is_nothing(self, spool: Spool) -> None:
        body = part("message", b" \r\n") + part("recordings", b"", file_name="") + b"--edge--\r\n"

        assert seen(body, spool) == []

    @pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 199_999])
    @pytest.mark.parametrize("block", [7, 4096, 300_000])
    def test_a_recording_arrives_whole_however_the_network_cuts_it(
        self, spool: Spool, size: int, block: int
    ) -> None:
        content = b"\r\n--edg\r\n--ed\n" * (size // 15) + bytes(size % 15)
        body = part("recordings", content, file_name="a") + b"--edge--\r\n"

        assert seen(body, spool, block=block) == [content or Empty]

    @pytest.mark.parametrize(
        "size", [SPOOL_CHUNK - 1, SPOOL_CHUNK, SPOOL_CHUNK + 1, 2 * SPOOL_CHUNK]
    )
    def test_one_that_ends_with_a_chunk_of_the_spool_arrives_whole(
        self, spool: Spool, size: int
    ) -> None:
        content = bytes(index % 251 for index in range(size))
        body = part("recordings", content, file_name="a") + b"--edge--\r\n"

        assert seen(body, spool) == [content]

    @pytest.mark.parametrize("cut", [1, 5, 11, 12, 13, 40, 60, 100, 150])
    def test_one_that_ends_early_is_never_whole(self, spool: Spool, cut: int) -> None:
        body = part("recordings", b"the sound" * 10, file_name="a") + b"--edge--\r\n"

        assert b"the sound" * 10 not in seen(body[: len(body) - 12 - cut], spool)

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            (part("uncleanable", b"maybe"), BrokenForm),
            (part("uncleanable", b"send" * 100), BrokenForm),
            (part("message", b"a") + part("message", b"b"), BrokenForm),
            (part("unknown", b"a"), BrokenForm),
            (part("", b"a"), BrokenForm),
            (part("recordings", b"no name"), BrokenForm),
            (part("message", b"a", more="X: " + "y" * 20_000 + "\r\n"), BrokenForm),
            (part("message", b"a", more="X: y\r\n" * 500), BrokenForm),
            (part("recordings", b"x", file_name="a") * 4, TooMany),
            (b"", CutOff),
            (b"no boundary at all", CutOff),
        ],
    )
    def test_what_is_wrong_has_one_of_three_words(
        self, spool: Spool, body: bytes, wrong: type[ServerError]
    ) -> None:
        assert seen(body + b"--edge--\r\n" * bool(body), spool)[-1] is wrong

    @pytest.mark.parametrize(
        "content_type",
        ["text/plain", "multipart/form-data", "multipart/form-data; boundary=" + "x" * 99, ""],
    )
    def test_what_is_no_form_is_broken(self, spool: Spool, content_type: str) -> None:
        assert seen(b"--edge--\r\n", spool, content_type=content_type) == [BrokenForm]

    @pytest.mark.parametrize("kind", ["multipart/mixed; boundary=x", "multipart/related", "x"])
    @pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "7bit"])
    def test_what_a_file_declares_changes_nothing(
        self, spool: Spool, kind: str, encoding: str
    ) -> None:
        more = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n"
        more += "Content-Encoding: gzip\r\nContent-Length: 3\r\n"
        body = part("recordings", b"=41--x\r\nAAAA", file_name="a", more=more) + b"--edge--\r\n"

        assert seen(body, spool) == [b"=41--x\r\nAAAA"]

    def test_a_message_over_the_limit_is_said_to_be_and_the_next_part_arrives(
        self, spool: Spool
    ) -> None:
        body = part("message", b"x" * 1_001) + part("recordings", b"y", file_name="a")

        assert seen(body + b"--edge--\r\n", spool) == [None, b"y"]


class TestAnyBytes:
    @given(st.binary(max_size=2_000))
    def test_are_parts_or_one_of_the_words(self, spool: Spool, body: bytes) -> None:
        seen(body, spool)

    @given(st.data())
    def test_a_form_that_something_happened_to_is_parts_or_one_of_the_words(
        self, spool: Spool, data: st.DataObject
    ) -> None:
        body = bytearray(part("uncleanable", b"refuse") + part("message", b"hello"))
        body += part("recordings", b"sound" * 50, file_name="a.wav") + b"--edge--\r\n"
        for _ in range(data.draw(st.integers(1, 5))):
            at = data.draw(st.integers(0, len(body)))
            body[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=20))

        seen(bytes(body), spool, block=data.draw(st.integers(1, 500)))
