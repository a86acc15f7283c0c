"""coremltools, imported and called without its progress bars, log lines and warnings on the user's terminal."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def silence_coremltools() -> Iterator[None]:
    """While it lasts nothing reaches stdout, stderr, the logs or the warnings. What matters comes as an exception.

    Importing coremltools alone logs a dozen lines about parts that exist on macOS only; converting draws four bars.
    """
    disabled_before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled_before)
