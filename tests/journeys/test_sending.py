"""What a source sends arrives sealed, or is refused in plain words; a real drop, over HTTP."""

import http.client
import re
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from drops import Drop, Newsroom, Serving, write_wav
from form import Browser


class TestARecordingThatCanBeCleaned:
    def test_arrives_sealed_and_without_what_it_hid(
        self, serving: Serving, newsroom: Newsroom, tmp_path: Path
    ) -> None:
        recording = write_wav(tmp_path / "a.wav", secret=b"Maria Exampleson")

        result = serving.send(recording)

        assert result.became == ["cleaned"]
        (envelope,) = serving.drop.envelopes()
        inside = newsroom.opened(envelope)
        assert sorted(inside) == ["manifest.json", "padding", "recording.wav"]
        assert b"Maria" not in inside["recording.wav"]
        assert inside["recording.wav"][44:] == recording.read_bytes()[44 : 44 + 16384]

    def test_the_manifest_says_what_was_removed_and_whose_it_is(
        self, serving: Serving, tmp_path: Path
    ) -> None:
        serving.send(write_wav(tmp_path / "a.wav", secret=b"Maria"))

        (manifest,) = serving.drop.manifests()

        assert manifest["condition"] == "cleaned"
        assert sum(manifest["removed"].values()) >= 1
        assert len(manifest["source"]["pseudonym"].split()) == 2
        assert "Maria" not in str(manifest)

    def test_several_and_a_message_arrive_with_one_pseudonym(
        self, serving: Serving, wav: Path, tmp_path: Path
    ) -> None:
        result = serving.send(wav, write_wav(tmp_path / "b.wav"), message="Listen to the end.")

        assert result.became == ["written", "cleaned", "cleaned"]
        assert len({manifest["source"]["pseudonym"] for manifest in serving.drop.manifests()}) == 1

    def test_a_message_alone_is_sealed_the_same_way(
        self, serving: Serving, newsroom: Newsroom
    ) -> None:
        result = serving.send(message="Call no one.\nالباب مغلق")

        assert result.became == ["written"]
        (envelope,) = serving.drop.envelopes()
        assert newsroom.opened(envelope)["message.txt"].decode() == "Call no one.\nالباب مغلق"

    def test_a_message_of_the_length_that_the_form_tells_fits_in_any_script(
        self, shared: Serving
    ) -> None:
        page = shared.visit().get("/send")
        (longest,) = re.findall('maxlength="([0-9]+)"', page.html)
        (told,) = page.texts("span", 'id="longest"')

        assert f"{int(longest):,}" in told
        assert shared.send(message="房" * int(longest)).became == ["written"]
        assert shared.send(message="\r\n" * (int(longest) - 1) + "x").became == ["written"]


class TestANewsroomThatKeepsValues:
    def test_says_so_before_anything_is_sent_and_gets_them_sealed(
        self, newsroom: Newsroom, tmp_path: Path
    ) -> None:
        drop = Drop(tmp_path / "drop", newsroom, settings='[newsroom]\nfindings = "values"')
        recording = write_wav(tmp_path / "a.wav", secret=b"Maria Exampleson")

        with drop.running() as serving:
            browser = serving.visit()
            front, form = browser.get("/"), browser.get("/send")
            result = serving.send(recording, message="Listen.")

        assert "The newsroom gets to see it" in front.html
        assert "The newsroom will see what we take out." in form.html
        assert result.page.html.count("What was taken out goes to the newsroom") == 1
        said, cleaned = sorted(drop.manifests(), key=lambda each: each["condition"], reverse=True)
        assert any("Maria Exampleson" in value["text"] for value in cleaned["values"])
        assert "values" not in said

    def test_any_other_says_and_keeps_nothing_of_the_kind(
        self, serving: Serving, tmp_path: Path
    ) -> None:
        recording = write_wav(tmp_path / "a.wav", secret=b"Maria Exampleson")
        browser = serving.visit()

        result = serving.send(recording)

        assert "newsroom will see what" not in browser.get("/send").html
        assert "What was taken out goes" not in result.page.html
        assert "values" not in serving.drop.manifests()[0]


class TestALargeRecording:
    def test_costs_no_memory(self, serving: Serving, wav: Path, tmp_path: Path) -> None:
        large = write_wav(tmp_path / "large.wav", bytes(250_000_000))
        serving.send(wav)
        before = peak_bytes(serving)

        assert serving.send(large).became == ["cleaned"]

        assert peak_bytes(serving) - before < 32_000_000


