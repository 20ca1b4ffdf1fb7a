"""The configuration is formatted, valid, keeps what each module promises, and a scanner finds nothing in it."""

from pathlib import Path

import pytest

from openlib_assets_tests.infra import terraform
from openlib_assets_tests.infra.scanners import checkov

pytestmark = pytest.mark.terraform

MODULES_WITH_TESTS = sorted(folder.parent.name for folder in terraform.CONFIGURATION.glob("modules/*/tests"))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return terraform.copied(tmp_path_factory.mktemp("configuration"))


def test_every_file_is_formatted(copy: Path) -> None:
    terraform.run(copy, "fmt", "-check", "-recursive", "-no-color")


@pytest.mark.parametrize("environment", terraform.ENVIRONMENTS)
def test_an_environment_is_valid(copy: Path, environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the provider's version, too: here none is running already that would be taken as it is."""
    monkeypatch.delenv(terraform.ATTACHED)
    folder = copy / "environments" / environment
    terraform.initialise(folder)
    terraform.run(folder, "validate", "-no-color")


@pytest.mark.parametrize("file", ["variables.tf", "outputs.tf"])
def test_the_environments_ask_and_tell_the_same(file: str) -> None:
    dev, prod = (
        (terraform.CONFIGURATION / "environments" / environment / file).read_text(encoding="utf-8")
        for environment in terraform.ENVIRONMENTS
    )
    assert dev == prod


@pytest.mark.parametrize("module", MODULES_WITH_TESTS)
def test_a_module_keeps_its_promises(copy: Path, module: str) -> None:
    folder = copy / "modules" / module
    terraform.initialise(folder, backend=True)
    done = terraform.run(folder, "test", "-no-color")
    assert "0 failed" in done.stdout
    assert "Success! 0 passed" not in done.stdout


def test_checkov_finds_nothing_and_every_exception_has_a_reason() -> None:
    report = checkov(terraform.CONFIGURATION)
    results = report["results"]
    assert results["parsing_errors"] == []
    assert [f"{found['check_id']} {found['resource']}" for found in results["failed_checks"]] == []
    assert all(len(skipped["check_result"]["suppress_comment"]) > 20 for skipped in results["skipped_checks"])
    assert report["summary"]["passed"] > 500


def test_checkov_finds_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "aws_s3_bucket" "open" {\n  bucket = "open"\n}\n', encoding="utf-8")
    assert "CKV_AWS_21" in {found["check_id"] for found in checkov(tmp_path)["results"]["failed_checks"]}
