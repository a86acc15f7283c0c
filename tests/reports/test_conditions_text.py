from dataclasses import replace

from pocketbench.core.records import RunPlan
from pocketbench.reports.conditions_text import describe_conditions, describe_dates, describe_method
from pocketbench.reports.labels import describe_runtimes
from pocketbench.reports.table import make_table
from tests.reports.synthetic import (
    CONDITIONS,
    DEVICE,
    MS,
    make_accuracy,
    make_artifact,
    make_measurement,
    make_result,
    make_sessions,
    make_spec,
)

BASE = make_artifact(make_spec())


def test_method_states_the_schedule_in_words() -> None:
    plan = RunPlan(engine="litert", session_count=1, round_count=20, burst_count=10, settle_count=3, cooldown_s=2.5)
    text = " ".join(describe_method(make_table([], make_sessions(BASE, 5.0, plan=plan), [])))
    assert "1 session of 20 rounds: in each round each file runs one burst of 10 calls" in text
    assert "The first 3 calls of a burst" in text
    assert "rests for 2.5 s" in text
    assert "3 runs (a file in a session) went into the report; 0 of them failed." in text


def test_method_tells_published_from_measured() -> None:
    published = " ".join(describe_method(make_table([], make_sessions(BASE, 5.0), [make_accuracy(0.7)])))
    assert "A published top-1 belongs to the network as its authors trained it" in published
    measured = make_accuracy(0.7, origin="measured", artifact_sha256=BASE.sha256)
    text = " ".join(describe_method(make_table([], make_sessions(BASE, 5.0), [measured])))
    assert "A measured top-1" in text
    assert "published" not in text


def test_conditions_are_ranges_over_all_sessions() -> None:
    warm = replace(CONDITIONS, temperature_celsius=41.5, governor="powersave", taken_at="2026-03-02T00:10:00+02:00")
    results = [*make_sessions(BASE, 5.0), replace(make_result(BASE, None, session=3), conditions_after=warm)]
    (host, versions) = describe_conditions(make_table([], results, []))
    assert host[0] == "host"
    known = dict(host[1])
    assert known["Load average"] == "0.25 to 1.50"
    assert known["Clock"] == "2.40 GHz"
    assert known["Governor"] == "performance and powersave"
    assert known["Temperature"] == "41.5 °C"
    assert known["Processor"] == "Example CPU 3000"
    assert known["Memory"] == "24.0 GB"
    assert known["Measured"] == "2026-03-01 10:00 to 22:10 UTC"
    assert dict(versions[1]) == {"Tools": "litert 2.3.0, torch 2.13.0", "Git commit": "0123abc"}


def test_what_is_not_known_is_said_to_be() -> None:
    nothing = replace(CONDITIONS, cpu_model=None, load_average=None, governor=None, frequency_khz=None)
    device = replace(DEVICE, model=None, os_version=None, abi=None, core_count=None, memory_bytes=None)
    result = replace(
        make_result(BASE, make_measurement(lambda *_: MS), device=device),
        conditions_before=nothing,
        conditions_after=nothing,
        git_commit=None,
        tools={},
    )
    (host, versions) = describe_conditions(make_table([], [result], []))
    unknown = {key for key, value in host[1] if value == "not known"}
    assert unknown == {
        *("Device", "Processor", "Cores", "Memory", "System", "Governor", "Clock", "Load average", "Temperature")
    }
    assert ("Git commit", "not known") in versions[1]


def test_each_device_has_conditions_of_its_own() -> None:
    phone = replace(DEVICE, device_id="phone", model="Example Phone")
    table = make_table([], make_sessions(BASE, 5.0) + make_sessions(BASE, 9.0, device=phone), [])
    assert [name for name, _ in describe_conditions(table)] == ["host", "phone", "Versions"]


def test_a_time_that_is_none_stays_as_it_is() -> None:
    broken = replace(CONDITIONS, taken_at="yesterday")
    result = replace(make_result(BASE, None), conditions_before=broken, conditions_after=broken)
    assert describe_dates(make_table([], [result], []).machines[0]) == "yesterday UTC"


def test_two_entries_of_one_phone_are_two_runtimes_and_one_machine_with_schedules_of_their_own() -> None:
    big = replace(DEVICE, device_id="adb-1", name="pixel4-big")
    little = replace(big, name="pixel4-little")
    host = replace(DEVICE, name="host")
    slow = RunPlan(engine="litert", round_count=7, core_mask=0x0F)
    results = [
        *make_sessions(BASE, 5.0, device=host),
        *make_sessions(BASE, 5.0, plan=replace(slow, core_mask=0x70), device=big),
        *make_sessions(BASE, 9.0, plan=slow, device=little),
    ]
    table = make_table([], results, [])
    labels = describe_runtimes(table.runtimes)
    assert sorted(label.rpartition(", ")[2] for label in labels) == ["host", "pixel4-big", "pixel4-little"]
    assert [title for title, _ in describe_conditions(table)] == [
        "host",
        "pixel4-big and pixel4-little (adb-1)",
        "Versions",
    ]
    schedules = [text for text in describe_method(table) if "7 rounds" in text]
    assert len(schedules) == 1
    assert schedules[0].startswith("On pixel4-big and pixel4-little: 3 sessions of 7 rounds")
