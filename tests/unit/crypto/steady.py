"""Property tests that run the same examples every time, in bounded number and in their own time."""

from hypothesis import HealthCheck, settings


def examples(number: int) -> settings:
    """Return settings for `number` examples."""
    return settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
