"""Silencing covers what is called inside, and nothing after it."""

from __future__ import annotations

import logging
import sys
import warnings

import pytest

from pocketbench.export.mil.silence import silence_coremltools


def make_noise() -> None:
    print("to stdout")
    print("to stderr", file=sys.stderr)
    warnings.warn("a warning", stacklevel=1)
    logging.getLogger("coremltools").error("a log line")


def test_nothing_comes_out(capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings(record=True) as caught, silence_coremltools():
        make_noise()
    assert capfd.readouterr() == ("", "")
    assert caught == []


def test_an_error_comes_out_and_all_is_as_before(capfd: pytest.CaptureFixture[str]) -> None:
    disabled_before = logging.root.manager.disable
    with pytest.raises(ValueError, match="what matters"), silence_coremltools():
        raise ValueError("what matters")
    assert logging.root.manager.disable == disabled_before
    print("heard", file=sys.stderr)
    assert capfd.readouterr().err == "heard\n"
