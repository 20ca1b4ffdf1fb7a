"""The files of the deployment, looked at by their own linters, and whether they agree with each other."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from openlib_assets.defs.instance.home import DEFAULT_HOME
from openlib_assets.settings import Settings
from openlib_assets_tests.conftest import environment
from openlib_assets_tests.tools.deployment import PATIENCE_SECONDS, PROJECT_ROOT

pytestmark = pytest.mark.deployed

DEPLOY = PROJECT_ROOT / "deploy"
DCLINT = "dclint@3.1.0"


def test_the_dockerfile_is_without_findings() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    said = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")


def test_a_dockerfile_that_runs_as_root_from_an_unnamed_image_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN pip install dagster\n")
    hadolint = Path(sys.executable).with_name("hadolint")
    said = subprocess.run([hadolint, tmp_path / "Dockerfile"], capture_output=True, text=True, check=False)
    assert {"DL3006", "DL3013", "DL3042"} <= set(re.findall(r"DL\d+", said.stdout))


def lint_compose(file: Path) -> subprocess.CompletedProcess[str]:
    """Check a compose file against the Compose specification's schema and the linter's rules."""
    command = ["npx", "--yes", DCLINT, "-c", str(DEPLOY / ".dclintrc.json"), "--max-warnings", "0", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)


def test_the_compose_file_is_without_findings() -> None:
    said = lint_compose(DEPLOY / "compose.yaml")
    assert said.returncode == 0, said.stdout


def test_a_compose_file_with_a_mistake_would_be_found(tmp_path: Path) -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    (tmp_path / "compose.yaml").write_text(text.replace("healthcheck:", "healtcheck:"))
    said = lint_compose(tmp_path / "compose.yaml")
    assert said.returncode != 0
    assert "must NOT have additional properties" in said.stdout


def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return content


def test_nothing_of_ours_runs_with_more_rights_than_it_needs() -> None:
    services = compose()["services"]
    assert set(services) == {"postgres", "ownership", "code", "daemon", "webserver"}
    for name in ("code", "daemon", "webserver"):
        service = services[name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert "no-new-privileges:true" in service["security_opt"]
        assert service["healthcheck"]["test"][0] == "CMD"
        assert "user" not in service, "the image's, who is not root"
    assert re.search(r"^USER 10001:10001$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)


def test_only_the_webserver_is_reached_from_outside_and_only_from_this_host() -> None:
    services = compose()["services"]
    assert {name: service["ports"] for name, service in services.items() if "ports" in service} == {
        "webserver": ["127.0.0.1:3000:3000"]
    }
    assert compose()["networks"]["inside"] == {"internal": True}
    assert services["postgres"]["networks"] == ["inside"]


def test_all_processes_get_the_same_environment_and_every_variable_that_the_instance_reads() -> None:
    services = compose()["services"]
    environments = [services[name]["environment"] for name in ("code", "daemon", "webserver")]
    assert environments[0] == environments[1] == environments[2]
    # Whatever else stands in deploy/.env reaches them, too, but not who makes the folder, as root.
    files = {name: service.get("env_file") for name, service in services.items()}
    own = [{"path": ".env", "required": False}]
    assert files == {"postgres": None, "ownership": [], "code": own, "daemon": own, "webserver": own}
    read = re.findall(
        r"env: (\w+)", (DEPLOY / "compose/dagster.yaml").read_text() + (DEPLOY / "workspace.yaml").read_text()
    )
    assert set(read) <= set(environments[0])
    example = {line.partition("=")[0] for line in (DEPLOY / ".env.example").read_text().splitlines() if "=" in line}
    required = set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.yaml").read_text()))
    assert required <= example


def test_a_database_and_a_catalogue_of_tables_are_optional_and_off_by_default() -> None:
    variables = compose()["services"]["code"]["environment"]
    assert variables["OPENLIB_DATABASE"] == "${OPENLIB_DATABASE:-}"
    assert variables["OPENLIB_ICEBERG"] == "${OPENLIB_ICEBERG:-}"
    example = dict(
        line.split("=", 1) for line in (DEPLOY / ".env.example").read_text().splitlines() if not line.startswith("#")
    )
    assert (example["OPENLIB_DATABASE"], example["OPENLIB_DATABASE_SCHEMA"]) == ("", "openlib")
    assert (example["OPENLIB_ICEBERG"], example["OPENLIB_ICEBERG_NAMESPACE"]) == ("", "openlib")
    default = variables["OPENLIB_DATABASE_SCHEMA"].removeprefix("${OPENLIB_DATABASE_SCHEMA:-").removesuffix("}")
    with environment({"OPENLIB_DATABASE": "", "OPENLIB_DATABASE_SCHEMA": default, "OPENLIB_ICEBERG": ""}):
        settings = Settings.from_env()
    assert (settings.database, settings.database_schema, settings.iceberg) == (None, "openlib", None)


def test_the_image_holds_what_the_dockerfile_copies_and_nothing_secret() -> None:
    allowed = [
        line.removeprefix("!")
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert {path for line in copied for path in line.split()} == set(allowed)
    assert all((PROJECT_ROOT / path).exists() for path in allowed)
    assert not {".env", DEFAULT_HOME, "data"} & set(allowed)


def test_no_password_stands_in_any_file_of_the_deployment() -> None:
    for file in DEPLOY.rglob("*"):
        if file.is_file() and file.name != ".env":
            for value in re.findall(r"(?i)(?:password|secret_access_key)[ ]*[=:][ ]*(.*)", file.read_text()):
                assert value == "" or value.startswith("${"), file


def test_what_is_installed_is_pinned_by_name_and_version_and_from_nowhere_in_particular() -> None:
    lines = (PROJECT_ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+-]+", line)] == []
    assert "constraints.txt" in (DEPLOY / "Dockerfile").read_text()


def test_terraform_starts_the_processes_as_compose_does_and_gives_them_what_the_instance_reads() -> None:
    orchestration = (PROJECT_ROOT / "infra/terraform/modules/orchestration/processes.tf").read_text()
    written = re.sub(r"\s", "", orchestration)
    for name in ("code", "daemon", "webserver"):
        assert json.dumps(compose()["services"][name]["command"])[1:-1].replace(" ", "") in written
    for file in ("aws/dagster.yaml", "workspace.yaml"):
        for variable in re.findall(r"env: (\w+)", (DEPLOY / file).read_text()):
            assert re.search(rf"^\s+{variable}\s+=", orchestration, re.MULTILINE), variable