class TestBadInput:
    def test_a_good_recording_beside_bad_ones_arrives(
        self, serving: Serving, wav: Path, tmp_path: Path
    ) -> None:
        empty = tmp_path / "empty.wav"
        empty.touch()
        text = tmp_path / "notes.txt"
        text.write_text("not a recording at all\n" * 50)
        cut = tmp_path / "cut.wav"
        cut.write_bytes(wav.read_bytes()[:30])

        result = serving.send(empty, text, cut, wav)

        assert result.became[0] == "empty"
        assert result.became[1] == "not_a_recording"
        assert result.became[2] in {"malformed", "not_a_recording"}
        assert result.became[3] == "cleaned"
        assert len(serving.drop.envelopes()) == 1

    def test_what_cannot_be_cleaned_is_sent_only_when_the_source_chose_so(
        self, serving: Serving, newsroom: Newsroom, tmp_path: Path
    ) -> None:
        text = tmp_path / "notes.txt"
        text.write_text("not a recording")

        assert serving.send(text).became == ["not_a_recording"]
        assert serving.send(text, uncleanable="send").became == ["uncleaned"]

        (envelope,) = serving.drop.envelopes()
        assert newsroom.opened(envelope)["recording.bin"] == b"not a recording"

    def test_nothing_at_all_gets_a_page_that_says_so(self, shared: Serving) -> None:
        result = shared.send()

        assert "There was nothing in the form" in result.page.html

    def test_a_recording_that_is_too_large_costs_the_next_one_nothing(
        self, drop: Drop, wav: Path, tmp_path: Path
    ) -> None:
        drop.configure("[limits]\nmax_recording_bytes = 100000")
        large = write_wav(tmp_path / "large.wav", bytes(200_000))

        with drop.running() as serving:
            result = serving.send(large, wav)

        assert result.became == ["too_large", "cleaned"]

    def test_too_many_recordings_keep_the_first_ones(self, drop: Drop, wav: Path) -> None:
        drop.configure("[limits]\nmax_recordings = 2")

        with drop.running() as serving:
            result = serving.send(wav, wav, wav)

        assert result.became == ["cleaned", "cleaned", "too_many"]

    def test_a_message_that_is_too_long_costs_the_recording_nothing(
        self, shared: Serving, wav: Path
    ) -> None:
        result = shared.send(wav, message="x" * 70_000)

        assert result.became == ["too_large", "cleaned"]

    def test_a_file_that_says_it_is_a_form_is_only_a_file(self, shared: Serving, wav: Path) -> None:
        browser = shared.visit()
        head = b'--edge\r\nContent-Disposition: form-data; name="recordings"; filename="a.mht"\r\n'
        head += b"Content-Type: multipart/related; boundary=inner\r\n"
        head += b"Content-Transfer-Encoding: base64\r\n\r\n"
        body = head + b"--inner\r\nx\r\n" + form_part(b"a.wav", wav.read_bytes()) + b"--edge--\r\n"
        action = browser.get("/send").form

        raw(shared, form_head(action, length=len(body), cookie=browser.cookie) + body)
        page = browser.get(action + "/result").html

        assert re.findall('data-became="(.*?)"', page) == ["not_a_recording", "cleaned"]

    def test_a_choice_after_the_recording_it_is_about_is_refused(
        self, shared: Serving, wav: Path
    ) -> None:
        browser = shared.visit()
        choice = b'--edge\r\nContent-Disposition: form-data; name="uncleanable"\r\n\r\nsend\r\n'
        body = form_part(b"a.wav", wav.read_bytes()) + choice + b"--edge--\r\n"
        action = browser.get("/send").form

        raw(shared, form_head(action, length=len(body), cookie=browser.cookie) + body)
        page = browser.get(action + "/result").html

        assert re.findall('data-became="(.*?)"', page) == ["cleaned", "broken_form"]

    def test_what_is_not_http_gets_no_answer(self, shared: Serving) -> None:
        with connected(shared) as connection:
            connection.sendall(b"GARBAGE\r\n\r\n")

            assert connection.recv(1000) == b""

    def test_a_form_with_a_part_of_its_own_is_refused(self, shared: Serving) -> None:
        browser = shared.visit()
        form = browser.get("/send")

        page = browser.post(form.form, {"uncleanable": "refuse", "surprise": "x"}, [])

        assert 'data-became="broken_form"' in page.html

    @pytest.mark.parametrize("path", ["/nothing", "/send/", "/static/../tapedrop.toml", "/%00"])
    def test_an_address_that_does_not_exist_gets_a_calm_page(
        self, shared: Serving, path: str
    ) -> None:
        status, body = raw(shared, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

        assert status in {404, 405}
        assert "That didn't work" in body


class TestBeforeTheBody:
    def test_a_body_without_a_session_is_refused_before_it_is_read(self, shared: Serving) -> None:
        head = form_head("/send/no-such-token", length=10**9)

        status, body = raw(shared, head)

        assert status == 403
        assert "This page is too old" in body

    def test_a_body_with_a_wrong_form_token_is_refused_before_it_is_read(
        self, shared: Serving
    ) -> None:
        browser = shared.visit()

        status, _ = raw(shared, form_head("/send/wrong", length=10**9, cookie=browser.cookie))

        assert status == 403

    def test_a_body_over_the_limit_is_refused_before_it_is_read(self, shared: Serving) -> None:
        browser = shared.visit()
        action = browser.get("/send").form

        status, body = raw(shared, form_head(action, length=10**15, cookie=browser.cookie))

        assert status == 413
        assert "more than can be sent at once" in body

    def test_a_body_without_a_length_is_refused(self, shared: Serving) -> None:
        browser = shared.visit()
        action = browser.get("/send").form
        head = form_head(action, length=0, cookie=browser.cookie)
        head = head.replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")

        status, _ = raw(shared, head)

        assert status == 400


class TestCutOff:
    def test_what_was_complete_is_kept_and_what_was_not_leaves_nothing(
        self, serving: Serving, wav: Path
    ) -> None:
        browser = serving.visit()
        action = browser.get("/send").form
        whole = form_part(b"whole.wav", wav.read_bytes())
        half = form_part(b"half.wav", wav.read_bytes()[:44] + bytes(2_000_000))
        head = form_head(action, length=10**8, cookie=browser.cookie)

        with connected(serving) as connection:
            connection.sendall(head + whole + half)
            serving.wait_for(serving.drop.envelopes)
        serving.stop()

        assert [manifest["condition"] for manifest in serving.drop.manifests()] == ["cleaned"]

    def test_every_whole_one_is_kept_however_close_to_the_break(
        self, serving: Serving, tmp_path: Path
    ) -> None:
        browser = serving.visit()
        action = browser.get("/send").form
        wavs = [write_wav(tmp_path / f"{n}.wav", bytes([n]) * 40_000) for n in range(12)]
        body = b"".join(form_part(wav.name.encode(), wav.read_bytes()) for wav in wavs)
        head = form_head(action, length=10**8, cookie=browser.cookie)

        with connected(serving) as connection:
            connection.sendall(head + body + form_part(b"half.wav", wavs[0].read_bytes())[:20_000])
        serving.wait_for(lambda: len(serving.drop.envelopes()) >= 12)
        serving.stop()

        assert len(serving.drop.envelopes()) == 12

    def test_a_form_that_is_sent_anew_keeps_nothing_twice_and_waits_for_no_dead_line(
        self, serving: Serving, wav: Path, tmp_path: Path
    ) -> None:
        browser = serving.visit()
        action = browser.get("/send").form
        another = write_wav(tmp_path / "b.wav", bytes(500_000))
        body = form_part(b"a.wav", wav.read_bytes()) + form_part(b"b.wav", another.read_bytes())

        with connected(serving) as dead:
            dead.sendall(form_head(action, length=10**8, cookie=browser.cookie) + body[:300_000])
            whole = body + b"--edge--\r\n"
            raw(serving, form_head(action, length=len(whole), cookie=browser.cookie) + whole)

        page = browser.get(action + "/result").html
        assert re.findall('data-became="(.*?)"', page) == ["cleaned", "cleaned"]
        assert len(serving.drop.envelopes()) == 2

    def test_a_body_that_ends_without_its_last_boundary_is_not_a_whole_recording(
        self, serving: Serving, wav: Path
    ) -> None:
        browser = serving.visit()
        action = browser.get("/send").form
        body = form_part(b"a.wav", wav.read_bytes())[:-2]

        status, _ = raw(serving, form_head(action, length=len(body), cookie=browser.cookie) + body)

        assert status == 303
        assert 'data-became="cut_off"' in browser.get(action + "/result").html
        assert serving.drop.envelopes() == []


class TestTheCodename:
    def test_a_reload_repeats_it_and_nothing_is_stored_for_it(self, serving: Serving) -> None:
        browser = Browser(serving.address)

        first = browser.get("/codename").texts("ol", "codename")
        second = browser.get("/codename").texts("ol", "codename")

        assert first == second
        assert len(first[0].split()) == 8
        for kind in ("drops", "mailboxes", "replies"):
            assert list((serving.drop.folder / "store" / kind).iterdir()) == []

    def test_it_opens_the_mailbox_from_another_visit(self, shared: Serving, wav: Path) -> None:
        browser = shared.visit()
        codename = browser.get("/codename").texts("ol", "codename")[0]
        form = browser.get("/send")
        browser.post(form.form, form.fields, [wav])

        another = Browser(shared.address)
        another.enter(f"  {codename.upper()} ")

        assert "File 1. We have it." in another.get("/mailbox").html

    def test_a_wrong_word_is_named_and_nothing_is_looked_up(self, shared: Serving) -> None:
        answer = enter(shared, "zebra zebra zebra qwertz zebra zebra zebra zebra")

        assert "Word 4 isn" in answer

    def test_eight_known_words_that_are_no_codename_are_asked_for_again(
        self, shared: Serving
    ) -> None:
        answer = enter(shared, "zoo zoo zoo zoo zoo zoo zoo zoo")

        assert "look at each once more" in answer

    def test_another_site_cannot_type_one_for_the_source(self, shared: Serving) -> None:
        browser = shared.visit()
        head = "POST /return/{} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nCookie: {}\r\n\r\n"

        for token, cookie in (("x", browser.cookie), ("x", ""), ("", "")):
            status, _ = raw(shared, head.format(token, cookie).encode() + b"codename=")
            assert status in {403, 404}

    def test_coming_back_ends_the_visit_before(self, shared: Serving) -> None:
        first = shared.visit()
        codename = first.get("/codename").texts("ol", "codename")[0]
        before = first.cookie

        first.enter(codename)

        assert first.cookie != before
        assert first.get("/codename").texts("ol", "codename")[0] == codename
        first.cookie = before
        assert first.get("/codename").texts("ol", "codename")[0] != codename


class TestEveryAnswer:
    def test_has_the_same_strict_headers_and_says_nothing_of_the_server(
        self, shared: Serving
    ) -> None:
        for path in ("/", "/codename", "/send", "/return", "/nothing", "/style.css"):
            headers = head_of(shared, path)

            policy = headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; style-src 'self'")
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cache-Control"] == "no-store"
            for unsaid in ("Server", "Date", "ETag", "Last-Modified"):
                assert headers[unsaid] is None

    def test_sets_one_cookie_that_scripts_and_other_sites_never_see(self, shared: Serving) -> None:
        cookie = head_of(shared, "/codename")["Set-Cookie"]

        assert cookie is not None
        assert set(re.split("; ", cookie)[1:]) == {"HttpOnly", "SameSite=Strict", "Path=/"}

    def test_has_no_script_and_nothing_from_elsewhere(self, shared: Serving) -> None:
        browser = shared.visit()
        for path in ("/", "/codename", "/send", "/return"):
            html = browser.get(path).html
            assert "<script" not in html
            assert "://" not in html


def peak_bytes(serving: Serving) -> int:
    """Return the most memory that the drop itself, without its children, ever had."""
    status = Path(f"/proc/{serving.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def form_head(path: str, *, length: int, cookie: str = "") -> bytes:
    """Return the request line and headers of the form's POST."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n"
        f"Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def form_part(name: bytes, content: bytes) -> bytes:
    """Return one file of the form."""
    head = b'Content-Disposition: form-data; name="recordings"; filename="%b"' % name
    return b"--edge\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


def connected(serving: Serving) -> socket.socket:
    """Return a plain connection to the drop."""
    address = urlsplit(serving.address)
    return socket.create_connection((address.hostname, address.port), timeout=30)


def raw(serving: Serving, request: bytes) -> tuple[int, str]:
    """Send these bytes and no more; return status and body of what comes back."""
    with connected(serving) as connection:
        connection.sendall(request)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read().decode()


def head_of(serving: Serving, path: str) -> http.client.HTTPMessage:
    """Return the headers of one page."""
    address = urlsplit(serving.address)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.headers
    finally:
        connection.close()


def enter(serving: Serving, codename: str) -> str:
    """Type a codename; return the page."""
    return Browser(serving.address).enter(codename).html


def test_the_drop_stops_by_itself_when_told_to(drop: Drop) -> None:
    with drop.running() as serving:
        log = serving.stop()

    assert serving.process.returncode == 0
    assert log.splitlines() == ["event='started' newsroom_keys=1", "event='stopped'"]
    left = subprocess.run(["pgrep", "-f", str(drop.folder)], capture_output=True, text=True)
    assert left.stdout == ""
