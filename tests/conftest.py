"""Settings that every test shares; helpers are in `support.py`."""

import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

# The tests import `tests.support` and `tests.oracles`; a bare `pytest` does not put this folder's parent on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))

# No deadline: the first example compiles. The same examples on every run, and no database beside the sources.
settings.register_profile(
    "fixed", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fixed")
