"""What every test shares: hypothesis without time limits, reproducible unless --hypothesis-profile=explore."""

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pages_harness"]  # the fixture `app`

QUIET = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
settings.register_profile("fixed", deadline=None, derandomize=True, suppress_health_check=QUIET)
settings.register_profile("explore", deadline=None, max_examples=3000, suppress_health_check=QUIET)
settings.load_profile("fixed")


@pytest.fixture(scope="session", autouse=True)
def data_folder(tmp_path_factory):
    """Saved runs of tests are kept apart from those of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("data")
        patch.setenv("GDBOARD_DATA", str(folder))
        yield folder
