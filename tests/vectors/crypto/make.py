"""Make the vectors in this folder, from the documents alone: nothing of crypto/ is used here.

    .venv/bin/python tests/vectors/crypto/make.py

Each file is header lines (`name: value`), a blank line, and bytes. `expect:` is the outcome,
`why:` a sentence; the others are what the case needs, in hex where they are bytes.

    stream_…     a container of chunks (crypto/chunks.py): key, purpose, name, chunk_size,
                 sha256 of the recording when it opens; then the container
    bag_…        a bag's five lists (docs/bag.md): signer (Ed25519 public key), `file: name size`
                 for each; then the files, one after another
    codename_…   eight words (docs/codename.md): preferred, the list of the page's language;
                 codename (11 bytes) when they are one; written, the list in which they are spelled
                 as we show them; position, from 1, of the word at fault; then what was typed, UTF-8
    words_…      a word list that is issued: sha256 of its words in NFC, a line feed after each
    keys_…       what a codename opens: salt, and each key; then the 11 bytes
    answer_…     a reply or a state (docs/reply.md): reply_seed, mailbox_id, name, and what it says
                 when it opens; then the sealed bytes
    keylist_…    a signed key list (docs/keylist.md): signers, the desks that may sign it;
                 readers, how many it names; then the file
    compared_…   a small file, and the eight words by which two machines compare it
                 (docs/keylist.md): words; then the file
"""

import json
import unicodedata
from base64 import b85decode
from collections.abc import Callable
from hashlib import sha3_256, sha256, shake_256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from mnemonic import Mnemonic

FOLDER = Path(__file__).parent


def write(case: str, expect: str, why: str, body: bytes, *facts: tuple[str, object]) -> None:
    lines = [("expect", expect), ("why", why), *facts]
    head = "".join(f"{name}: {value}\n" for name, value in lines)
    (FOLDER / case).write_bytes(head.encode() + b"\n" + body)


# Containers of chunks

KEY = bytes(range(32))
HEAD = bytes(range(100, 132))
CHUNK = 64
RECORDING = bytes(index * 7 % 256 for index in range(3 * CHUNK + 10))


def cipher(purpose: str = "vector", name: str = "one") -> AESGCM:
    info = b"tapedrop chunks 1\x00" + purpose.encode() + b"\x00" + name.encode()
    return AESGCM(HKDF(SHA256(), 32, salt=HEAD, info=info).derive(KEY))


def chunks(recording: bytes) -> list[bytes]:
    parts = [recording[start : start + CHUNK] for start in range(0, len(recording), CHUNK)] or [b""]
    return [sealed(index, part, last=index == len(parts) - 1) for index, part in enumerate(parts)]


def sealed(index: int, part: bytes, *, last: bool) -> bytes:
    nonce = index.to_bytes(11, "big") + (b"\x01" if last else b"\x00")
    return cipher().encrypt(nonce, part, None)


