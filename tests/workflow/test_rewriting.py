"""--rewrite: what it goes with, what it is called, and that the file computes what the network computed."""

from pathlib import Path

import pytest

from pocketbench.core.errors import UsageError
from pocketbench.core.targets import parse_format_target
from pocketbench.workflow.export_models import export_models
from pocketbench.workflow.model_specs import make_spec

TIMM = "timm:mobilenetv3_small_050"


def test_the_name_tells_a_rewritten_network_apart() -> None:
    plain, rewritten = make_spec(TIMM), make_spec(TIMM, rewrite=True)
    swapped = make_spec(TIMM, rewrite=True, swap_gates="hard_sigmoid")
    assert rewritten.name == f"{plain.name}_rewritten"
    assert swapped.name == f"{plain.name}_rewritten_hard_sigmoid"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"model": "mobilenet_v2", "rewrite": True}, "rewrite does not go with mobilenet_v2"),
        ({"model": TIMM, "swap_gates": "hard_sigmoid"}, "needs rewrite"),
        ({"model": TIMM, "rewrite": True, "swap_gates": "sigmoid"}, "no gate to swap in 'sigmoid'"),
    ],
)
def test_what_does_not_go_together_is_refused(options: dict[str, object], named: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_spec(**options)  # type: ignore[arg-type]
    assert named in caught.value.what
    assert caught.value.cure


@pytest.mark.slow
def test_a_rewritten_network_is_compared_with_what_it_was(tmp_path: Path) -> None:
    specs = [make_spec(TIMM, input_size="64", rewrite=rewrite) for rewrite in (False, True)]
    variants = [(spec, parse_format_target("onnx-x86")) for spec in specs]
    outcome = export_models(variants, tmp_path)
    assert outcome.failures == []
    plain, rewritten = outcome.artifacts
    assert plain.rewriting is None
    assert any("blocks.0.0.se" in line and line.startswith("replaced") for line in rewritten.rewriting or ())
    assert plain.spec is not None
    assert rewritten.spec is not None
    assert rewritten.spec.weights_sha256 == plain.spec.weights_sha256
    assert rewritten.parity is not None
    assert rewritten.parity.relative_error < 1e-4
    assert plain.graph_facts is not None
    assert rewritten.graph_facts is not None
    # a gate from linear layers is a vector: its axes are added again, no map is moved
    vectors = rewritten.graph_facts.operator_counts.get("Unsqueeze", 0)
    assert rewritten.graph_facts.layout_operator_count - vectors <= plain.graph_facts.layout_operator_count
    assert export_models(variants, tmp_path).exported_count == 0  # the key of a rewritten network is known unbuilt
