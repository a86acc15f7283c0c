"""What the samples of a measurement are called, so that a mean that a program printed is never taken for a median."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pocketbench.core.records import Caveat, Measurement, Origin

INFERENCE = "inference"
IMPORT_NOTES = "imported"  # the caveat of an imported result that holds what its file says beside the figures


def name_figure(statistics: Collection[str], sample_count: int) -> str:
    """What the middle of the samples is: "median" of inferences; of other samples "mean", "median of means", ...

    Args:
        statistics: each `Measurement.sample_statistic` among them.
    """
    names = sorted(set(statistics) - {INFERENCE})
    if not names:
        return "median"
    if sample_count == 1:
        return names[0]
    several = [f"{name}s" for name in names]
    return f"median of {' and '.join([*several, *(['inferences'] if INFERENCE in statistics else [])])}"


def count_behind(measurement: Measurement) -> tuple[int, ...]:
    """How many inferences stand behind each sample; () where a sample is one."""
    return tuple(summary.count for summary in measurement.summaries)


def describe_sizes(sizes: Sequence[int]) -> str:
    """ "50", or "50 to 57"."""
    least, most = min(sizes), max(sizes)
    return str(least) if least == most else f"{least} to {most}"


def describe_samples(measurement: Measurement, sample_count: int) -> str:
    """ "median of 97 inferences", "mean of 50 inferences", "median of 60 means of 50 to 57 inferences".

    Args:
        sample_count: how many samples are summarised.
    """
    statistic = measurement.sample_statistic
    if statistic == INFERENCE:
        return f"median of {sample_count} inferences"
    sizes = count_behind(measurement)
    behind = f" of {describe_sizes(sizes)} inferences" if sizes else ""
    return f"{statistic}{behind}" if sample_count == 1 else f"median of {sample_count} {statistic}s{behind}"


def describe_origin(origin: Origin, caveats: Sequence[Caveat]) -> str:
    """Where an imported figure comes from, with what its file says beside it."""
    notes = [caveat.text for caveat in caveats if caveat.code == IMPORT_NOTES]
    return " ".join(
        [
            f"Imported: written by {origin.tool}, {origin.file_name}, sha256 {origin.file_sha256[:8]}, taken over on "
            f"{origin.imported_at[:10]}.",
            *notes,
        ]
    )