def stream(
    case: str,
    why: str,
    parts: list[bytes],
    *,
    opens: bytes | None = None,
    head: bytes = HEAD,
    name: str = "one",
    purpose: str = "vector",
) -> None:
    expect = "tampered" if opens is None else "opens"
    facts: list[tuple[str, object]] = [
        ("key", KEY.hex()),
        ("purpose", purpose),
        ("name", name),
        ("chunk_size", CHUNK),
    ]
    if opens is not None:
        facts.append(("sha256", sha256(opens).hexdigest()))
    write(f"stream_{case}", expect, why, head + b"".join(parts), *facts)


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def streams() -> None:
    a, b, c, d = chunks(RECORDING)
    for case, why, recording in (
        ("whole", "three full chunks and a short one", RECORDING),
        ("empty", "an empty recording has one empty chunk", b""),
        ("one_byte", "the smallest recording that is not empty", b"x"),
        (
            "one_full_chunk",
            "a recording that fills its chunk has no empty one behind it",
            bytes(64),
        ),
        ("two_full_chunks", "the last chunk may be full", bytes(128)),
    ):
        stream(case, why, chunks(recording), opens=recording)
    stream("last_chunk_missing", "the chunk before it is not marked as last", [a, b, c])
    stream("first_chunk_missing", "the others have moved forward by one", [b, c, d])
    stream("all_chunks_missing", "even an empty recording has a chunk", [])
    stream("head_cut_short", "there is no whole head", [], head=HEAD[:31])
    stream("last_chunk_cut_short", "its tag covers what was there", [a, b, c, d[:-1]])
    stream("last_chunk_within_tag", "what is left is shorter than a tag", [a, b, c, d[:15]])
    stream("two_chunks_swapped", "a chunk's index is in its nonce", [b, a, c, d])
    stream("chunk_twice", "a chunk's index is in its nonce", [a, a, b, c, d])
    stream("byte_added", "the last chunk ends with its tag", [a, b, c, d, b"\x00"])
    stream(
        "bit_flipped_in_head", "the key is made from the head", [a, b, c, d], head=flipped(HEAD, 0)
    )
    stream("bit_flipped_in_chunk", "each chunk has a tag", [a, flipped(b, 5), c, d])
    stream(
        "bit_flipped_in_tag", "each tag counts to its last bit", [a, b, c, flipped(d, len(d) - 1)]
    )
    stream("moved_to_another_name", "the name is in the key", [a, b, c, d], name="two")
    stream("moved_to_another_purpose", "the purpose is in the key", [a, b, c, d], purpose="other")
    unmarked = sealed(3, RECORDING[3 * CHUNK :], last=False)
    stream("last_chunk_not_marked", "it was never finished", [a, b, c, unmarked])
    early = sealed(1, RECORDING[CHUNK : 2 * CHUNK], last=True)
    stream("last_mark_too_early", "only the last chunk is marked", [a, early, c, d])
    full = [sealed(0, bytes(64), last=False), sealed(1, b"", last=True)]
    stream("empty_chunk_behind_a_full_one", "one recording has one form", full)


# Bags

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(32))
PAYLOAD = f"{sha256(b'envelope').hexdigest()}  data/{'0' * 32}.gpg\n"
INFO = f"Bagging-Date: 2026-11-20\nTapedrop-Bag: 1 drops\nTapedrop-Newsroom: {'A' * 40}\n"
BAGIT = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
TAGMANIFEST = "tagmanifest-sha256.txt"
SIGNATURE = "tagmanifest-sha256.txt.ed25519"


def lists(info: str = INFO, manifest: str = PAYLOAD, bagit: str = BAGIT) -> dict[str, bytes]:
    texts = {"bag-info.txt": info, "bagit.txt": bagit, "manifest-sha256.txt": manifest}
    files = {name: text.encode() for name, text in texts.items()}
    lines = [f"{sha256(text).hexdigest()}  {name}\n" for name, text in files.items()]
    return signed(files | {TAGMANIFEST: "".join(lines).encode()})


def signed(
    files: dict[str, bytes],
    *,
    signer: Ed25519PrivateKey = SIGNER,
    context: bytes = b"tapedrop bag 1\x00",
) -> dict[str, bytes]:
    signature = signer.sign(context + files[TAGMANIFEST])
    return files | {SIGNATURE: signature.hex().encode() + b"\n"}


def bag(case: str, expect: str, why: str, files: dict[str, bytes]) -> None:
    facts = [("file", f"{name} {len(text)}") for name, text in files.items()]
    key = SIGNER.public_key().public_bytes_raw().hex()
    write(f"bag_{case}", expect, why, b"".join(files.values()), ("signer", key), *facts)


