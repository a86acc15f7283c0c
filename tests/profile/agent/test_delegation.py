from __future__ import annotations

from pocketbench.profile.agent.delegation import Delegation, count_delegation


def operator(name: str, inputs: list[int], outputs: list[int]) -> dict[str, object]:
    return {"op_name": name, "inputs": inputs, "outputs": outputs}


def test_without_a_delegate_all_is_outside() -> None:
    found = count_delegation([operator("ADD", [0, 1], [2]), operator("ADD", [2, -1], [3])])
    assert found == Delegation({"ADD": 2}, 0, 2)


def test_a_whole_graph_is_one_partition() -> None:
    graph = [operator("CONV_2D", [0, 9], [1]), operator("RELU", [1], [2]), operator("DELEGATE", [0, 9], [2])]
    assert count_delegation(graph) == Delegation({"CONV_2D": 1, "RELU": 1}, 1, 0)


def test_partitions_on_both_sides_of_an_operator() -> None:
    graph = [
        operator("ADD", [0, 0], [1]),
        operator("CUMSUM", [1, 8], [2]),
        operator("MUL", [2, 0], [3]),
        operator("DELEGATE", [0], [1]),
        operator("DELEGATE", [0, 2], [3]),
    ]
    assert count_delegation(graph) == Delegation({"ADD": 1, "CUMSUM": 1, "MUL": 1}, 2, 1)


def test_a_producer_outside_stays_outside_although_a_member_reads_it() -> None:
    graph = [operator("CAST", [0], [1]), operator("ADD", [1, 1], [2]), operator("DELEGATE", [1], [2])]
    assert count_delegation(graph).outside_count == 1


def test_an_operator_without_output_is_found_by_what_it_reads() -> None:
    inside = [
        operator("VAR_HANDLE", [], [1]),
        operator("READ_VARIABLE", [1], [2]),
        operator("ADD", [2, 0], [3]),
        operator("ASSIGN_VARIABLE", [1, 3], []),
        operator("DELEGATE", [0], [3]),
    ]
    assert count_delegation(inside).outside_count == 0
    # the handle leaves: it is read outside, by the operator that stores
    outside = [*inside[:-1], operator("DELEGATE", [0], [1, 3])]
    assert count_delegation(outside).outside_count == 1


def test_an_operator_without_output_is_found_by_what_enters_for_it_alone() -> None:
    graph = [
        operator("VAR_HANDLE", [], [1]),
        operator("READ_VARIABLE", [1], [2]),
        operator("SPLIT", [2], [3]),
        operator("ADD", [3, 0], [4]),
        operator("STRIDED_SLICE", [4, 9], [5]),
        operator("ASSIGN_VARIABLE", [1, 5], []),
        operator("DELEGATE", [], [1, 2]),
        operator("DELEGATE", [0, 1, 3, 9], [4]),
    ]
    assert count_delegation(graph) == Delegation(
        {"ADD": 1, "ASSIGN_VARIABLE": 1, "READ_VARIABLE": 1, "SPLIT": 1, "STRIDED_SLICE": 1, "VAR_HANDLE": 1}, 2, 1
    )
