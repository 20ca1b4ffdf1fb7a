"""The home of the Dagster instance, and one that an earlier release left."""

import errno
import re
import resource
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.storage.compute_log_manager import ComputeIOType

from openlib_assets.defs.instance.home import InstanceError, open_instance, prepare_home
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, PlaceMaker

PROJECT = Path(__file__).parents[2]

# As release 0.1.0 was shipped before its modules moved, and changed by its user since.
OLD = b"""\
# Settings of the Dagster instance; `openlib` copies this file into a DAGSTER_HOME that has none.
telemetry:
  enabled: false

# Ours since May: four were too many for openlib_assets.run_launcher (caf\xc3\xa9 server).\t
storage:
  custom:
    module: openlib_assets.instance_storage
    class: InstanceStorage
    config:
      base_dir:
        env: DAGSTER_HOME

concurrency:
  runs: {max_concurrent_runs:  2}\r
run_launcher: {"module": "openlib_assets.run_launcher", class: RunLauncher}
"""
NEW = OLD.replace(
    b"module: openlib_assets.instance_storage", b"module: openlib_assets.defs.instance.event_log"
).replace(b'"openlib_assets.run_launcher"', b'"openlib_assets.defs.instance.run_launcher"')
LINE = (
    "modules have moved; it now names openlib_assets.defs.instance.event_log, openlib_assets.defs.instance.run_launcher"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    return home


def openlib(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from openlib_assets.cli.main import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_settings_that_could_not_be_written_are_not_there_half(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(InstanceError, match=r"^DAGSTER_HOME=\S+: No space left on device; [^\n]+$"):
            prepare_home()
    assert list(home.iterdir()) == []
    prepare_home()
    assert yaml.safe_load((home / "dagster.yaml").read_bytes())["telemetry"] == {"enabled": False}


def test_the_next_command_opens_an_instance_of_an_earlier_release_with_all_that_is_in_it(
    home: Path, new_place: PlaceMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = new_place("local")
    monkeypatch.setenv("OPENLIB_STORAGE", place.root)
    # Files and contents of that release's event log were Dagster's own.
    with Sandbox(SandboxConfig({"love": 5})) as sandbox, dg.DagsterInstance.local_temp(str(home)) as old:
        run_id = Pipeline(place, old, sandbox.url).run("love", job="extract").run_id
        old.report_runless_asset_event(dg.AssetMaterialization("of_others", partition="x"))
        events = old.all_logs(run_id)
        made = old.fetch_materializations(dg.AssetKey("raw_works"), limit=10).records
    assert len(events) > 20
    assert len(made) == 1
    (home / "dagster.yaml").write_bytes(OLD)

    first = openlib("subjects", "list")
    assert first.returncode == 0
    assert first.stderr == f"openlib: {home / 'dagster.yaml'}: {LINE}\n"
    assert "love" in first.stdout
    assert (home / "dagster.yaml").read_bytes() == NEW
    assert sorted(file.name for file in home.glob("*dagster.yaml*")) == ["dagster.yaml"]

    capsys.readouterr()
    with open_instance() as instance:
        assert capsys.readouterr().err == "", "whoever comes next has nothing to say"
        assert instance.all_logs(run_id) == events
        assert instance.fetch_materializations(dg.AssetKey("raw_works"), limit=10).records == made
        assert instance.get_run_by_id(run_id) is not None
        assert instance.get_latest_materialization_event(dg.AssetKey("of_others")) is not None
        instance.report_runless_asset_event(dg.AssetMaterialization("of_others", partition="y"))
        assert instance.get_materialized_partitions(dg.AssetKey("of_others")) == {"x", "y"}


@pytest.mark.parametrize("settings", ["", "compute_logs: {module: m, class: c, config: {base_dir: x}}"])
def test_unless_output_is_captured_a_run_prints_to_the_terminal_itself(home: Path, settings: str) -> None:
    (home / "dagster.yaml").write_text(settings)
    with open_instance(captures_output=False) as instance, instance.compute_log_manager.capture_logs(["a"]) as captured:
        assert captured.external_url is None
        with instance.compute_log_manager.open_log_stream(["a"], ComputeIOType.STDOUT) as stream:
            assert stream is None


def test_the_line_in_the_docs_does_the_same(home: Path) -> None:
    (line,) = re.findall(r'^sed .*/dagster\.yaml"$', (PROJECT / "docs/operations.md").read_text("utf-8"), re.MULTILINE)
    (home / "dagster.yaml").write_bytes(OLD)
    subprocess.run(line, shell=True, check=True)  # noqa: S602 - it is for a shell
    assert yaml.safe_load((home / "dagster.yaml").read_bytes()) == yaml.safe_load(NEW)
    assert (home / "dagster.yaml.bak").read_bytes() == OLD


def test_a_link_stays_a_link_and_rights_stay(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    managed = tmp_path / "managed.yaml"
    managed.write_bytes(OLD)
    managed.chmod(0o640)
    (home / "dagster.yaml").symlink_to(managed)
    prepare_home()
    assert (home / "dagster.yaml").is_symlink()
    assert managed.read_bytes() == NEW
    assert managed.stat().st_mode & 0o777 == 0o640
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "settings",
    [
        b"run_launcher:\n  module: openlib_assets.run_launcher_of_mine\n  class: A\n",
        b"run_launcher:\n  module: mine.openlib_assets.run_launcher\n  class: A\n",
        b"run_launcher:\n  module: openlib_assets.run_launcher.more\n  class: A\n",
        b"# openlib_assets.instance_storage\ntelemetry:\n  enabled: false\n",
        b"",
    ],
)
def test_other_names_are_left_alone(home: Path, capsys: pytest.CaptureFixture[str], settings: bytes) -> None:
    (home / "dagster.yaml").write_bytes(settings)
    written = (home / "dagster.yaml").stat()
    prepare_home()
    assert (home / "dagster.yaml").read_bytes() == settings
    found = (home / "dagster.yaml").stat()  # when it was last read differs
    assert (found.st_ino, found.st_mtime_ns, found.st_mode) == (written.st_ino, written.st_mtime_ns, written.st_mode)
    assert capsys.readouterr().err == ""


def test_what_is_shipped_needs_no_change(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepare_home()
    shipped = (PROJECT / "openlib_assets/defs/instance/dagster.yaml").read_bytes()
    for _ in range(2):
        prepare_home()
        assert (home / "dagster.yaml").read_bytes() == shipped
    assert capsys.readouterr().err == ""


def test_settings_that_cannot_be_written_stay_as_they_were(home: Path) -> None:
    (home / "dagster.yaml").write_bytes(OLD)
    said = subprocess.run(
        [sys.executable, "-c", "from openlib_assets.cli.main import main; main()", "subjects", "list"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )
    assert said.returncode == 1
    assert said.stderr == (
        f"openlib: {home / 'dagster.yaml'}: File too large; openlib must write the new names of moved modules into it\n"
    )
    assert (home / "dagster.yaml").read_bytes() == OLD
    assert list(home.iterdir()) == [home / "dagster.yaml"]


def test_a_home_that_cannot_be_made_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "file/home"))
    with pytest.raises(InstanceError, match="set it to a writable folder"):
        prepare_home()


def test_settings_that_are_no_yaml_are_told_with_the_place(home: Path) -> None:
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false\nstorage: [\n")
    with pytest.raises(InstanceError, match=r"cannot be opened: .*line 2, column") as told:
        open_instance()
    assert len(str(told.value).splitlines()) == 1
