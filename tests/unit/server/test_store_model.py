"""Whatever is done to a store, in whatever order, it says what a dictionary would."""

from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

import pytest
from engines import Engine, store_in
from engines.operations import same_as_a_dictionary

from server.store import Store
from server.store.local import LocalStore


def in_a_folder(folder: Path) -> AbstractAsyncContextManager[Store]:
    for kind in ("drops", "mailboxes", "replies"):
        (folder / kind).mkdir()
    return nullcontext(LocalStore(folder))


class TestAnyOrderOfOperations:
    def test_on_a_folder_comes_to_the_same_as_on_a_dictionary(self) -> None:
        same_as_a_dictionary(in_a_folder, examples=10)

    @pytest.mark.xdist_group("engine")
    def test_on_a_bucket_comes_to_the_same_as_on_a_dictionary(self, engine: Engine) -> None:
        same_as_a_dictionary(lambda folder: store_in(folder, engine.bucket(folder)), examples=2)
