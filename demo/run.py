"""Run the whole system once, on loopback, with a throw-away newsroom, and say what happens.

Everything lives in `.demo/` and is made anew each time. The drop, the desk and the form are used
as people use them: the commands by their names, the form over HTTP.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from form import Browser
from sample import SAMPLE

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
HOME = ROOT / ".demo"
NEWSROOM = HOME / "newsroom"
SERVER = HOME / "server"
CONFIG = SERVER / "tapedrop.toml"
DESK = HOME / "desk"
STICK = HOME / "stick"


class StepFailed(Exception):
    """A step of the round trip did not do what it should."""


def main() -> int:
    """Make the round trip; then, unless it is asked to end, leave the source's page running."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recording", type=Path, default=SAMPLE)
    parser.add_argument("--once", action="store_true", help="end after the round trip")
    options = parser.parse_args()
    try:
        begin_anew()
        fingerprint = make_newsroom()
        make_drop(fingerprint)
        with running_drop() as address:
            codename = send(address, options.recording)
            pair(fingerprint)
            bag = carry_to_desk()
            drop_id = look_at_desk()
            reply(address, drop_id, codename)
            say(f"The bag is {bag.relative_to(ROOT)}; everything else is in .demo/ too.")
            if not options.once:
                leave_running(address)
    except (StepFailed, subprocess.CalledProcessError, RuntimeError, OSError) as error:
        print(f"demo: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: stopped", file=sys.stderr)
        return 130
    finally:
        end_agents()
    return 0


def begin_anew() -> None:
    """Forget an earlier demo."""
    end_agents()
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(mode=0o700)


def make_newsroom() -> str:
    """Make the newsroom's key, without a passphrase; return its fingerprint."""
    step("A throw-away newsroom key")
    NEWSROOM.mkdir(mode=0o700)
    gpg("--quick-generate-key", "Demo newsroom <desk@newsroom.example>", "default", "default", "1y")
    listed = gpg("--with-colons", "--list-keys")
    fingerprint = next(line for line in listed.splitlines() if line.startswith("fpr")).split(":")[9]
    (HOME / "newsroom.asc").write_text(gpg("--armor", "--export", fingerprint))
    say(f"fingerprint {fingerprint}")
    return fingerprint


def make_drop(fingerprint: str) -> None:
    """Make the drop, on a free loopback port, sealing to the newsroom's key."""
    step("The drop")
    tapedrop("server", "init", str(SERVER))
    CONFIG.write_text(CONFIG.read_text().replace("[listen]", '[listen]\ntcp = "127.0.0.1:0"', 1))
    add = ["keys", "add", str(HOME / "newsroom.asc"), "--fingerprint", fingerprint]
    tapedrop("server", *add, "--config", str(CONFIG))
    say("made, with the newsroom's public key and no secret one")


