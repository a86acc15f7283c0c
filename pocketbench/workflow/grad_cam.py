"""Class activations of a suite's trained networks, side by side, on pictures of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pocketbench.core.jsonio import write_bytes, write_text
from pocketbench.core.records import ModelSpec
from pocketbench.reports.labels import count_things
from pocketbench.workflow.suites import Suite, read_suite
from pocketbench.workflow.trained_networks import (
    SHOWN_NAMES,
    TrainedNetwork,
    agree_on_pictures,
    describe_weights,
    find_trained_networks,
    list_names,
)

if TYPE_CHECKING:
    from pocketbench.accuracy.datasets.dataset import DataSet
    from pocketbench.accuracy.example_pictures import Example
    from pocketbench.reports.grad_cam_records import CamCell, CamColumn, CamFigure

SPLIT = "test"
PICTURE_COUNT = 8
PAGE, PICTURE = "grad-cam.html", "grad-cam.png"


@dataclass(frozen=True, slots=True, kw_only=True)
class CamFiles:
    """What was written, the networks of the suite that have no trained weights yet, and what a reader must know."""

    paths: list[Path]
    missing: list[ModelSpec]
    remarks: tuple[str, ...]


def write_grad_cams(suite_name: str, dataset_text: str, folder: Path, trainings: Path) -> CamFiles:
    """Write grad-cam.html and grad-cam.png: the class activation of the last block of each of a suite's networks.

    Weights are those of a model's checkpoint, else those that `pocketbench train` left in `trainings`, of the suite's
    first seed. The same files give the same bytes.

    Args:
        dataset_text: as for `open_dataset`; its test split is used.

    Raises:
        SuiteError, UnknownNameError: for a suite or a data set that does not exist or breaks the rules.
        UsageError: when no network has trained weights, the labels do not fit, or the networks see pictures of
            different sizes or cuts.
        ModelFault: for a network that Grad-CAM is not defined for.
        FileFault: when a file can't be read or written.
    """
    suite = read_suite(suite_name)
    networks, missing = find_trained_networks(suite, trainings)
    preprocessing = agree_on_pictures(networks)
    from pocketbench.accuracy.datasets.catalog import open_dataset
    from pocketbench.accuracy.datasets.dataset import check_classes
    from pocketbench.accuracy.example_pictures import read_examples

    dataset = open_dataset(dataset_text, SPLIT)
    for network in networks:
        if network.spec.class_count is not None:
            check_classes(dataset, network.spec.class_count)
    examples, unreadable = read_examples(dataset, preprocessing, PICTURE_COUNT)
    remarks = tuple(describe_gaps(missing, unreadable))
    figure = make_figure(suite, networks, dataset, examples, remarks)
    from pocketbench.reports.grad_cam_page import format_cam_page
    from pocketbench.reports.grad_cam_picture import draw_figure

    page, picture = format_cam_page(figure), draw_figure(figure)
    write_text(folder / PAGE, page)
    write_bytes(folder / PICTURE, picture)
    return CamFiles(paths=[folder / PAGE, folder / PICTURE], missing=missing, remarks=remarks)


def make_figure(
    suite: Suite,
    networks: Sequence[TrainedNetwork],
    dataset: DataSet,
    examples: Sequence[Example],
    remarks: tuple[str, ...],
) -> CamFigure:
    """Every network on every picture."""
    from pocketbench.reports.grad_cam_records import CamFigure, CamRow, label_networks

    columns = []
    cells: list[list[CamCell]] = [[] for _ in examples]
    labels = label_networks([network.asked for network in networks])
    for network, label in zip(networks, labels, strict=True):
        column, added = map_network(network, label, dataset, examples)
        columns.append(column)
        for row, cell in zip(cells, added, strict=True):
            row.append(cell)
    rows = tuple(
        CamRow(
            label=name_class(dataset, example.label),
            name=example.name,
            picture=example.pixels[0] if len(example.pixels) == 1 else example.pixels.transpose(1, 2, 0),
            cells=tuple(row),
        )
        for example, row in zip(examples, cells, strict=True)
    )
    return CamFigure(
        title=f"Class activation maps: {suite.title}",
        dataset=f"{dataset.name}, {dataset.split} split",
        columns=tuple(columns),
        rows=rows,
        remarks=remarks,
    )


def map_network(
    network: TrainedNetwork, label: tuple[str, str], dataset: DataSet, examples: Sequence[Example]
) -> tuple[CamColumn, list[CamCell]]:
    """One network on every picture, one picture at a time."""
    import numpy as np
    import torch

    from pocketbench.accuracy.grad_cam import compute_grad_cam, find_cam_layer
    from pocketbench.accuracy.preprocessing import normalise
    from pocketbench.blocks.build import build_model
    from pocketbench.reports.grad_cam_records import CamCell, CamColumn

    model = build_model(network.spec)
    if network.spec.swap_gates is not None:
        from pocketbench.workflow.model_forms import rewrite_model

        model = rewrite_model(model, network.spec).model
    inputs = [torch.from_numpy(normalise(example.pixels[None], network.preprocessing)) for example in examples]
    layer = find_cam_layer(model, inputs[0])
    cells = []
    for example, picture in zip(examples, inputs, strict=True):
        found = compute_grad_cam(model, layer, picture, example.label)
        heat = np.round(found.heat * 255).astype(np.uint8)
        cells.append(CamCell(heat=heat, guess=name_class(dataset, found.guess), is_right=found.guess == example.label))
    column = CamColumn(
        network=label[0],
        label=label[1],
        layer=layer.path,
        positions=layer.size,
        is_last_block=layer.is_last if layer.is_block else None,
        weights=describe_weights(network),
    )
    return column, cells


def name_class(dataset: DataSet, label: int) -> str:
    names = dataset.class_names or ()
    return names[label] if label < len(names) else f"class {label}"


def describe_gaps(missing: Sequence[ModelSpec], unreadable: Sequence[tuple[str, str]]) -> list[str]:
    """A sentence for each kind of thing that the figure lacks."""
    remarks = []
    if missing:
        remarks.append(f"Not shown, for lack of trained weights: {list_names(missing)}.")
    if unreadable:
        names = ", ".join(f"{name} ({reason})" for name, reason in unreadable[:SHOWN_NAMES])
        more = f" and {len(unreadable) - SHOWN_NAMES} more" if len(unreadable) > SHOWN_NAMES else ""
        count = count_things(len(unreadable), "picture")
        remarks.append(f"{count} can't be read, the next of the class was taken: {names}{more}.")
    return remarks
