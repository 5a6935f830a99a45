"""Installs the example's package into a folder, as pip would, but without an index or a build."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

HERE = Path(__file__).parent


def install(folder: Path, module: str = "example_hypervisor", attribute: str = "ExampleBackend") -> None:
    """Put the package and its metadata into `folder`, with an entry point that names `module` and `attribute`."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    shutil.copytree(HERE / "example_hypervisor", folder / "example_hypervisor")
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = project["entry-points"]["virt_jobs.backends"]
    assert points == {"example": "example_hypervisor:ExampleBackend"}
    (info / "entry_points.txt").write_text(f"[virt_jobs.backends]\nexample = {module}:{attribute}\n")
