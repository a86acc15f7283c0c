"""A suite's [train] table: the recipe that all its models are trained by, on which data, from which seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pocketbench.accuracy.preprocessing_rules import check_preprocessing
from pocketbench.accuracy.recipe import Framing, Recipe, make_preprocessing
from pocketbench.core.errors import UsageError
from pocketbench.core.records import ModelSpec
from pocketbench.workflow.toml_tables import TomlTable

FRAMING_KEYS = ("crop", "resize", "interpolation", "mean", "std")
TRAIN_KEYS = (
    *("data", "seeds", "epochs", "batch", "learning_rate", "momentum", "weight_decay", "label_smoothing"),
    *("shift", "flip", *FRAMING_KEYS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainTable:
    """`data` is a name, or a path from the current folder."""

    data: str
    recipe: Recipe
    seeds: tuple[int, ...]


def parse_train(table: TomlTable, models: Sequence[ModelSpec]) -> TrainTable:
    """Raises: SuiteError for what breaks the rules, or does not go with a model."""
    table.refuse_unknown(TRAIN_KEYS)
    table.require("data", "seeds", "epochs", "mean", "std")
    numbers = {
        "batch_size": table.whole("batch", 2, 65_536),
        "learning_rate": table.number("learning_rate", 1e-9, 1000),
        "momentum": table.number("momentum", 0.001, 0.9999),
        "weight_decay": table.number("weight_decay", 0, 1),
        "label_smoothing": table.number("label_smoothing", 0, 0.99),
        "shift": table.whole("shift", 0, 256),
    }
    recipe = Recipe(
        framing=_parse_framing(table),
        epoch_count=table.whole("epochs", 1, 100_000) or 0,
        flip=table.truth("flip"),
        **{name: value for name, value in numbers.items() if value is not None},  # type: ignore[arg-type]
    )
    for model in models:
        _check_model(table, recipe, model)
    return TrainTable(
        data=table.text("data", limit=1000) or "", recipe=recipe, seeds=table.wholes("seeds", 0, 2**32 - 1)
    )


def _parse_framing(table: TomlTable) -> Framing:
    return Framing(
        crop=table.text("crop") or "center",
        resize=table.whole("resize", 1, 4096),
        interpolation=table.text("interpolation"),
        mean=table.numbers("mean", -100, 100),
        std=table.numbers("std", -100, 100),
    )


def _check_model(table: TomlTable, recipe: Recipe, model: ModelSpec) -> None:
    if model.class_count is None or model.weights == "given":
        raise table.fault(
            None,
            f"can't train {model.name}",
            "only backbones of the catalogue and timm models with classes are trained, from random weights",
        )
    try:
        check_preprocessing(make_preprocessing(recipe, model))
    except UsageError as error:
        blamed = (key for key in FRAMING_KEYS if error.what.startswith(f"{key} "))
        raise table.fault(next(blamed, None), f"does not go with {model.name}: {error.what}", error.cure) from error
