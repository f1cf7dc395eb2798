"""What the page says, as files: one page a language, a style sheet, the newsroom's logo.

    index.html    the page in the language that was asked for
    TAG.html      the same in each of ours
    style.css     the drop's own, and a few lines more
    logo.png      where the newsroom has one

It is read over the ordinary web, where others see who reads it. So each page stands alone: no
script, no form, nothing from elsewhere; it asks browsers itself to load nothing but what lies
beside it, also where the web server says nothing, or adds somebody's script to every page.
The address is no link: an ordinary browser would ask the network for its name.
The same drop and the same Tapedrop make the same bytes.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import jinja2

from server.i18n import Language, languages

_SERVER: Final = Path(__file__).parents[2]
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
)
_GROUP: Final = 8
"""Letters of the address that an eye compares at once: 56 are seven groups."""


@dataclass(frozen=True, slots=True)
class Landing:
    """What the page tells of one drop. `host` is the onion address without `http://`."""

    newsroom: str
    host: str
    fingerprints: tuple[str, ...]
    logo: bytes
    values_kept: bool


def pages_of(landing: Landing, *, first: str) -> dict[str, bytes]:
    """Return each file's content by its name; `first` is the tag of index.html's language."""
    pages = {
        f"{tag}.html": _page(landing, language).encode() for tag, language in languages().items()
    }
    styles = [(_SERVER / "static" / name).read_bytes() for name in ("style.css", "landing.css")]
    files = {"index.html": pages[f"{first}.html"], **pages, "style.css": b"".join(styles)}
    return files | ({"logo.png": landing.logo} if landing.logo else {})


def _page(landing: Landing, language: Language) -> str:
    name = landing.host.removesuffix(".onion")
    return _template().render(
        language=language,
        languages=languages().values(),
        _=language.gettext,
        gettext=language.gettext,
        newsroom=landing.newsroom,
        has_logo=bool(landing.logo),
        host=landing.host,
        groups=[*_grouped(name, _GROUP), ".onion"],
        fingerprints=[" ".join(_grouped(digits, 4)) for digits in landing.fingerprints],
        values_kept=landing.values_kept,
        policy=_POLICY,
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_SERVER / "templates"),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        undefined=jinja2.StrictUndefined,
    )
    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True
    return environment.get_template("landing.html")


def _grouped(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]
