"""What every group of settings is."""

from typing import Any

import msgspec


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A group of settings; an unknown key in it is an error."""

    def numbers(self, group: str) -> list[tuple[str, int]]:
        """Return each setting's name, as it is written in `group`, and its value."""
        values: dict[str, Any] = msgspec.structs.asdict(self)
        return [
            (f"{group}.{name}", value) for name, value in values.items() if isinstance(value, int)
        ]