def bags() -> None:
    whole = lists()
    bag("whole", "opens", "one envelope, one newsroom key", whole)
    bag("empty", "opens", "a bag may hold nothing", lists(manifest=""))
    bag("answers", "opens", "the other way", lists(info=INFO.replace("drops", "answers")))
    for name in whole:
        short = name.replace("-sha256", "").replace(".", "_").replace("-", "_")
        without = {other: text for other, text in whole.items() if other != name}
        bag(f"without_{short}", "bad_bag", "all five lists are there or none counts", without)
    bag("signed_by_another", "wrong_signature", "not the key it is checked against",
        signed(whole, signer=OTHER_SIGNER))  # fmt: skip
    bag("signed_without_context", "wrong_signature", "the signature is over a bag, not a list",
        signed(whole, context=b""))  # fmt: skip
    bag("signature_not_hex", "wrong_signature", "it is 128 hex digits",
        whole | {SIGNATURE: b"z" * 128})  # fmt: skip
    bag("list_altered", "wrong_signature", "the list of lists is what is signed",
        whole | {TAGMANIFEST: flipped(whole[TAGMANIFEST], 0)})  # fmt: skip
    bag("manifest_altered", "bad_bag", "its digest is in the list of lists",
        whole | {"manifest-sha256.txt": flipped(whole["manifest-sha256.txt"], 0)})  # fmt: skip
    bag("info_altered", "bad_bag", "its digest is in the list of lists",
        whole | {"bag-info.txt": whole["bag-info.txt"].replace(b"drops", b"answers")})  # fmt: skip
    one_more = whole | {TAGMANIFEST: whole[TAGMANIFEST] + b"0" * 64 + b"  more.txt\n"}
    bag("list_of_a_fourth_file", "bad_bag", "exactly three are listed", signed(one_more))
    bag("path_upwards", "bad_bag", "names are flat and ours",
        lists(manifest=PAYLOAD.replace("data/", "data/../")))  # fmt: skip
    bag("outside_data", "bad_bag", "the payload lies under data/",
        lists(manifest=PAYLOAD.replace("data/", "")))  # fmt: skip
    bag("name_twice", "bad_bag", "a file has one digest", lists(manifest=PAYLOAD * 2))
    bag("no_kind", "bad_bag", "it must say which way it travels",
        lists(info="Bagging-Date: 2026-11-20\n"))  # fmt: skip
    bag("two_kinds", "bad_bag", "it travels one way",
        lists(info=INFO + "Tapedrop-Bag: 1 answers\n"))  # fmt: skip
    bag("no_day", "bad_bag", "it must say its day", lists(info="Tapedrop-Bag: 1 drops\n"))
    bag("day_in_another_form", "bad_bag", "a day has one form",
        lists(info=INFO.replace("2026-11-20", "20261120")))  # fmt: skip
    bag("another_bagit", "bad_bag", "BagIt 1.0 and UTF-8",
        lists(bagit=BAGIT.replace("1.0", "0.97")))  # fmt: skip
    bag("later_version", "newer_version", "the number before the kind is the version",
        lists(info=INFO.replace("1 drops", "2 drops")))  # fmt: skip


# Codenames

ENTROPY = bytes(range(0x10, 0x1B))
SALT = bytes(range(32))


def completed(entropy: bytes) -> bytes:
    cleared = entropy[:-1] + bytes([entropy[-1] & 0xF0])
    return cleared[:-1] + bytes([cleared[-1] | sha256(cleared).digest()[0] >> 4])


def word_list(language: str) -> list[str]:
    """Return a list in NFC, with the one damaged word as docs/codename.md has it."""
    listed = Mnemonic(language).wordlist
    restored = ["снова" if "\ufffd" in word else word for word in listed]
    return [unicodedata.normalize("NFC", word) for word in restored]


def words(codename: bytes, language: str = "english") -> list[str]:
    bits = "".join(f"{byte:08b}" for byte in codename)
    listed = word_list(language)
    return [listed[int(bits[place : place + 11], 2)] for place in range(0, 88, 11)]


def numbered(language: str, *said: str) -> bytes:
    """Return the 11 bytes that these words stand for, right or wrong."""
    listed = word_list(language)
    bits = "".join(f"{listed.index(word):011b}" for word in said)
    return int(bits, 2).to_bytes(11, "big")


def codename(
    case: str,
    why: str,
    typed: str,
    *,
    opens: bytes = b"",
    expect: str = "codename",
    preferred: str = "english",
    facts: tuple[tuple[str, object], ...] = (),
) -> None:
    opened = [("codename", opens.hex())] if opens else []
    write(
        f"codename_{case}", expect, why, typed.encode(), ("preferred", preferred), *opened, *facts
    )


