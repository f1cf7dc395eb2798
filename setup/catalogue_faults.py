"""What is wrong with a catalogue, in words for whoever translates it.

A translation goes into a page as it is, so it must hold exactly the tags and placeholders of its
English, and no character that could turn a line around or hide something in it.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from gettext import c2py
from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.pofile import PoFileError, read_po

NEVER_TRANSLATED = ("Tor Browser",)

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_TAG = re.compile(r"<[^<>]*>")
_ENTITY = re.compile(r"&(?:\w+|#\d+);")
_READ = re.compile(r"^# Read by a native speaker: (yes|no)$", re.MULTILINE)

# Persian needs the non-joiner, and a mark may keep a name in its place; what embeds or overrides
# a direction reaches beyond its own sentence.
_MARKS = (
    "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}"
)
_HIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
_COUNTED = range(1001)


def faults(tag: str, text: bytes, template: Catalog) -> list[str]:
    """Return a line for each thing that is wrong with a messages.po; none when it is whole."""
    try:
        catalogue = read_po(BytesIO(text), abort_invalid=True)
    except (PoFileError, ValueError, LookupError) as error:
        return [f"can't be read: {error}"]
    found = list(_header_faults(tag, text.decode(), catalogue))
    if found:
        return found
    wanted = {_texts(message.id): message for message in template if message.id}
    there = {_texts(message.id): message for message in catalogue if message.id}
    gone = [_texts(message.id) for message in catalogue.obsolete.values()]
    gone += [english for english in there if english not in wanted]
    found += [f"is said no more: {english[0]!r}" for english in gone]
    said = Counter(re.findall(r'^msgid "(.+)"$', text.decode(), re.MULTILINE))
    found += [f"is there twice: {english!r}" for english, times in said.items() if times > 1]
    form_for = c2py(catalogue.plural_expr)
    for english in wanted:
        if english not in there:
            found.append(f"is missing: {english[0]!r}")
        elif there[english].fuzzy:
            found.append(f"is fuzzy: {english[0]!r}")
        else:
            forms = _texts(there[english].string or "")
            lines = sorted(set(_faults_of(english, forms, form_for)))
            found += [f"{line}: {english[0]!r}" for line in lines]
    return found


def _header_faults(tag: str, text: str, catalogue: Catalog) -> Iterator[str]:
    if f'"Language: {tag}\\n"' not in text:
        yield f"the header does not say Language: {tag}"
    if not _READ.search(text):
        yield "the head does not say # Read by a native speaker: yes, or no"
    if '"Plural-Forms: ' not in text:
        yield "the header has no Plural-Forms"
        return
    try:
        form_for = c2py(catalogue.plural_expr)
        used = {form_for(number) for number in _COUNTED}
    except ValueError as error:
        yield f"Plural-Forms can't be read: {error}"
        return
    if used != set(range(catalogue.num_plurals)):
        yield "Plural-Forms gives some number no form, or some form no number"


def _faults_of(
    english: Sequence[str], forms: Sequence[str], form_for: Callable[[int], int]
) -> Iterator[str]:
    """Yield what is wrong with the forms of one message; with `english`'s last they must agree."""
    names = {name for text in english for name in _PLACEHOLDER.findall(text)}
    for index, said in enumerate(forms):
        if not said.strip():
            yield "is empty"
            continue
        yield from _faults_in(english[-1], said)
        used = set(_PLACEHOLDER.findall(said))
        # A form for one number only, as Arabic has for two, may say the number as a word.
        alone = len(english) == 2 and [form_for(number) for number in _COUNTED].count(index) == 1
        if not used <= names or (used != names and not alone):
            yield "has other placeholders"
        if "%" in _PLACEHOLDER.sub("", said).replace("%%", ""):
            yield "has a % that is no placeholder; write %%"


def _faults_in(english: str, said: str) -> Iterator[str]:
    if Counter(_TAG.findall(said)) != Counter(_TAG.findall(english)):
        yield "has other tags"
    bare = _ENTITY.sub("", _TAG.sub("", said))
    # Some messages stand in an attribute, which a straight quotation mark would end.
    if set(bare) & set("<>&") or ('"' in bare and '"' not in _TAG.sub("", english)):
        yield 'has one of < > & ", which mean something in HTML'
    hidden = [one for one in said if unicodedata.category(one) in _HIDDEN and one not in _MARKS]
    if hidden:
        yield f"has a control character, U+{ord(hidden[0]):04X}"
    if _ends(said) != _ends(english):
        yield "begins or ends with other spaces"
    for name in NEVER_TRANSLATED:
        if name in english and name not in said:
            yield f"does not say {name}"


def _ends(text: str) -> tuple[int, int]:
    return len(text) - len(text.lstrip()), len(text) - len(text.rstrip())


def _texts(one_or_more: str | Sequence[str]) -> tuple[str, ...]:
    return (one_or_more,) if isinstance(one_or_more, str) else tuple(one_or_more)
