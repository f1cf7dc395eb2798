"""What is fuzzed: where its inputs come from, what may become of them, where faults are kept."""

from collections.abc import Callable
from dataclasses import dataclass

from fuzz import decoding, forms, lines, mutate, outcome
from fuzz.mutate import Seed


@dataclass(frozen=True)
class Target:
    """`outcome` says what became of an input, and raises when there is a fault."""

    seeds: Callable[[], tuple[Seed, ...]]
    outcome: Callable[[bytes], str]
    folder: str  # below tests/vectors


RECORDINGS = Target(mutate.seeds, outcome.outcome, "scrub")
TARGETS = {
    "recordings": RECORDINGS,
    "decoder": Target(mutate.seeds, decoding.outcome, "decoder"),
    "multipart": Target(forms.seeds, forms.outcome, "multipart"),
    "proxy-line": Target(lines.seeds, lines.outcome, "proxy-line"),
}