ISSUED = (
    "english", "spanish", "french", "portuguese", "russian", "chinese_simplified", "turkish",
)  # fmt: skip
# Words of the English and of the French list; other bits in each, and checked in both.
IN_TWO_LISTS = "palace volume ozone notable social train wagon piano"


def codenames() -> None:
    for language in ISSUED:
        for name, bits in (
            ("", completed(ENTROPY)),
            ("_all_zeros", completed(bytes(11))),
            ("_all_ones", completed(b"\xff" * 11)),
        ):
            codename(f"{language}{name}", "as it is shown", " ".join(words(bits, language)),
                     opens=bits, facts=(("written", language),))  # fmt: skip
    read_forgivingly()
    refused()


def read_forgivingly() -> None:
    good = completed(ENTROPY)
    english, spanish = words(good), words(good, "spanish")

    def opens(case: str, why: str, typed: str) -> None:
        codename(case, why, typed, opens=good)

    opens("capitals_and_spaces", "neither matters", "  ".join(english).upper() + "\n")
    opens("numbered", "only letters count",
          "\n".join(f"{number}. {word}" for number, word in enumerate(english, 1)))  # fmt: skip
    opens(
        "commas_and_hyphens",
        "only letters count",
        "-".join(english[:4]) + ", " + ",".join(english[4:]),
    )
    opens("four_letters", "no two English words begin with the same four",
          " ".join(word[:4] for word in english))  # fmt: skip
    opens("without_spaces", "they can be cut in one way", "".join(english))
    opens("space_within_a_word", "they can be cut in one way",
          " ".join(english).replace("luggage", "lug- gage"))  # fmt: skip
    wide = "".join(
        chr(ord(letter) + 0xFEE0) if letter > " " else "\u3000" for letter in " ".join(english)
    )
    opens("full_width", "as an East Asian keyboard writes them", wide)
    opens("invisible_characters", "nobody sees them",
          "\ufeff" + "\u00a0".join(word[:1] + "\u200b" + word[1:] for word in english))  # fmt: skip
    apart = unicodedata.normalize("NFKD", " ".join(spanish))
    opens("spanish_decomposed", "accents may stand apart", apart)
    opens(
        "spanish_without_accents", "accents don't matter", apart.encode("ascii", "ignore").decode()
    )
    opens("chinese_without_spaces", "each character is a word",
          "".join(words(good, "chinese_simplified")))  # fmt: skip
    opens("chinese_traditional", "each stands for a simplified one, in the same place of its list",
          " ".join(words(good, "chinese_traditional")))  # fmt: skip
    turkish = " ".join(words(good, "turkish")).replace("i", "İ").upper()
    opens("turkish_capitals", "I and İ are ı and i", turkish)
    russian = " ".join(words(good, "russian")).replace("й", "и").replace("е", "ё")
    opens("russian_letters", "й is read as и, ё as е", russian)
    restored = numbered("russian", *["снова"] * 8)
    restored = completed(restored)
    codename("russian_damaged_word", "the 1,573rd word is damaged where the list comes from",
             " ".join(words(restored, "russian")), opens=restored)  # fmt: skip
    codename("two_lists_preferred", "it is a codename in two lists, and one is the page's",
             IN_TWO_LISTS, opens=numbered("french", *IN_TWO_LISTS.split()),
             preferred="french")  # fmt: skip


