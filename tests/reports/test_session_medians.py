from statistics import median

from pocketbench.core.records import RunResult
from pocketbench.reports.table import make_table
from tests.reports.synthetic import BURST, SETTLE, make_artifact, make_sessions, make_spec


def find_median_ns(run: RunResult) -> float:
    assert run.measurement is not None
    wall = run.measurement.wall_ns
    return median(sample for place, sample in enumerate(wall) if place % BURST >= SETTLE)


def test_the_median_of_each_session_is_kept_in_the_order_of_the_runs() -> None:
    file = make_artifact(make_spec())
    results = make_sessions(file, 5.0, drift=lambda session, _: (0.3, -0.2, 0.1)[session])
    wall = make_table([file], results, []).rows[0].cells[0].wall
    assert wall is not None
    assert wall.session_medians_ns == tuple(find_median_ns(run) for run in results)
