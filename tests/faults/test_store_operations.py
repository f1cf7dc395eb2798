"""Operations on a bucket in many more orders than the ordinary tests have time for."""

import pytest
from engines import Engine, store_in
from engines.operations import same_as_a_dictionary


@pytest.mark.xdist_group("engine")
def test_any_order_on_a_bucket_comes_to_the_same_as_on_a_dictionary(engine: Engine) -> None:
    same_as_a_dictionary(lambda folder: store_in(folder, engine.bucket(folder)), examples=25)