def refused() -> None:
    good = completed(ENTROPY)
    english = words(good)

    def refuses(expect: str, case: str, why: str, typed: list[str], position: int = 0) -> None:
        codename(case, why, " ".join(typed), expect=expect,
                 facts=(("position", position),) if position else ())  # fmt: skip

    refuses("wrong_count", "seven_words", "there are eight", english[:7])
    refuses("wrong_count", "nine_words", "there are eight", [*english, english[0]])
    refuses("wrong_count", "nothing", "there are eight", [])
    refuses("unknown_word", "word_of_no_list", "one word is none of ours",
            [*english[:4], "tapedrop", *english[5:]], 5)  # fmt: skip
    refuses("unknown_word", "words_of_two_lists", "all eight are of one list",
            [*english[:7], words(good, "turkish")[7]], 8)  # fmt: skip
    refuses("unknown_word", "list_not_issued", "nobody was ever given Czech words",
            words(good, "czech"))  # fmt: skip
    refuses("cut_too_short", "cut_to_one_letter", "several words begin with it",
            [*english[:2], "l", *english[3:]], 3)  # fmt: skip
    refuses("words_dont_belong", "two_words_swapped", "the check bits differ",
            [english[1], english[0], *english[2:]])  # fmt: skip
    refuses("words_dont_belong", "check_bits_wrong",
            "all words are known, but don't belong together",
            words(good[:-1] + bytes([good[-1] ^ 1])))  # fmt: skip
    codename("two_lists", "it is a codename in two lists, and none is the page's", IN_TWO_LISTS,
             expect="several_languages", preferred="spanish")  # fmt: skip


def word_lists() -> None:
    for language in ISSUED:
        text = "".join(f"{word}\n" for word in word_list(language))
        write(f"words_{language}", "words", "what is on paper must open for as long as it lasts",
              b"", ("sha256", sha256(text.encode()).hexdigest()))  # fmt: skip


def keys() -> None:
    bits = completed(ENTROPY)
    root = Argon2id(salt=SALT, length=32, iterations=3, lanes=1, memory_cost=65_536).derive(bits)

    def expanded(label: str, size: int) -> bytes:
        return HKDFExpand(SHA256(), size, info=b"tapedrop codename 1 " + label.encode()).derive(
            root
        )

    drawn = int.from_bytes(expanded("pseudonym", 3), "big") >> 2
    english = Mnemonic("english").wordlist
    write("keys_of_a_codename", "keys", "Argon2id, then one label each", bits,
          ("salt", SALT.hex()),
          ("mailbox_id", expanded("mailbox id", 16).hex()),
          ("mailbox_key", expanded("mailbox key", 32).hex()),
          ("reply_seed", expanded("reply seed", 32).hex()),
          ("pseudonym", f"{english[drawn >> 11]} {english[drawn & 2047]}"))  # fmt: skip


# Answers: HPKE by hand (RFC 9180, section 5.1), on an encapsulated key that was made once

