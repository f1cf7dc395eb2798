"""Keep the translators' catalogues in step with what the pages say.

    catalogues.py              write messages.pot from templates and code, update every messages.po
    catalogues.py --add TAG    begin a language, by its BCP 47 tag: so, zh-Hant

A translation stays while its English does. Where the English changed a little, it is kept marked
fuzzy, for the translator to look at. What nothing says any more is dropped.
The same sources make the same files: no dates, no line numbers.
"""

import argparse
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import PoFileError, read_po, write_po
from catalogue_faults import faults

SERVER = Path(__file__).resolve().parent.parent / "server"
LOCALES = SERVER / "locales"

_JINJA = {"trimmed": "yes", "newstyle_gettext": "yes", "silent": "no"}
_IN_TEMPLATES = {"_": None, "gettext": None, "ngettext": (1, 2)}
_IN_CODE = {"marked": None, "ngettext": (1, 2)}
_SOURCES = [
    ("templates/**.html", "jinja2", _JINJA, _IN_TEMPLATES),
    ("**.py", "python", {}, _IN_CODE),
]
_WIDTH = 96
_MOST_LINES = 5

_ABOUT_TEMPLATE = """\
# What Tapedrop says to a source, in the order of its pages. Written by `make catalogues`.
"""
_ABOUT = """\
# Tapedrop in {english} ({own}), tag {tag}. CONTRIBUTING.md says what to keep.
# Read by a native speaker: no
"""
_HEADER = """\
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""


def main() -> int:
    """Do what the command line says; return 0, or 2 when it can't be done."""
    parser = argparse.ArgumentParser(description="Keep the catalogues in step with the pages.")
    parser.add_argument("--add", metavar="TAG", help="begin a language: so, zh-Hant")
    tag = parser.parse_args().add
    try:
        if tag is not None:
            path = begin(tag, LOCALES)
            print(f"{path.relative_to(SERVER.parent)}: translate what stands behind each msgid")
        for line in update_all(LOCALES):
            print(line)
    except (ValueError, PoFileError, OSError) as error:
        print(f"catalogues: error: {error}", file=sys.stderr)
        return 2
    return 0


def extracted() -> Catalog:
    """Return every message in the templates and the code, with the files it is in."""
    catalogue = Catalog()
    for pattern, method, options, keywords in _SOURCES:
        found = extract_from_dir(
            SERVER,
            [(pattern, method)],
            {pattern: options},
            keywords=keywords,
            comment_tags=["Translators:"],
            strip_comment_tags=True,
        )
        for name, line, message, comments, _ in sorted(found, key=lambda one: one[:2]):
            catalogue.add(message, locations=[(f"server/{name}", line)], auto_comments=comments)
    return catalogue


def template_text(template: Catalog) -> bytes:
    """Return messages.pot."""
    return (_ABOUT_TEMPLATE + _HEADER).encode() + _messages(template)


def begin(tag: str, locales: Path) -> Path:
    """Write an empty catalogue. Raises ValueError for no language, or one that is there."""
    try:
        locale = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        raise ValueError(f"{tag} is no language that CLDR knows") from None
    if tag != str(locale).replace("_", "-"):
        raise ValueError(f"write the tag as {str(locale).replace('_', '-')}")
    path = locales / tag / "messages.po"
    if tag == "en" or path.exists():
        raise ValueError(f"{tag} is there already")
    catalogue = Catalog(locale)
    own = locale.get_display_name()
    catalogue.header_comment = _ABOUT.format(tag=tag, english=locale.english_name, own=own).strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_catalogue_text(tag, catalogue))
    return path


def update_all(locales: Path) -> Sequence[str]:
    """Write the template, then every catalogue with its messages; return a line on each."""
    template = extracted()
    locales.mkdir(exist_ok=True)
    (locales / "messages.pot").write_bytes(template_text(template))
    lines = []
    for path in sorted(locales.glob("*/messages.po")):
        tag = path.parent.name
        text = updated_text(tag, path.read_bytes(), template)
        path.write_bytes(text)
        found = faults(tag, text, template)
        lines.append(f"{tag}: {len(found) or 'no'} faults")
        lines += [f"    {fault}" for fault in found[:_MOST_LINES]]
    return lines


def updated_text(tag: str, text: bytes, template: Catalog) -> bytes:
    """Return a catalogue's text with the messages of `template`, in its order."""
    try:
        catalogue = read_po(BytesIO(text), locale=tag.replace("-", "_"), abort_invalid=True)
    except PoFileError as error:
        raise ValueError(f"server/locales/{tag}/messages.po: {error}") from None
    catalogue.update(template, update_header_comment=False)
    for message in catalogue:
        # What other tools note of the English before: Babel takes it for somebody's comment.
        message.user_comments = [line for line in message.user_comments if line[:1] != "|"]
    return _catalogue_text(tag, catalogue)


def _catalogue_text(tag: str, catalogue: Catalog) -> bytes:
    own = f'"Language: {tag}\\n"\n"Plural-Forms: {catalogue.plural_forms}\\n"\n'
    head = f"{catalogue.header_comment}\n{_HEADER}{own}"
    return head.encode() + _messages(catalogue)


def _messages(catalogue: Catalog) -> bytes:
    file = BytesIO()
    write_po(
        file,
        catalogue,
        width=_WIDTH,
        omit_header=True,
        ignore_obsolete=True,
        include_lineno=False,
    )
    return b"\n" + file.getvalue().strip() + b"\n"


if __name__ == "__main__":
    sys.exit(main())
