"""What people install: folders with everything in them, the same bytes each time.

source      which files of ours, of which version and day
wheels      other people's packages, by hash, for each Python
licences    under which terms they come, and that ours may stand on them
sbom        the list of them all, for other programs (CycloneDX)
folders     the server's folder and the desk's
archive     a folder as one file, and the sums of both
signing     who vouches for it
"""


class BuildFailed(Exception):
    """Nothing was built; the message says why, `hint` what to do."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.hint = hint
