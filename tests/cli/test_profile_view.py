"""What is said after a run in which a cell failed."""

import pytest

from pocketbench.cli.profile_view import show_results
from pocketbench.core.errors import MeasurementFault
from pocketbench.core.records import Failure
from pocketbench.workflow.profile_devices import DevicesOutcome
from pocketbench.workflow.profile_models import ProfileOutcome
from tests.core.samples import RESULT, make_result


@pytest.mark.parametrize(
    ("kind", "cure"),
    [
        ("crash", "check the file, or try another engine"),
        ("device", "see to the device"),
        ("connection", "see to the device"),
    ],
)
def test_the_cure_is_of_what_failed(kind: str, cure: str) -> None:
    failed = make_result(measurement=None, failure=Failure(kind=kind, message="no room"))
    outcome = DevicesOutcome(outcomes=[ProfileOutcome(run_id="run", results=[failed], resumed_count=0)], faults={})
    with pytest.raises(MeasurementFault) as caught:
        show_results(outcome, as_json=True)
    assert caught.value.what == f"{RESULT.artifact.file_name} on {RESULT.plan.engine}: {kind}: no room"
    assert caught.value.cure == f"{cure}; pocketbench results --failed lists what failed"
