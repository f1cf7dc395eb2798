"""The one table from what went wrong to the exit code.

0 done · 1 done, but something needs a person · 2 usage · 3 refused: not verified ·
4 no key opens it · 5 this machine is not fit
"""

from collections.abc import Mapping
from typing import Final

from crypto import errors as sealing
from intake import errors as intake
from scrub import SandboxUnavailable

DONE: Final = 0
NEEDS_A_PERSON: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
NO_KEY: Final = 4
UNFIT: Final = 5

_CODES: Final[Mapping[type[BaseException], int]] = {
    intake.NotADesk: USAGE,
    intake.FolderTaken: USAGE,
    intake.BadSettings: USAGE,
    intake.KeyNotUsable: USAGE,
    intake.NotInNewsroom: USAGE,
    intake.NoBag: USAGE,
    intake.UnknownDrop: USAGE,
    intake.UnknownRecord: USAGE,
    intake.BadText: USAGE,
    intake.BadRecord: REFUSED,
    intake.CustodyBroken: REFUSED,
    intake.CustodyRewritten: REFUSED,
    intake.CustodyShorter: REFUSED,
    intake.NotOurWord: REFUSED,
    intake.DeskBusy: UNFIT,
    intake.DropPurged: USAGE,
    intake.NotOpenYet: USAGE,
    intake.NotDecodable: NEEDS_A_PERSON,
    intake.AlreadyThere: USAGE,
    intake.NotCleaned: REFUSED,
    intake.BadReply: USAGE,
    intake.NotConfirmed: REFUSED,
    intake.WordsDiffer: REFUSED,
    intake.NotASigner: REFUSED,
    intake.CantChangeKeys: REFUSED,
    intake.BagRefused: REFUSED,
    intake.UnknownDesk: REFUSED,
    intake.BadCase: REFUSED,
    intake.NothingToShare: USAGE,
    intake.SharesUncleaned: REFUSED,
    intake.CaseTooLarge: USAGE,
    intake.StickFull: UNFIT,
    intake.StickGone: UNFIT,
    intake.TooLargeForStick: UNFIT,
    intake.EvidenceDamaged: REFUSED,
    intake.VaultDamaged: REFUSED,
    intake.KeyNeeded: REFUSED,
    intake.VaultLocked: NO_KEY,
    intake.KeyringRefused: UNFIT,
    intake.CatalogueNewer: UNFIT,
    intake.CatalogueFailed: UNFIT,
    intake.NoRoom: UNFIT,
    intake.StickPulled: NEEDS_A_PERSON,
    intake.DiskFilled: UNFIT,
    intake.NoBackup: USAGE,
    intake.BackupRefused: REFUSED,
    intake.NoRoomThere: UNFIT,
    intake.BackupDiskFull: UNFIT,
    intake.BackupDiffers: UNFIT,
    intake.OnHold: REFUSED,
    intake.CopyDiffers: UNFIT,
    sealing.WrongSignature: REFUSED,
    sealing.BadBag: REFUSED,
    sealing.BadKeyList: REFUSED,
    sealing.KeyRefused: REFUSED,
    sealing.Tampered: REFUSED,
    sealing.NotAnEnvelope: REFUSED,
    sealing.NewerVersion: UNFIT,
    sealing.NoKeyOpens: NO_KEY,
    sealing.PinRefused: NO_KEY,
    sealing.CardAbsent: NO_KEY,
    sealing.GpgFailed: UNFIT,
    SandboxUnavailable: UNFIT,
    OSError: UNFIT,
}
_GRAVITY: Final = (DONE, NEEDS_A_PERSON, USAGE, NO_KEY, REFUSED, UNFIT)


def exit_code(error: BaseException) -> int:
    """Return the exit code for `error`."""
    for kind in type(error).__mro__:
        if kind in _CODES:
            return _CODES[kind]
    return UNFIT


def gravest(*codes: int) -> int:
    """Return the code that a person should hear of first."""
    return max(codes, key=_GRAVITY.index, default=DONE)