SEED = bytes(range(32))
MAILBOX = bytes(range(16))
NAME = "ab" * 16
ENCAPSULATED = b85decode(
    "93`*Zl!Bi+C%IA3d*YRc{NRzWvM()kd!+s*KzFL&w@%iqmiX8OAZjiIPs=a!sp_&$n@hKNpP`y~lB-g_)C)G@I6C"
    "mrdx;0Ho-"
    "Q843cp39@QI#E6a6$oKZ4ChUY#XbJ80X!3@o;bCVpbjiXd4+cfYFaH7$$1NJG3Y<F@NYTygLhNT53*P38rFsB*A{"
    "DD(9}fjlnH{o>;>A=j0tlF9EwM3m7o^2T-W1!(!UE|p6#n?!t))A7Whbl=5<P1cAV#PwiD>9B=#>x3&eYA6FLq!-"
    "MaAMt}DK$Y3*@>*~2sm?X;7ceL2m40=(-`-wJll2}{1)z$6qa`-"
    "hCgrK$7uHCEpS!sMj)$9yfRjVfUPFiq1?Fn6ohLsc%z(6e9HK}2{an`{X=PdnkoZ*bpu*fdVzwP75|nhK&XUf!O2"
    "$z_y#g}Av<xU3Iz8-"
    "iut=`^$1GsZNx<E_wZvB=SdJB|Y+qjgGG0Y`{v6LhDbMVfBHQ=(Wu(tn{tzc#Nsj3;|GRP9x<$=ssIBnEe^KmtEG"
    "3A`?j1vG4fX9L_*x`8nD;*taTZS^9OMH4)Ay5W)76`+u$WS8D`j+CvZD@6QT4WEGHW*@Xh&u}S0!PA43Giu-"
    "D9F1L0f|t0rNWYZ(roTvCmTxDG++|MlwVvI)l)Ojr?Ddis7|c+J2z#AVgP_YMz93XQ6au%nHs9+oN?KE!7L26!SO"
    "v1m%>A86cLrdCfIKj4oXkuL!+X2&5=)Sae<|1E_J?qb_nN7RLalhT(;u1KyCIDm-"
    "r0$C@&Sb~e)r_77X^bx_7INQ_T8&I95>%AygX%nf@un3SX^6Twg1xmO&f#N8R1=@lU%xq$*Z^L8v4^0EI7TT1D^2"
    "gT~CvQKABm5C{etUd8Xq2%XAZ{*#dT~ql!D~^Tm_=OB3i>~>mi1POpuN%^C_6KBcN+~WqCx|o)R8;R6w7Am`@W9_"
    "t4ks84-OnPb*&P`c5@6x052X0iLn}O_-"
    "8pZ(&H`i=8P0O=otgTDhZHMdWYY3~7;s*ph@gJ5tm>hBeZoy;SZU{l{<)<ny>9ynF-v-Aih67#zA27MvTfbE%cHr"
    "A;`=b`Uljh|bctp{13&O3(p`fY!Y5zDP{$6|R(r80q>N-"
    "kDER>zG6{{`o6XR1jnp@Xa#ENr7{YcBmNi(=XD_E;7il9fLuZoNTL|d&sUi$}-"
    "|YPiR83xJQHxCHCd*Sm^Pm51KMiUSjy8PcjeMnD6YXxO9zqvTaN7$bL&sX6VUBo9G;p35+8Yuzy*?!k(rSp%kEml"
    "DKviQWO>(jJGV)(-ciXIAE%D3;$}Y8#w-J_ZK--z=O#dKmXV#$;c)FALmdqsJ=)4^8MkR)6n{tshOr%zWd+a=7g4"
    "JssEvs7`T=#ifs~|TA#0GfuCmX|lC&8aU!9Nm^LcU|C!7Z<sYp#Z_1IAv<-IbcOa_XTw"
)
REPLY = b"2026-11-20" + "Which door? ¿Qué puerta? أي باب؟".encode()
STATE = json.dumps({"state": "opened", "day": "2026-11-20", "count": 3}).encode()


def shared_secret() -> bytes:
    """Decapsulate as draft-connolly-cfrg-xwing-kem does: combine both halves with SHA3-256."""
    expanded = shake_256(SEED).digest(96)
    mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).decapsulate(ENCAPSULATED[:1088])
    x25519 = X25519PrivateKey.from_private_bytes(expanded[64:])
    ephemeral = X25519PublicKey.from_public_bytes(ENCAPSULATED[1088:])
    exchanged = x25519.exchange(ephemeral)
    own = x25519.public_key().public_bytes_raw()
    return sha3_256(mlkem + exchanged + ENCAPSULATED[1088:] + own + b"\\.//^\\").digest()


def hpke_sealed(padded: bytes, info: bytes) -> bytes:
    suite = b"HPKE" + b"\x64\x7a" + b"\x00\x01" + b"\x00\x02"  # X-Wing, HKDF-SHA256, AES-256-GCM

    def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return HKDF.extract(SHA256(), salt or bytes(32), b"HPKE-v1" + suite + label + ikm)

    def expand(prk: bytes, label: bytes, context: bytes, size: int) -> bytes:
        said = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context
        return HKDFExpand(SHA256(), size, info=said).derive(prk)

    context = b"\x00" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared_secret(), b"secret", b"")
    key, nonce = expand(secret, b"key", context, 32), expand(secret, b"base_nonce", context, 12)
    return ENCAPSULATED + AESGCM(key).encrypt(nonce, padded, None)


