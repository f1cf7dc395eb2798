"""A quarter's subkey: what still needs it, and how its secret half goes for good.

Drops are sealed to the newest subkey of each newsroom key. When every drop of a quarter is open,
and a verified backup holds their session keys, nothing here needs that quarter's subkey any more:
once its secret half is destroyed, nobody who takes envelopes and keys later can open them.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from crypto.errors import CryptoError
from crypto.gpg import Gpg
from crypto.newsroom import NewsroomKey, read_newsroom
from crypto.own_keys import OwnKeys
from crypto.secret_keys import SecretKey
from intake import readers
from intake.arriving.evidence import Evidence
from intake.catalogue import Catalogue
from intake.catalogue.backups import Backup
from intake.drop import Drop, SetAside, Status
from intake.durable import rewrite
from intake.errors import CantChangeKeys, VaultDamaged, VaultLocked
from intake.layout import Layout
from intake.proving.custody import Act
from intake.settings import Settings
from intake.vault import Vault, opened_by, sealed_key


@dataclass(frozen=True, slots=True)
class Subkey:
    """One of this desk's own, how much it has opened here, and why it is needed: clauses."""

    key: SecretKey
    opened: int
    needed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subkeys:
    """The secret keys of a desk, beside what the desk has opened with them."""

    layout: Layout
    settings: Settings
    catalogue: Catalogue
    gpg: Gpg
    own: OwnKeys
    is_closed_inside: Callable[[Drop], bool]
    """Whether a drop that is open may hold what its source encrypted, and nobody has tried."""
    now: datetime

    def all(self) -> list[Subkey]:
        """Return each, the newest first. The card may be asked once. Raises GpgFailed."""
        current, sealed_to = self._current(), self.vault_subkey()
        keys = sorted(self.own.keys, key=lambda key: -key.created)
        by = list(self.catalogue.keys.subkeys().values())
        return [
            Subkey(key, by.count(key.fingerprint), tuple(self._reasons(key, current, sealed_to)))
            for key in keys
        ]

    def one(self, fingerprint: str) -> SecretKey:
        """Return the subkey of this fingerprint. Raises CantChangeKeys."""
        for key in self.own.keys:
            if key.fingerprint == fingerprint:
                if key.fingerprint == key.primary:
                    raise CantChangeKeys("it is a primary key; only subkeys are destroyed here")
                return key
        raise CantChangeKeys(f"{fingerprint} is no subkey that decrypts and is here")

    def needed(self, key: SecretKey) -> tuple[str, ...]:
        """Return why a subkey is needed, as clauses; none when it isn't."""
        return tuple(self._reasons(key, self._current(), self.vault_subkey()))

    def vault_subkey(self) -> str | None:
        """Return the subkey that the vault's key is sealed to; None where nothing here opens it."""
        sealed = self.layout.vault_key.read_bytes()
        try:
            return opened_by(sealed, gpg=self.gpg, fingerprint=self.settings.reporter.key)[1]
        except (VaultLocked, VaultDamaged, CryptoError):
            return None

    def seal_vault_anew(self, vault: Vault, *, by: str, day: date) -> str:
        """Seal the vault's key to the newest subkey of the reporter's, and to no other any more.

        What is written has been opened before. Raises CantChangeKeys, VaultLocked, VaultDamaged,
        CryptoError: then it stays as it was.
        """
        fingerprint = self.settings.reporter.key
        current = self._current().get(fingerprint)
        if current is None or current.problem:
            raise CantChangeKeys("the reporter's key has no other subkey to seal the vault to")
        sealed = sealed_key(vault, gpg=self.gpg, subkey=current.subkey, day=day)
        opened, subkey = opened_by(sealed, gpg=self.gpg, fingerprint=fingerprint)
        if opened.key != vault.key or subkey != current.subkey:
            raise VaultDamaged("vault.key.gpg")
        # In the log before it is so: what the log says decides whether a backup is new enough.
        self.catalogue.custody.add(Act.RESEALED, by=by, day=day, key=subkey)
        rewrite(self.layout.vault_key, sealed)
        return subkey

    def destroy(self, key: SecretKey, *, by: str, day: date) -> None:
        """Destroy the secret half of a subkey that lies in gpg's home. Raises GpgFailed."""
        # A power cut in between leaves an entry of a key that is there still, never the reverse.
        self.catalogue.custody.add(Act.KEY_DESTROYED, by=by, day=day, key=key.fingerprint)
        self.gpg.delete_secret_subkey(key.fingerprint)

    def _current(self) -> dict[str, NewsroomKey]:
        keys = read_newsroom(self.gpg, now=self.now).keys
        return {key.fingerprint: key for key in keys}

    def _reasons(
        self, key: SecretKey, current: dict[str, NewsroomKey], sealed_to: str | None
    ) -> Iterator[str]:
        newest = current.get(key.primary)
        if key.primary in self.settings.server.newsroom:
            if newest is None or newest.subkey in ("", key.fingerprint):
                yield "new drops are sealed to it"
            elif not self._is_listed(newest):
                yield "the server has not been told of a newer one (keys sign)"
        yield from self._closed()
        if key.fingerprint == sealed_to:
            yield "the vault's key is sealed to it"
        elif not self._vault_is_backed_up():
            yield "no backup was made since the vault's key was sealed to another"
        yield from self._in_no_backup(key)

    def _in_no_backup(self, key: SecretKey) -> Iterator[str]:
        """Yield what nothing but this subkey may open, once the desk itself is gone."""
        # A backup from before can't be opened without the subkey that its vault is sealed to.
        held = self.catalogue.backups.held(
            since=self._sealed_anew() if self._vault_is_backed_up() else 0
        )
        keys = self.catalogue.keys
        # A source may have encrypted to another subkey than the server did: it had an older list.
        opened = {*keys.subkeys().items(), *keys.inside_subkeys().items()}
        unsafe = Counter(subkey for digest, subkey in opened if digest not in held)
        if bare := unsafe[key.fingerprint]:
            are = "is" if bare == 1 else "are"
            yield f"of the drops that it opened, {bare} {are} in no verified backup"
        # Any of ours may be the one that opens such a drop, should this disk be lost.
        if told := unsafe[None]:
            yield f"{_drops(told)} open by a colleague's session key, and in no verified backup"

    def _closed(self) -> Iterator[str]:
        """Yield which drops any of the subkeys may still have to open."""
        drops, keyed = self.catalogue.drops.all(), self.catalogue.keys.subkeys()
        stored = sum(drop.status is Status.STORED for drop in drops)
        if stored:
            yield f"{_drops(stored)} not open yet"
        # 0.2.0 kept no session keys: without the subkey, what it opened would be closed for good.
        keyless = sum(drop.status is Status.OPENED and drop.digest not in keyed for drop in drops)
        if keyless:
            yield f"{_drops(keyless)} to be opened once more, for the session key (open --all)"
        closed = sum(map(self.is_closed_inside, drops))
        if closed:
            yield f"{_drops(closed)} open, but what its source encrypted may not be (open --all)"
        in_part = len(Evidence(self.layout.evidence).parts())
        if in_part:
            yield f"{_drops(in_part)} here in part: import its stick again"
        missing = sum(drop.set_aside is SetAside.NOT_ARRIVED for drop in drops)
        if missing:
            yield f"{_drops(missing)} missing from what arrived, and may come again"

    def _is_listed(self, newest: NewsroomKey) -> bool:
        """Say whether the key, as this desk introduced or last signed it, has its newest subkey."""
        block = readers.block_of(self.layout, newest.fingerprint)
        listed = self.gpg.look_at_keys(block.encode()) if block else ()
        halves = {half.fingerprint: half for key in listed for half in key.subkeys}
        signed_at = self.settings.server.signed_at
        half = halves.get(newest.subkey)
        return half is not None and (not signed_at or half.created <= signed_at)

    def backups_from_before(self) -> list[Backup]:
        """Return the last backups of disks on which the vault's key is sealed to an earlier one."""
        sealed = self._sealed_anew()
        return [each for each in self.catalogue.backups.all() if each.head.number < sealed]

    def _vault_is_backed_up(self) -> bool:
        sealed = self._sealed_anew()
        last = self.catalogue.backups.last()
        return not sealed or (last is not None and last[1] >= sealed)

    def _sealed_anew(self) -> int:
        """Return the custody log's last entry of the vault being sealed anew, or 0."""
        entries = self.catalogue.custody.entries()
        return max((each.number for each in entries if each.act is Act.RESEALED), default=0)


def _drops(count: int) -> str:
    return "1 drop is" if count == 1 else f"{count} drops are"
