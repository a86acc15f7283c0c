"""For all tests: torch on one thread, since the tests themselves run side by side on all cores; and signals as a
terminal leaves them. nohup and background jobs of a shell ignore some, and so would what tests interrupt."""

from __future__ import annotations

import os
import signal

os.environ.setdefault("OMP_NUM_THREADS", "1")
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
