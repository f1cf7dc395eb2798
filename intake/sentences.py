"""What a reporter is told of each error: a sentence, and what to do next.

`{about}` is what was being worked on, and the other names are the error's own facts. An error that
isn't here is told as the one it is a kind of. `wording.told` fills them in.
"""

from collections.abc import Mapping
from typing import Final

from crypto import errors as sealing
from intake import errors as intake
from scrub import SandboxUnavailable

SENTENCES: Final[Mapping[type[BaseException], tuple[str, str]]] = {
    intake.NotADesk: (
        "there is no desk in {folder}",
        "name the desk's folder with --desk, or make one with tapedrop-intake init",
    ),
    intake.FolderTaken: ("{folder} is not empty", "a desk is made in a folder of its own"),
    intake.BadSettings: ("{path} can't be used: {why}", ""),
    intake.KeyNotUsable: (
        "the key {fingerprint} can't be used: {why}",
        "gpg --list-keys shows the keys there are, and gpg --import FILE adds one; init and "
        "restore take another keyring by --gnupg",
    ),
    intake.NotInNewsroom: (
        "the server doesn't seal to {fingerprint}, so this desk could not open its drops",
        "have a desk that may sign add the key first (tapedrop-intake keys add), or go on with "
        "--outside-newsroom where another key of this keyring opens them, or it is added later",
    ),
    intake.NotConfirmed: (
        "what was typed is something else; nothing was changed",
        "type it as the question has it",
    ),
    intake.WordsDiffer: (
        "what was typed is something else; nothing was changed",
        "read it from the other machine's screen, or from paper, not from what came with the file",
    ),
    intake.NotASigner: (
        "this desk can't sign key lists, only {signers} can",
        "there: tapedrop-intake keys add with this desk's pairing.json, then keys sign; bring that "
        "list to the server and here: tapedrop-intake keys add",
    ),
    intake.CantChangeKeys: ("the newsroom's keys stay as they are: {why}", ""),
    intake.KeyNeeded: ("the subkey {fingerprint} stays: {why}", "tapedrop-intake keys spent"),
    intake.VaultLocked: (
        "no key here opens the vault",
        "it is sealed to {fingerprint}: does gpg have its secret half, or know its card?",
    ),
    intake.KeyringRefused: (
        "this machine's kernel won't keep the key ({error}), so the desk can't stay unlocked",
        "in a container that is usual; every command asks gpg, as it does without unlock",
    ),
    intake.VaultDamaged: (
        "the desk's {what} is not what was written",
        "the envelopes in evidence/ are not touched by this",
    ),
    intake.CatalogueNewer: (
        "the catalogue was made by a later version of this program",
        "install that version on this desk",
    ),
    intake.CatalogueFailed: (
        "the catalogue can't be used now: {why}; what was not finished was taken back",
        "is the disk full, or another tapedrop-intake at work?",
    ),
    intake.DeskBusy: (
        "another tapedrop-intake is at work at this desk",
        "wait until it is done, or end it; then say this again",
    ),
    intake.CustodyBroken: (
        "the custody log was changed: entry {number} is the first that does not hold",
        "what was carried out before, in receipts and exports, says how it was; restore a backup",
    ),
    intake.CustodyRewritten: (
        "the custody log was written anew: entries {first} to {number} are not all those that were "
        "carried out",
        "who did it had the vault's key; keep the desk as it is, and the files it was held against",
    ),
    intake.CustodyShorter: (
        "the custody log ends at entry {number}, and entry {carried_out} was carried out before",
        "was an older backup restored? else its end was cut off",
    ),
    intake.NotOurWord: (
        "{path} says nothing of this desk's custody log, or is not signed by this desk",
        "name a FILE.custody or a statement's FILE.json of this desk, or a bag that its receipt "
        "wrote",
    ),
    intake.BadRecord: ("that can't be kept: {why}", ""),
    intake.BadText: ("that can't be kept: {why}", ""),
    intake.UnknownRecord: (
        "there is no {untrusted_id} at this desk",
        "tapedrop-intake list shows drops, with --sources sources; case list and person list those",
    ),
    intake.NoBag: ("there is no bag in {path}", "name the stick, or a folder in its TAPEDROP"),
    intake.NotRegular: (
        "{about}: {untrusted_name} is not a plain file, so none of the bag was taken in",
        "no export makes such a bag; keep the stick, and ask security staff",
    ),
    intake.UnexpectedFile: (
        "{about}: {untrusted_name} is not in the signed list, so none of the bag was taken in",
        "keep the stick, ask security staff who put it there, and export anew",
    ),
    intake.MissingFile: (
        "{about}: {untrusted_name} is missing, so none of the bag was taken in",
        "export the bag anew; the server still holds all of it",
    ),
    intake.TooLarge: (
        "{about}: {untrusted_name} is larger than it can be, so none of the bag was taken in",
        "keep the stick, and ask security staff",
    ),
    intake.Unreadable: (
        "{about}: {untrusted_name} can't be read from the stick",
        "plug it in once more, or export the bag anew to another stick",
    ),
    intake.NotWhatWasSigned: (
        "{about}: {untrusted_name} is not the bytes that were signed for",
        "export the bag anew; the server still holds all of it",
    ),
    intake.WrongKind: (
        "{about} is another kind of bag: it carries {kind}",
        "drops are taken in by tapedrop-intake import, a case by tapedrop-intake merge, answers "
        "by the server",
    ),
    intake.UnknownDesk: (
        "{untrusted_name} is not signed by a desk that this one knows; nothing was taken in",
        "a desk of the newsroom becomes known by tapedrop-intake keys add; for another, have its "
        "pairing.json at hand: tapedrop-intake merge BAG --from pairing.json",
    ),
    intake.BadCase: ("the case can't be taken in: {why}; nothing was changed", ""),
    intake.NothingToShare: (
        "there is nothing to share: no envelope of these drops is at this desk",
        "tapedrop-intake list shows what is",
    ),
    intake.SharesUncleaned: (
        "not cleaned, so not shared: {drop_ids}; what they say about their maker is still in them",
        "where the colleague must have them all the same, say --uncleaned",
    ),
    intake.CaseTooLarge: (
        "{needed} are said about these drops, and one case carries {most}",
        "share it in parts: name some of its drops instead",
    ),
    intake.StickFull: (
        "{needed} are needed on the stick, and {free} are free; nothing was shared",
        "delete bags that were taken in from it, or take a larger one",
    ),
    intake.StickGone: (
        "{to} does not answer: it was pulled, or is broken; no bag is on it",
        "put it in again and share the same once more: it goes on; if it fails twice, take another",
    ),
    intake.TooLargeForStick: (
        "one drop has {size}, and the stick is FAT32, where a file ends at 4 GiB (4.3 GB)",
        "format the stick as exFAT, which erases it, or share the other drops",
    ),
    intake.EvidenceDamaged: (
        "the envelope of {about} is missing, or is not what was imported",
        "import its bag again, or export it anew: a whole copy takes its place",
    ),
    intake.UnknownDrop: (
        "there is no drop {untrusted_id}",
        "tapedrop-intake list shows them all; a case goes by its id here, as in case list",
    ),
    intake.DropPurged: ("{drop_id} was purged on {day}; nothing of it is left here", ""),
    intake.NotOpenYet: ("{drop_id} is not open", "tapedrop-intake open {drop_id}"),
    intake.NotCleaned: (
        "{drop_id} is not cleaned: what it says about its maker is still in it ({why})",
        "have it cleaned elsewhere, offline; or take it as it was sent with --as-sent",
    ),
    intake.NotDecodable: (
        "{about} can't be decoded: {why}",
        "it may be damaged, or no recording; its envelope stays in evidence/",
    ),
    intake.AlreadyThere: (
        "{path} is there already, and nothing is overwritten",
        "name another file",
    ),
    intake.BadReply: ("nothing was done: {why}", ""),
    intake.NoRoom: (
        "{needed} are needed, and {free} are free; nothing was imported",
        "make room on the desk's disk, then import again",
    ),
    intake.StickPulled: (
        "{about}: the stick can't be read any more; {kept} of {listed} drops are in",
        "plug it in once more and import again: that goes on from there",
    ),
    intake.DiskFilled: (
        "{about}: the desk's disk is full; {kept} of {listed} drops are in",
        "make room and import again: that goes on from there",
    ),
    intake.NoBackup: ("{path}: {why}", "name the disk, or a folder in its TAPEDROP-BACKUP"),
    intake.BackupRefused: (
        "the backup can't be used: {why}",
        "nothing was changed; another snapshot, or another disk, may be whole",
    ),
    intake.NoRoomThere: (
        "{needed} are needed there, and {free} are free",
        "make room, or take a larger disk; what was copied already is not copied again",
    ),
    intake.BackupDiskFull: (
        "the backup's disk is full, and it holds no new backup",
        "make room there, then back up again: what was copied already is not copied again",
    ),
    intake.BackupDiffers: (
        "the disk does not give back what was written to it ({path}); it counts as no backup",
        "use another disk",
    ),
    intake.OnHold: (
        "{drop_id} stays: {why}; nothing was purged",
        "tapedrop-intake retain {drop_id} --release ends a hold, once whoever asked for it agrees",
    ),
    intake.CopyDiffers: (
        "the stick does not give back what was written to it; no bag is on it",
        "use another stick",
    ),
    sealing.WrongSignature: (
        "{about} is not signed by the server that this desk is paired with; nothing was taken in",
        "the stick may come from elsewhere, or its lists were changed; ask security staff",
    ),
    sealing.BadBag: (
        "{about} does not hold together ({error}); nothing was taken in",
        "export the bag anew; the server still holds all of it",
    ),
    sealing.BadKeyList: ("{error}", "nothing was changed; have it signed anew"),
    sealing.KeyRefused: ("the key can't be one of the newsroom's: {error}", ""),
    sealing.NewerVersion: (
        "{about} was made by a later version of Tapedrop",
        "install that version on this desk; nothing is lost until then",
    ),
    sealing.NoKeyOpens: (
        "{about} was not sealed to a key of this desk ({recipients} keys can open it)",
        "another desk of the newsroom has the key; this one keeps the drop until it has it, too",
    ),
    sealing.PinRefused: (
        "{about}: the PIN or passphrase was wrong, or was not given{tries_left}",
        "nothing was tried again; say it once more when you have the right one",
    ),
    sealing.CardAbsent: (
        "{about}: the card {serial}, which holds the key {fingerprint}, is not in",
        "plug in the card and its reader; gpg --card-status shows what gpg sees",
    ),
    sealing.Tampered: (
        "{about} is not what was sealed: it was altered or damaged, and nothing of it was kept",
        "its envelope stays in evidence/; ask security staff to export it anew",
    ),
    sealing.NotAnEnvelope: (
        "{about} opened, but it is not laid out as an envelope; nothing of it was kept",
        "its envelope stays in evidence/; it may not be the server's work",
    ),
    SandboxUnavailable: (
        "nothing was read that came from outside: {error}",
        "a kernel with Landlock can do it, as Debian's; in a container, the host must allow it",
    ),
    sealing.GpgFailed: ("{about}: {error}", "is gnupg installed, and did the disk fill up?"),
}
