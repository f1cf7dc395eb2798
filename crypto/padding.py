"""Round a length up so that it says little about what was padded.

Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with
PURBs", PoPETs 2019): a length keeps only as many significant bits as its exponent has bits, so
at most log log of the length leaks and the cost stays below 12 %, falling as lengths grow.
"""

SMALLEST = 64 * 1024


def padme(length: int) -> int:
    """Return the padded length in bytes for `length` bytes; nothing comes out below 64 KiB."""
    if length <= SMALLEST:
        return SMALLEST
    exponent = length.bit_length() - 1
    kept_bits = exponent.bit_length()
    mask = (1 << (exponent - kept_bits)) - 1
    return (length + mask) & ~mask
