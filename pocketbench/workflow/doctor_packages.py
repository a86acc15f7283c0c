"""What `doctor` says of Python packages: by their metadata and sources, since importing them takes seconds."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["ok", "warning", "absent", "missing"]
"""ok; warning: works, but read it; absent: optional and not here; missing: required, and not here or broken."""

REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)")
EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
BUILD_TAG = re.compile(r"""^__version__\s*=\s*['"][^'"+]*\+([^'"]+)['"]""", re.MULTILINE)
TORCH_PIN = re.compile(r"^torch\s*\(?==\s*([0-9.]+)", re.MULTILINE)
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `cure` is what to do, None when there is nothing to do."""

    section: str
    name: str
    state: State
    detail: str
    cure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """The distributions that pocketbench needs, and those of its extras (name -> extra)."""

    required: tuple[str, ...]
    optional: dict[str, str]


def read_requirements(checkout: Path | None) -> Requirements:
    """What pyproject.toml of a checkout says, else what was installed with the package."""
    if checkout is not None:
        project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        extras = project.get("optional-dependencies", {})
        lines = [*project["dependencies"], *(f"{item}; extra == '{name}'" for name in extras for item in extras[name])]
    else:
        lines = importlib.metadata.requires("pocketbench") or []
    return parse_requirements(lines)


def parse_requirements(lines: list[str]) -> Requirements:
    """Lines as in a distribution's metadata: "torch", "timm; extra == 'timm'"."""
    required, optional = [], {}
    for line in lines:
        name, extra = REQUIREMENT.match(line.strip()), EXTRA.search(line)
        if name is not None and extra is not None:
            optional[name[1]] = extra[1]
        elif name is not None:
            required.append(name[1])
    return Requirements(required=tuple(required), optional=optional)


def parse_pins(text: str) -> dict[str, str]:
    """The lines "name==version" of a constraints file; names in lower case."""
    pins = (line.partition("#")[0].partition(";")[0].strip().partition("==") for line in text.splitlines())
    return {normalize_name(name): version for name, separator, version in pins if separator}


def examine_packages(checkout: Path | None) -> list[Finding]:
    """Every required and optional distribution: its version, and whether it is the one that was tried."""
    try:
        requirements = read_requirements(checkout)
    except importlib.metadata.PackageNotFoundError:
        return [examine_package("pocketbench", None, "pip install pocketbench")]
    pins = parse_pins((checkout / "constraints.txt").read_text(encoding="utf-8")) if checkout is not None else {}
    findings = [
        examine_package(name, pins.get(normalize_name(name)), "make setup" if checkout else f"pip install {name}")
        for name in requirements.required
    ]
    for name, extra in requirements.optional.items():
        install = f"pip install 'pocketbench[{extra}]'"
        if checkout is not None:
            install = f".venv/bin/python -m pip install --constraint constraints.txt --editable '.[{extra}]'"
        findings.append(examine_package(name, pins.get(normalize_name(name)), install, needed=False))
    return findings


def examine_package(name: str, pin: str | None, install: str, *, needed: bool = True) -> Finding:
    """A distribution by its metadata.

    Args:
        pin: the version that was tried; None when no file says.
        install: the line that installs it.
    """
    section = "packages" if needed else "optional packages"
    version = find_version(name)
    if version is None:
        state: State = "missing" if needed else "absent"
        return Finding(section=section, name=name, state=state, detail="not installed", cure=install)
    if pin is not None and version.partition("+")[0] != pin.partition("+")[0]:
        return Finding(
            section=section,
            name=name,
            state="warning",
            detail=f"{version}; tried with {pin}",
            cure=f"pip install --constraint constraints.txt {name}=={pin}",
        )
    return Finding(section=section, name=name, state="ok", detail=version)


def examine_torchvision() -> Finding | None:
    """Whether torchvision, which timm imports, goes with torch; None where one of them is not installed.

    A torchvision built for CUDA registers no operators beside a CPU build of torch, and its import stops.
    """
    torch, torchvision = find_version("torch"), find_version("torchvision")
    if torch is None or torchvision is None:
        return None
    ours, theirs = read_build_tag("torch"), read_build_tag("torchvision")
    pinned = TORCH_PIN.search("\n".join(importlib.metadata.requires("torchvision") or []))
    detail = f"{torchvision}{f' ({theirs})' if theirs else ''} beside torch {torch}"
    if pinned is not None and pinned[1] != torch.partition("+")[0]:
        return _torchvision_misfit(
            f"{detail}, but it was built for torch {pinned[1]}", "pip install --upgrade timm torchvision"
        )
    if ours == "cpu" and theirs not in (None, "cpu"):
        install = f"pip install --force-reinstall --no-deps --index-url {CPU_INDEX}"
        return _torchvision_misfit(detail, f"{install} torchvision=={torchvision.partition('+')[0]}")
    return Finding(section="optional packages", name="torchvision", state="ok", detail=detail)


def _torchvision_misfit(detail: str, cure: str) -> Finding:
    symptom = "importing timm stops with 'operator torchvision::nms does not exist'"
    return Finding(
        section="optional packages", name="torchvision", state="warning", detail=f"{detail}: {symptom}", cure=cure
    )


def read_build_tag(module: str) -> str | None:
    """ "cpu" or "cu130", as version.py of an installed module says; None when it says nothing. Not imported."""
    spec = importlib.util.find_spec(module)
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        try:
            text = (Path(folder) / "version.py").read_text(encoding="utf-8")
        except OSError:
            continue
        found = BUILD_TAG.search(text)
        return found[1] if found is not None else None
    return None


def find_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def normalize_name(name: str) -> str:
    """Source: PEP 503."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