def answer(
    case: str,
    why: str,
    inside: bytes = REPLY,
    *,
    expect: str = "tampered",
    kind: str = "reply",
    length: int | None = None,
    name: str = NAME,
    mailbox: bytes = MAILBOX,
    seed: bytes = SEED,
    magic: bytes = b"TDR1",
    harm: Callable[[bytes], bytes] = bytes,
) -> None:
    """Write one, sealed for NAME in MAILBOX, to be opened as the arguments say."""
    counted = (len(inside) if length is None else length).to_bytes(4, "big") + inside
    padded = counted + bytes(-len(counted) % 4096)
    info = f"tapedrop {kind} 1".encode() + b"\x00" + MAILBOX + NAME.encode()
    facts: list[tuple[str, object]] = [
        ("reply_seed", seed.hex()),
        ("mailbox_id", mailbox.hex()),
        ("name", name),
    ]
    if expect in {"reply", "state"}:
        facts.append(("inside", inside.hex()))
    write(f"answer_{case}", expect, why, magic + harm(hpke_sealed(padded, info)), *facts)


def answers() -> None:
    answer("reply", "a day and a text", expect="reply")
    answer("reply_without_text", "a text may be empty", REPLY[:10], expect="reply")
    answer("reply_of_two_blocks", "padded to a multiple of 4,096", REPLY[:10] + b"x" * 4083,
           expect="reply")  # fmt: skip
    answer("state", "how far the drops have come", STATE, kind="state", expect="state")
    answer("state_of_a_later_version", "an unknown state is nothing",
           STATE.replace(b"opened", b"shredded"), kind="state", expect="nothing")  # fmt: skip
    answer("state_sealed_as_a_reply", "a state is no text that has a day", STATE)
    answer("reply_sealed_as_a_state", "a reply is not JSON", kind="state")
    answer("of_a_third_kind", "the kind is in the info", kind="other")
    answer("another_seed", "only the codename opens it", seed=bytes(32))
    answer("another_name", "the name is in the info", name="cd" * 16)
    answer("another_mailbox", "the mailbox is in the info", mailbox=bytes(16))
    answer("length_beyond_the_end", "the length lies within", length=4093)
    answer("no_day", "a reply begins with its day", b"20 November" + REPLY)
    answer("no_such_day", "November has thirty days", b"2026-11-31" + REPLY[10:])
    answer("not_text", "UTF-8", REPLY[:10] + b"\xff")
    answer("state_of_none", "a state counts from one", STATE.replace(b"3}", b"0}"), kind="state")
    answer("state_without_a_day", "a state says its day", STATE.replace(b"day", b"way"),
           kind="state")  # fmt: skip
    answer("bit_flipped_in_encapsulated_key", "another secret comes out",
           harm=lambda sealed: flipped(sealed, 5))  # fmt: skip
    answer("bit_flipped_in_text", "it has a tag", harm=lambda sealed: flipped(sealed, 1130))
    answer("cut_short", "its tag covers what was there", harm=lambda sealed: sealed[:-1])
    answer("later_version", "the fourth byte is the version", magic=b"TDR2",
           expect="newer_version")  # fmt: skip


# Signed key lists, and the words to compare

READER = "A1" * 20
ARMOURED = (
    "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nbm90IGEga2V5\n=AAAA\n"
    "-----END PGP PUBLIC KEY BLOCK-----\n"
)
DESK_KEY = SIGNER.public_key().public_bytes_raw().hex()
KEY_LIST = {
    "version": "tapedrop keys 1",
    "drop": "d0" * 32,
    "signed_at": 1_795_000_000,
    "readers": {READER: ARMOURED, "B2" * 20: ""},
    "desks": {DESK_KEY: "desk-one"},
    "signer": DESK_KEY,
}


def one_writing(said: object) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def key_list(
    case: str,
    expect: str,
    why: str,
    *,
    context: bytes = b"tapedrop keys 1\x00",
    by: Ed25519PrivateKey = SIGNER,
    harm: Callable[[bytes], bytes] = bytes,
    indent: int | None = None,
    **changed: object,
) -> None:
    said = {name: value for name, value in (KEY_LIST | changed).items() if value is not None}
    said["signature"] = by.sign(context + one_writing(said)).hex()
    facts = [("signers", DESK_KEY)]
    if expect == "taken":
        facts.append(("readers", len(said["readers"])))
    written = json.dumps(said, indent=indent).encode()
    write(f"keylist_{case}", expect, why, harm(written), *facts)