@contextlib.contextmanager
def running_drop() -> Iterator[str]:
    """Serve, and give the address of the source's page."""
    command = [str(BIN / "tapedrop-server"), "serve", "--config", str(CONFIG), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as drop:
        try:
            assert drop.stdout is not None
            line = drop.stdout.readline()
            if not line:
                raise StepFailed("the drop did not start")
            yield json.loads(line)["listening"]
        finally:
            drop.send_signal(signal.SIGTERM)


def send(address: str, recording: Path) -> str:
    """Send the recording and a message as a source would; return the codename."""
    step("A source sends a recording through the web form")
    if not recording.is_file():
        raise StepFailed(f"there is no recording {recording}")
    browser = Browser(address)
    browser.get("/")
    codename = browser.get("/codename").texts("ol", "codename")[0]
    say(f"codename: {codename}")
    form = browser.get("/send")
    message = {"message": "The door was locked every night. I can say more."}
    say(f"sending {recording.name}, {recording.stat().st_size} bytes")
    result = browser.post(form.form, form.fields | message, [recording])
    for outcome in result.texts("li"):
        say(f"the page says: {outcome}")
    if 'data-became="cleaned"' not in result.html:
        raise StepFailed("the drop did not take the recording")
    return codename


def pair(fingerprint: str) -> None:
    """Make a desk for the newsroom's key, and introduce drop and desk to each other."""
    step("A desk is made, and paired with the drop")
    introduction = str(HOME / "pairing.json")
    shown = tapedrop("server", "pair", "--to", introduction, "--config", str(CONFIG))["words"]
    say(f"the drop shows: {shown}")
    key = ["--key", fingerprint, "--gnupg", str(NEWSROOM)]
    desk = ["init", str(DESK), "--server", introduction, *key, "--words", shown]
    shown = tapedrop("intake", *desk)["words"]
    say(f"the desk shows: {shown}")
    file = str(DESK / "pairing.json")
    tapedrop("server", "pair", file, "--words", shown, "--config", str(CONFIG))
    say("each knows the other's signing key")


def carry_to_desk() -> Path:
    """Export the bag, and import it at the desk."""
    step("Export day: the bag crosses the air gap")
    exported = tapedrop("server", "export", "--to", str(STICK), "--config", str(CONFIG))
    bag = Path(exported["bag"])
    say(f"{exported['drops']} envelopes, {exported['bytes']} bytes, signed and read back whole")
    for envelope in sorted((bag / "data").iterdir()):
        say(f"envelope {envelope.name}: {envelope.stat().st_size} bytes, {recipients(envelope)}")
    tapedrop("intake", "--desk", str(DESK), "import", str(bag))
    say("imported: signature and every digest hold")
    return bag


def look_at_desk() -> str:
    """Open everything, and show the catalogue; return the recording's id."""
    step("The reporter opens, and looks at the catalogue")
    tapedrop("intake", "--desk", str(DESK), "open", "--all")
    rows = tapedrop("intake", "--desk", str(DESK), "list")
    print(plain("intake", "--desk", str(DESK), "list"), flush=True)
    recording = next(row for row in rows if row["condition"] == "cleaned")
    shown = tapedrop("intake", "--desk", str(DESK), "show", recording["id"])
    say(f"stripped: {counts(shown['removed'])}; remains: {counts(shown['remains'])}")
    to = HOME / f"{recording['id']}.{shown['name'].rpartition('.')[2]}"
    tapedrop("intake", "--desk", str(DESK), "export", recording["id"], "--to", str(to))
    say(f"the cleaned recording is {to.relative_to(ROOT)}")
    return str(recording["id"])


def reply(address: str, drop_id: str, codename: str) -> None:
    """Write back, carry receipt and reply to the drop, and read the reply with the codename."""
    step("The reporter backs the desk up, and replies; the source comes back with the codename")
    words = HOME / "reply.txt"
    words.write_text("Thank you. We heard it. Which door was it?\n")
    desk = ["--desk", str(DESK)]
    tapedrop("intake", *desk, "reply", drop_id, "--text-from", str(words))
    back, disk = HOME / "stick-back", HOME / "disk"
    disk.mkdir()
    tapedrop("intake", *desk, "backup", "--to", str(disk))
    tapedrop("intake", *desk, "receipt", "--to", str(back))
    receipts = tapedrop("server", "receipts", "import", str(back), "--config", str(CONFIG))
    say(f"the desk's receipt: {counts(receipts['bags'][0]['envelopes'])}")
    tapedrop("server", "replies", "import", str(back), "--config", str(CONFIG))
    browser = Browser(address)
    browser.enter(codename)
    mailbox = browser.get("/mailbox")
    say(f"the source reads: {mailbox.texts('blockquote')[0]}")


def leave_running(address: str) -> None:
    """Say where the source's page is, and wait for Ctrl-C."""
    step("The source's page stays open; Ctrl-C ends it")
    print(f"source page: {address}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
    print()


def tapedrop(which: str, *words: str) -> Any:
    """Run one of our commands; return what it answered in JSON."""
    return json.loads(plain(which, *words, "--json") or "null")


def plain(which: str, *words: str) -> str:
    """Run one of our commands as a person would; return what it printed."""
    done = subprocess.run(
        [BIN / f"tapedrop-{which}", *words], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise StepFailed(f"tapedrop-{which} {' '.join(words)} ended with {done.returncode}")
    return done.stdout.rstrip()


def gpg(*words: str) -> str:
    """Run gpg in the newsroom's home."""
    command = ["gpg", "--homedir", str(NEWSROOM), "--batch", "--quiet", "--passphrase", ""]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StepFailed(f"gpg: {done.stderr.strip()}")
    return done.stdout


def recipients(envelope: Path) -> str:
    """Say whom gpg sees an envelope sealed to."""
    command = ["gpg", "--homedir", str(NEWSROOM), "--batch", "--list-packets", str(envelope)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    packets = [line for line in listed.splitlines() if line.startswith(":pubkey enc packet")]
    hidden = all("keyid 0000000000000000" in line for line in packets)
    return f"{len(packets)} {'hidden' if hidden else 'VISIBLE'} recipient"


def counts(found: dict[str, int]) -> str:
    """Say kinds and counts."""
    return ", ".join(f"{kind} ({number})" for kind, number in found.items()) or "nothing"


def end_agents() -> None:
    """End the gpg-agent that the demo's newsroom key was used through."""
    if NEWSROOM.is_dir():
        command = ["gpgconf", "--homedir", str(NEWSROOM), "--kill", "all"]
        subprocess.run(command, check=False, stderr=subprocess.DEVNULL)


def step(title: str) -> None:
    """Begin a step."""
    bold, normal = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() else ("", "")
    print(f"\n{bold}{title}{normal}", flush=True)


def say(line: str) -> None:
    """Say what was seen."""
    print(f"  {line}", flush=True)


if __name__ == "__main__":
    os.chdir(ROOT)
    # A shell starts what runs in the background deaf to Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
