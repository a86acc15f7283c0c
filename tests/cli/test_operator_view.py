from __future__ import annotations

import pytest

from pocketbench.cli.operator_view import name_block, show_operator_costs
from tests.reports.operator_samples import make_profiled
from tests.reports.synthetic import make_example


def test_costs_follow_the_latencies_where_they_were_taken(capsys: pytest.CaptureFixture[str]) -> None:
    _, results, _ = make_profiled()
    show_operator_costs(results)
    out = capsys.readouterr().out
    assert (
        "coordinate attention costs 0.90 to 0.91 ms in 2 places: 0.40 multiply, 0.30 pooling and 0.20 convolution."
        in out
    )
    _, results, _ = make_example()
    show_operator_costs(results)
    assert capsys.readouterr().out == ""


def test_blocks_are_called_by_their_name_in_words() -> None:
    assert name_block("ca") == "coordinate attention"
    assert name_block("cbam") == "CBAM"
    assert name_block("a block of a plug-in that is gone") == "a block of a plug-in that is gone"
