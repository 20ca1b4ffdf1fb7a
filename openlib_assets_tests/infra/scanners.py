"""The scanners, which `make test-terraform` installs into an environment of their own."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openlib_assets_tests.infra.terraform import PROJECT

_FOLDER = PROJECT / ".venv-checkov" / "bin"


def checkov(folder: Path) -> dict[str, Any]:
    """Scan a folder of Terraform configuration and give checkov's report."""
    arguments = ["--directory", str(folder), "--framework", "terraform", "--skip-download", "--output", "json"]
    report: dict[str, Any] = json.loads(_said("checkov", *arguments))
    return report


def parliament(policies: Mapping[str, Mapping[str, Any]], folder: Path) -> str:
    """Lint policies, by name, and give what was found, a line each; `folder`, an empty one, holds them meanwhile."""
    for name, policy in policies.items():
        (folder / f"{name}.json").write_text(json.dumps(policy), encoding="utf-8")
    return _said("parliament", "--json", "--directory", str(folder), "--include_policy_extension", "json")


def _said(name: str, *arguments: str) -> str:
    tool = _FOLDER / name
    assert tool.is_file(), f"{name} is missing: make test-terraform installs it"
    command = [str(tool), *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr[-4000:]  # 1: there are findings
    return done.stdout