def key_lists() -> None:
    other = OTHER_SIGNER.public_key().public_bytes_raw().hex()
    key_list("whole", "taken", "two readers, of whom one's key is given; one desk")
    key_list("laid_out", "taken", "space between the members is not signed", indent=2)
    key_list("hands_over", "taken", "the desk that signs need not sign the next one",
             desks={other: "desk two"})  # fmt: skip
    key_list("later_version", "newer_version", "the version is said first of all",
             version="tapedrop keys 2")  # fmt: skip
    key_list("another_kind", "bad_key_list", "it is another file", version="tapedrop desk 1")
    key_list("signed_by_another", "wrong_signature", "that desk was never named",
             by=OTHER_SIGNER, signer=other)  # fmt: skip
    key_list("in_anothers_name", "wrong_signature", "it says who signed, and is not believed",
             by=OTHER_SIGNER)  # fmt: skip
    key_list("signed_without_context", "wrong_signature", "a signature is for one purpose",
             context=b"")  # fmt: skip
    key_list("signed_as_a_bag", "wrong_signature", "a signature is for one purpose",
             context=b"tapedrop bag 1\x00")  # fmt: skip
    key_list("reader_altered", "wrong_signature", "the readers are signed",
             harm=lambda text: text.replace(b"B2B2", b"B2B3", 1))  # fmt: skip
    key_list("reader_twice", "bad_key_list", "two readers of the file could see two keys",
             harm=lambda text: text.replace(b'"readers": {', b'"readers": {"%b": "", '
                                            % READER.encode()))  # fmt: skip
    key_list("member_added", "bad_key_list", "every member has a meaning", note="x")
    key_list("member_missing", "bad_key_list", "a list is for one drop", drop=None)
    key_list("no_reader", "bad_key_list", "nobody would read", readers={})
    key_list("no_desk", "bad_key_list", "nobody could sign the next one", desks={})
    key_list("too_many_readers", "bad_key_list", "64 at most",
             readers={f"{number:040X}": "" for number in range(65)})  # fmt: skip
    key_list("key_id", "bad_key_list", "a reader is named by the whole fingerprint",
             readers={"A1" * 8: ""})  # fmt: skip
    key_list("not_armoured", "bad_key_list", "a public key, or nothing",
             readers={READER: "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nx\n"})  # fmt: skip
    key_list("a_fraction", "bad_key_list", "a number has one writing", signed_at=1.5)
    key_list("true_for_a_second", "bad_key_list", "true is no number", signed_at=True)
    key_list("far_too_late", "bad_key_list", "seconds, not milliseconds",
             signed_at=1_795_000_000_000)  # fmt: skip
    key_list("cut_short", "bad_key_list", "it is whole, or nothing", harm=lambda text: text[:-1])
    key_list("not_text", "bad_key_list", "UTF-8", harm=lambda text: text + b"\xff")
    key_list("nested", "bad_key_list", "what is nested without end is not read",
             harm=lambda text: b"[" * 100_000)  # fmt: skip


def compared(case: str, why: str, said: dict[str, object], body: bytes | None = None) -> None:
    digest = sha256(b"tapedrop comparing 1\x00" + one_writing(said)).digest()
    bits = "".join(f"{byte:08b}" for byte in digest)
    english = word_list("english")
    eight = [english[int(bits[start : start + 11], 2)] for start in range(0, 88, 11)]
    write(f"compared_{case}", "words", why, body or one_writing(said), ("words", " ".join(eight)))


def comparing() -> None:
    said: dict[str, object] = {"version": 2, "kind": "tapedrop server 2", "newsroom": []}
    compared("file", "eight words", said)
    compared("laid_out", "space between the members is not compared", said,
             json.dumps(said, indent=1).encode() + b"\n")  # fmt: skip
    compared("another_order", "nor is the order of the members", said,
             json.dumps(dict(reversed(said.items()))).encode())  # fmt: skip
    compared("unknown_member", "what a later version adds is compared", said | {"later": "é"})


ALL: tuple[Callable[[], None], ...] = (
    streams, bags, codenames, word_lists, keys, answers, key_lists, comparing,
)  # fmt: skip

if __name__ == "__main__":
    for make in ALL:
        make()
