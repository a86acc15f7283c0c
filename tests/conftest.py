"""For all tests: torch on one thread, since the tests themselves run side by side on all cores."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
