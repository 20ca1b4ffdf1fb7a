"""The `openlib` command as a user meets it: what it prints, where, and its exit status."""

import csv
import dataclasses
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
)

from openlib_assets.cli import across_subjects
from openlib_assets.cli.commands.run import _link
from openlib_assets.cli.main import main
from openlib_assets.defs import assets
from openlib_assets.defs.assets.tables import table_asset
from openlib_assets.defs.instance.home import open_instance
from openlib_assets.defs.partitions import SUBJECTS
from openlib_assets.defs.steps.writing import locked
from openlib_assets.lake import layout
from openlib_assets.lake.contract import AUTHORS, CSV_TABLES, DERIVED_TABLES, ORDER_LIST, STOCKING_LIST
from openlib_assets.lake.table_files import open_table
from openlib_assets.sandbox import FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.tools import reference_orders
from openlib_assets_tests.tools.forked import commands

SIZES = {"love": 40, "place:france": 5}


@dataclass
class Cli:
    """Runs the command in this process, in the environment of the test."""

    sandbox: Sandbox
    folder: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, *arguments: str) -> "Said":
        self.capsys.readouterr()
        self.monkeypatch.setattr(sys, "argv", ["openlib", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self.capsys.readouterr()
        return Said(int(str(ended.value.code)), out, err)

    def run_alone(self, *arguments: str) -> "Said":
        """Run subjects, and take what there is once for all of them for made, which takes as long as one of them."""
        with self.monkeypatch.context() as patch:
            patch.setattr(across_subjects, "across_subjects_is_current", lambda *_: True)
            return self("run", *arguments)

    def registered(self) -> list[str]:
        with open_instance() as instance:
            return list(instance.get_dynamic_partitions(SUBJECTS))


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    status: int
    out: str
    err: str


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `openlib run` leaves of both subjects, in the folders of `Cli`: copied, not made again for each test."""
    folder = tmp_path_factory.mktemp("fetched")
    with Sandbox(SandboxConfig(SIZES)) as sandbox, commands(folder, sandbox.url) as openlib:
        done = openlib.run("run", *SIZES)
        assert done.status() == 0, done.output
    return folder


@pytest.fixture
def cli_after_run(cli: "Cli", fetched: Path) -> "Cli":
    """The command, where both subjects were fetched and made before."""
    for name in ("data", "home"):
        shutil.copytree(fetched / name, cli.folder / name)
    return cli


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with Sandbox(SandboxConfig(SIZES)) as sandbox:
        monkeypatch.setenv("OPENLIB_API_URL", sandbox.url)
        monkeypatch.setenv("OPENLIB_STORAGE", str(tmp_path / "data"))
        monkeypatch.setenv("OPENLIB_REQUESTS_PER_SECOND", "1000")
        monkeypatch.setenv("OPENLIB_RETRY_WAIT", "0.05")
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
        yield Cli(sandbox, tmp_path, capsys, monkeypatch)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_run_makes_everything_and_prints_a_row_a_subject(cli: Cli) -> None:
    said = cli("run", "Love", "https://openlibrary.org/subjects/place:france", "love")
    assert said.status == 0
    assert "2 of 2 subjects are complete." in said.out
    (row,) = [line for line in said.out.splitlines() if line.strip().startswith("love")]
    assert row.split()[1] == "40"
    assert str(cli.folder / "data/exports/love") in row
    for table in DERIVED_TABLES:
        assert (cli.folder / f"data/{table.layer}/{table.name}/subject=place%3Afrance/part-0.parquet").is_file()
    assert sorted(cli.registered()) == ["love", "place:france"]
    assert not (cli.folder / "data/subjects.yaml").exists()


def test_run_names_what_failed_goes_on_with_the_others_and_forgets_the_unknown(cli: Cli) -> None:
    no_details = Planned("http_403", match="france%22&fields=key%2C", times=100)
    cli.sandbox.change_faults(FaultPlan(planned=(no_details,)))
    said = cli.run_alone("love", "place:france", "no such thing")
    assert said.status == 1
    unknown, partly = sorted(line for line in said.out.splitlines() if line.startswith("FAILED"))
    assert unknown.startswith("FAILED no_such_thing: ")
    assert "Open Library has no work under the subject" in unknown
    assert partly.startswith(f"FAILED place:france: raw_details: {cli.sandbox.url}/search.json?q=")
    assert "HTTP 403" in partly
    assert [line.split()[0] for line in said.out.splitlines() if "/exports/" in line] == ["love", "place:france"]
    assert "1 of 3 subjects are complete." in said.out
    assert sorted(cli.registered()) == ["love", "place:france"]
    assert not [path for path in (cli.folder / "data").rglob("*") if "no_such_thing" in str(path)]
    assert "details failed since" in cli("subjects", "list").out


def test_a_second_run_says_unchanged_and_force_writes_a_snapshot_all_the_same(cli_after_run: Cli) -> None:
    cli = cli_after_run
    snapshots = cli.folder / "data/bronze/raw_works/subject=love"
    assert "love (unchanged)" in cli("run", "love").out
    assert len(list(snapshots.iterdir())) == 1
    assert "unchanged" not in cli.run_alone("love", "--force").out
    assert len(list(snapshots.iterdir())) == 2


def test_run_prints_json_that_a_program_can_read(cli_after_run: Cli) -> None:
    said = cli_after_run("run", "love", "nope", "--json")
    love, nope = json.loads(said.out)
    assert (love["subject"], love["works"], love["error"], love["left_out"]) == ("love", 40, None, None)
    assert (nope["subject"], nope["works"]) == ("nope", None)
    assert "nope" in nope["error"]


def test_what_the_output_cannot_show_is_escaped_and_nothing_is_lost(cli: Cli) -> None:
    subject = "фантастика🚀"
    escaped = subject.encode("ascii", "backslashreplace").decode()

    def printed(command: Callable[..., Said], *arguments: str) -> str:
        binary = io.BytesIO()
        with cli.monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", io.TextIOWrapper(binary, encoding="latin-1"))
            assert command(*arguments).status == 0
            sys.stdout.flush()
            return binary.getvalue().decode("latin-1")

    with Sandbox(SandboxConfig({subject: 3})) as sandbox:
        cli.monkeypatch.setenv("OPENLIB_API_URL", sandbox.url)
        assert escaped in printed(cli.run_alone, subject)
    assert escaped in printed(cli, "subjects", "list")
    assert [state["subject"] for state in json.loads(printed(cli, "subjects", "list", "--json"))] == [subject]


def test_the_link_to_a_folder_opens_it_in_spite_of_a_percent_sign_in_its_name() -> None:
    assert _link("/data of us/exports/place%3Afrance") == "link file:///data%20of%20us/exports/place%253Afrance"
    assert _link("s3://bucket/exports/love") == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("run", ".."),
        ("run", "place:"),
        ("run", "love", "a\x01b"),
        ("run", "..."),
        ("run", "x" * 3000),
        ("run", "love", "--nonsense"),
        ("nonsense",),
        ("export", "love"),
        ("sql",),
        ("sql", "SELEKT 1"),
        ("sql", ""),
        ("sql", "/* nothing */"),
        ("sql", "CREATE TABLE kept AS SELECT 1"),
        ("sql", "SELECT 1; SELECT 2"),
        ("sandbox", "--faults", "gremlins=0.5"),
        ("sandbox", "--subject", "love"),
        ("sandbox", "--port", "0", "--store", "no/such/folder/store.csv"),
        ("sandbox", "--port", "0", "--subject", "love=1", "--dumps", "/dev/null/dumps"),
        ("sandbox", "--dumps", "dumps", "--dump-date", "2026-08"),
        ("prune", "--keep", "0"),
    ],
)
def test_wrong_use_gets_at_most_four_lines_and_status_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    said = cli(*arguments)
    assert said.status == 2
    assert said.out == ""
    assert 1 <= len(said.err.strip().splitlines()) <= 4
    assert not cli.sandbox.requests


def test_a_bad_setting_is_wrong_use_and_named(cli: Cli) -> None:
    cli.monkeypatch.setenv("OPENLIB_PAGE_SIZE", "many")
    said = cli("run", "love")
    assert said.status == 2
    assert said.err.startswith("openlib: OPENLIB_PAGE_SIZE='many': ")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("arguments", [("run", "love"), ("estimate", "love"), ("subjects", "search", "love")])
def test_the_public_site_is_not_asked_without_a_contact(cli: Cli, arguments: tuple[str, ...]) -> None:
    cli.monkeypatch.delenv("OPENLIB_API_URL")
    said = cli(*arguments)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("openlib: OPENLIB_CONTACT is not set: ")
    assert len(said.err.splitlines()) == 1
    assert not (cli.folder / "home").exists()


def test_estimate_asks_one_request_a_subject(cli: Cli) -> None:
    said = cli("estimate", "love", "place:france", "nope")
    assert said.status == 1
    (row,) = [line for line in said.out.splitlines() if line.strip().startswith("love")]
    assert row.split()[1:3] == ["40", "5"], "a page and a list of works, the same of details, and one of editions"
    assert "FAILED nope" in said.err
    assert len(cli.sandbox.requests) == 3
    assert "from the API" not in said.err
    cli.sandbox.change_faults(FaultPlan(planned=(Planned("http_500", match="love", times=1),)))
    said = cli("estimate", "love")
    assert (said.status, said.out.count("love")) == (0, 1)
    assert re.fullmatch(r".*/subjects/love\.json\S*: HTTP 500; trying again in 0 s\n", said.err)
    cli.monkeypatch.setenv("OPENLIB_SOURCE", "dump")
    assert "from which a run takes no request; this is one from the API" in cli("estimate", "love").err


def test_the_list_names_what_an_earlier_version_made(cli_after_run: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli_after_run("subjects", "list").err == ""
    monkeypatch.setattr(assets, "ASSETS", [table_asset(dataclasses.replace(AUTHORS, code_version="3"))])
    said = cli_after_run("subjects", "list").err
    assert said == (
        "made by an earlier version of the code: authors of love and 1 more; make them again with: openlib run love\n"
    )


def test_the_list_names_what_was_made_before_the_store_file_was_read_again(cli_after_run: Cli) -> None:
    with open_instance() as instance:
        read = dg.AssetMaterialization("store_catalogue", tags={DATA_VERSION_TAG: "another"})
        instance.report_runless_asset_event(read)
    assert cli_after_run("subjects", "list").err == (
        "made before what the store sells was read again: what to order of love and 1 more; "
        "make it again with: openlib run love\n"
    )


def test_the_list_names_a_subject_whose_tables_failed_and_says_what_to_do(cli_after_run: Cli) -> None:
    cli = cli_after_run
    authors = cli.folder / "data/silver/authors/subject=love"
    shutil.rmtree(authors)
    authors.touch()
    assert cli.run_alone("love", "place:france").status == 1
    said = cli("subjects", "list")
    (line,) = [line for line in said.out.splitlines() if line.split()[:1] == ["love"]]
    assert "tables failed since" in line
    assert said.err == "tables failed since: love; see why, and make them again, with: openlib run love\n"
    states = {state["subject"]: state["state"] for state in json.loads(cli("subjects", "list", "--json").out)}
    assert states == {"love": "tables failed since", "place:france": "fetched"}
    authors.unlink()
    assert cli.run_alone("love").status == 0
    assert cli("subjects", "list").err == ""


def test_the_watch_list_is_added_to_listed_and_removed_from(cli_after_run: Cli) -> None:
    cli = cli_after_run
    assert cli("subjects", "add", "Love", "place:Atlantis").status == 0
    assert "already on" in cli("subjects", "add", "love").out
    states = {state["subject"]: state for state in json.loads(cli("subjects", "list", "--json").out)}
    assert states["love"]["state"] == "fetched"
    assert states["love"]["works"] == 40
    assert states["love"]["verified"]
    assert (states["place:atlantis"]["registered"], states["place:atlantis"]["state"]) == (False, "never fetched")
    assert "love" in cli("subjects", "list").out
    files = cli.folder / "data"
    assert "files stay" in cli("subjects", "remove", "love").out
    assert (files / "silver/books/subject=love").exists()
    (files / "bronze/raw_works/subject=love/snapshot=of-a-killed-run").mkdir()
    cli("subjects", "remove", "love", "--delete-data")
    assert not [path for path in files.rglob("*") if "love" in path.name]
    assert cli.registered() == ["place:france"]
    assert cli("subjects", "remove", "love").status == 1


def test_what_killed_runs_have_left_of_a_subject_is_removed_with_its_data(cli: Cli) -> None:
    for table in ("silver/books", "gold/authors"):
        folder = cli.folder / "data" / table / "subject=love"
        folder.mkdir(parents=True)
        (folder / ".writing-x").write_bytes(b"half")
    assert json.loads(cli("subjects", "list", "--json").out) == []
    said = cli("subjects", "remove", "love", "--delete-data")
    assert (said.status, said.out) == (0, "love: removed; its 0 files are deleted, its run history stays\n")
    assert not [path for path in (cli.folder / "data").rglob("*") if path.is_file()]
    assert cli("subjects", "remove", "love", "--delete-data").status == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("subjects: [love]\nowner: me\n", "has 'owner', too, which would be lost; change it by hand"),
        ("subjects: [love]\nsubjects: [war]\n", "line 2: 'subjects' is there twice; put what is below both under one"),
    ],
)
def test_what_a_watch_list_has_beside_its_list_is_not_lost(cli: Cli, text: str, said: str) -> None:
    file = cli.folder / "data/subjects.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    done = cli("subjects", "add", "peace")
    assert (done.status, done.out, done.err) == (1, "", f"openlib: {file}: {said}\n")
    assert file.read_text() == text


def test_where_nobody_can_answer_prune_removes_nothing_and_says_what_to_give(cli: Cli) -> None:
    storage = LocalStorage(cli.folder / "data")
    for day in (1, 2, 3):
        storage.write(layout.snapshot_file("love", f"2026010{day}T000000Z"), b"x")
    cli.monkeypatch.setattr(sys, "stdin", io.StringIO())
    said = cli("prune")
    assert said.status == 2
    assert "nobody can answer here; give --yes" in said.err
    assert len(list(storage.paths("bronze"))) == 3
    assert cli("prune", "--yes").status == 0
    assert len(list(storage.paths("bronze"))) == 2


def test_a_mistyped_partition_is_removed_by_its_exact_name(cli: Cli) -> None:
    with open_instance() as instance:
        instance.add_dynamic_partitions(SUBJECTS, ["Science Fiction", "science_fiction", ".."])
    for name in ("Science Fiction", ".."):
        said = cli("subjects", "remove", name, "--delete-data")
        assert (said.status, said.out.partition(":")[0]) == (0, name)
    assert cli.registered() == ["science_fiction"]
    assert "science_fiction: removed" in cli("subjects", "remove", "Science Fiction").out
    assert cli.registered() == []


def test_data_is_not_deleted_while_a_run_is_at_it_and_is_fetched_when_the_subject_comes_again(
    cli_after_run: Cli,
) -> None:
    cli = cli_after_run
    cli("subjects", "add", "love")
    storage = LocalStorage(cli.folder / "data")
    with locked(storage, "love", waits=False):
        said = cli("subjects", "remove", "place:france", "love", "--delete-data")
    assert (said.status, said.out) == (1, "")
    assert said.err == ("openlib: 'love' is being fetched by another run; wait for it to end, then try again\n")
    assert sorted(cli.registered()) == ["love", "place:france"]
    assert "love" in (cli.folder / "data/subjects.yaml").read_text()

    assert cli("subjects", "remove", "love", "--delete-data").status == 0
    assert not [path for path in (cli.folder / "data").rglob("*") if "love" in path.name]
    cli("subjects", "add", "love", "--register")
    (love, _) = json.loads(cli("subjects", "list", "--json").out)
    assert (love["subject"], love["state"]) == ("love", "files missing")
    said = cli.run_alone("love")
    assert said.status == 0
    assert "unchanged" not in said.out
    assert len(cli.sandbox.requests) > 0
    assert (cli.folder / "data/silver/books/subject=love/part-0.parquet").is_file()


def test_the_list_names_what_lies_in_the_storage_without_a_partition_and_partitions_without_files(
    cli_after_run: Cli,
) -> None:
    cli = cli_after_run

    def listed() -> tuple[dict[str, str], str]:
        said = cli("subjects", "list", "--json")
        assert said.status == 0
        return {state["subject"]: state["state"] for state in json.loads(said.out)}, said.err

    with open_instance() as instance:
        instance.delete_dynamic_partition(SUBJECTS, "place:france")
    states, advice = listed()
    assert states == {"love": "fetched", "place:france": "in the storage, not registered"}
    assert advice.startswith("in the storage, not registered: place:france; register and refresh with: openlib run")
    for path in [path for path in (cli.folder / "data").rglob("*") if path.name.endswith("love")]:
        shutil.rmtree(path)
    states, advice = listed()
    assert states["love"] == "files missing"
    assert "\nfiles missing: love; make them again with: openlib run love" in advice
    shutil.rmtree(cli.folder / "home")
    states, advice = listed()
    assert states == {"place:france": "in the storage, not registered"}
    assert len(advice.splitlines()) == 1


def test_without_a_home_folder_a_line_says_what_to_set(cli: Cli) -> None:
    def unknown(user: int) -> None:
        raise KeyError(user)

    cli.monkeypatch.setattr("pwd.getpwuid", unknown)
    cli.monkeypatch.delenv("HOME")
    cli.monkeypatch.delenv("XDG_CACHE_HOME")
    said = cli("run", "love")
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith(
        "openlib: there is no home folder to store the pace of requests in: set HOME, or set XDG_CACHE_HOME"
    )
    assert len(said.err.splitlines()) == 1
    cli.monkeypatch.setenv("OPENLIB_STORAGE", "~/data")
    said = cli("export", "love", "--to", str(cli.folder / "out"))
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("openlib: ~/data: there is no such home folder; ")


def test_a_watch_list_with_an_unusable_entry_is_not_overwritten(cli: Cli) -> None:
    watch_list = cli.folder / "data/subjects.yaml"
    watch_list.parent.mkdir()
    watch_list.write_text("subjects:\n- love\n- '..'\n")
    said = cli("subjects", "add", "hope")
    assert said.status == 1
    assert "entry 2" in said.err
    assert watch_list.read_text() == "subjects:\n- love\n- '..'\n"


def test_registering_makes_a_partition_at_once(cli: Cli) -> None:
    cli("subjects", "add", "hope", "--register")
    assert cli.registered() == ["hope"]


def test_search_finds_keys_and_sizes(cli: Cli) -> None:
    said = cli("subjects", "search", "fra")
    assert said.status == 0
    assert "place:france" in said.out
    assert cli("subjects", "search", "zzz").status == 1


def test_related_names_the_subjects_beside_one_and_the_command_that_adds_each(cli_after_run: Cli) -> None:
    said = cli_after_run("subjects", "related", "Love", "--json", "--limit", "40")
    found = json.loads(said.out)
    assert (said.status, len(found)) == (0, 40)
    assert "love" not in {row["key"] for row in found}
    assert all(0 < row["lift"] <= 45 / 40 for row in found), "no more often than the forty works are among all"
    shown = cli_after_run("subjects", "related", "love", "--limit", "3").out
    assert [row["name"] in shown and f"openlib subjects add {row['key']}" in shown for row in found[:3]] == [True] * 3
    shutil.rmtree(cli_after_run.folder / "data/silver/books/subject=place%3Afrance")
    alone = cli_after_run("subjects", "related", "love")
    assert "chance is not known" in alone.err
    unknown = cli_after_run("subjects", "related", "place:france")
    assert (unknown.status, unknown.out) == (1, "")
    assert unknown.err == "place:france: there is no table of its books yet; make it with: openlib run place:france\n"


def test_export_writes_the_five_files_and_neutralises_formulas_on_request(cli: Cli) -> None:
    cli.sandbox.add_work("love", {"key": "/works/OL1W", "title": '=HYPERLINK("http://x")', "authors": []})
    cli.run_alone("love")
    assert cli("export", "love", "--to", str(cli.folder / "exact")).status == 0
    names = {f"{table.name}.csv" for table in CSV_TABLES}
    assert {path.name for path in (cli.folder / "exact").iterdir()} == names
    assert '\nOL1W,"=HYPERLINK(""http://x"")",' in (cli.folder / "exact/books.csv").read_text()
    cli("export", "love", "--to", str(cli.folder / "safe"), "--excel-safe")
    assert '\nOL1W,"\'=HYPERLINK(""http://x"")",' in (cli.folder / "safe/books.csv").read_text()


def test_export_replaces_no_other_file_unless_it_is_told_to(cli_after_run: Cli) -> None:
    cli, folder = cli_after_run, cli_after_run.folder / "out"
    for _ in range(2):  # the same files are no others
        assert cli("export", "love", "--to", str(folder)).status == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    other = cli("export", "place:france", "--to", str(folder))
    assert (other.status, other.out) == (1, "")
    assert other.err.startswith(
        f"openlib: {folder}/authors.csv: is there with other content, perhaps of another subject;"
    )
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert cli("export", "place:france", "--to", str(folder), "--replace").status == 0
    assert (folder / "books.csv").read_bytes() != before["books.csv"]


def test_export_of_several_subjects_gives_each_a_folder(cli_after_run: Cli) -> None:
    cli, folder = cli_after_run, cli_after_run.folder / "both"
    said = cli("export", "love", "place:france", "--to", str(folder))
    assert said.status == 0
    names = {f"{subject}/{table.name}.csv" for subject in ("love", "place%3Afrance") for table in CSV_TABLES}
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.csv")} == names
    assert set(said.out.splitlines()) == {str(folder / name) for name in names}


def test_orders_prints_and_writes_what_to_order_each_work_once(cli_after_run: Cli) -> None:
    cli = cli_after_run
    printed = cli("orders", "love", "place:france", "Love")
    assert printed.status == 0
    storage = LocalStorage(cli.folder / "data")
    rows: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for table in (ORDER_LIST, STOCKING_LIST):
        for subject in ("love", "place:france"):
            with open_table(storage, layout.table_file(table.layer, table.name, subject), remedy="") as file:
                rows.setdefault(table.name, {})[subject] = file.to_table().to_pylist()
    wanted = reference_orders.orders(rows["order_list"], rows["stocking_list"])
    isbns = [row["isbn13"] for row in wanted if row["isbn13"]]
    assert isbns
    assert re.findall(r"97[89][0-9]{10}", printed.out) == isbns
    store = cli.folder / "store.csv"
    store.write_text("isbn\n9780306406157\n")
    with cli.monkeypatch.context() as patch:
        patch.setenv("OPENLIB_STORE_CATALOGUE", str(store))
        refused = cli("orders", "love", "--to", str(store))
    assert refused.status == 2
    assert "that is the file of what the store sells; give another name" in refused.err
    assert store.read_text() == "isbn\n9780306406157\n"
    for name in ("orders.csv", "ORDERS.XLSX"):
        said = cli("orders", "love", "place:france", "--to", str(cli.folder / "out" / name))
        assert (said.status, said.err) == (0, "")
        assert said.out.splitlines()[-1] == str(cli.folder / "out" / name)
    with (cli.folder / "out/orders.csv").open(encoding="utf-8-sig", newline="") as opened:
        listed = list(csv.DictReader(opened))
    sheet = openpyxl.load_workbook(cli.folder / "out/ORDERS.XLSX")["orders"]
    headings, *lines = ([cell.value for cell in line] for line in sheet.iter_rows())
    written = [dict(zip(headings, line, strict=True)) for line in lines]
    pairs = [(row["work_key"], " | ".join(row["subjects"])) for row in wanted]
    assert [(row["work_key"], row["subjects"]) for row in listed] == pairs
    assert [(row["work_key"], row["subjects"]) for row in written] == pairs


def test_orders_of_what_was_never_fetched_or_into_another_kind_of_file_say_what_to_do(cli: Cli) -> None:
    said = cli("orders", "love")
    assert (said.status, said.out) == (1, "")
    assert said.err.endswith("there is no such table yet; make it with: openlib run love\n")
    said = cli("orders", "love", "--to", "orders.pdf")
    assert said.status == 2
    assert "--to orders.pdf: the name must end in .csv or .xlsx" in said.err


@pytest.mark.parametrize("scheme", ["s3", "gs"])
@pytest.mark.parametrize("command", [["export", "love"], ["orders", "love"], ["subjects", "digest"]])
def test_what_is_written_here_is_not_sent_elsewhere(command: list[str], scheme: str, cli: Cli) -> None:
    said = cli(*command, "--to", f"{scheme}://bucket/prefix/file.csv")
    assert said.status == 2
    assert f"{scheme}://bucket/prefix/file.csv is not on this machine; name a file or folder here" in said.err
    assert not Path(f"{scheme}:").exists()


@pytest.mark.parametrize("unset", ["s3://", "s3:///", "", " "])
def test_no_root_is_copied_to_or_from_where_a_variable_was_not_set(unset: str, cli: Cli) -> None:
    for options in (["--from", "data", "--to", unset], ["--from", unset, "--to", "data"]):
        said = cli("storage", "copy", *options)
        assert said.status == 2
        assert f"{unset!r} names no place; give a folder or s3://bucket/prefix" in said.err
    assert not Path("s3:").exists()


@pytest.mark.parametrize("reader", ["a full disk", "nobody any more"])
def test_a_run_goes_on_where_its_progress_cannot_be_written(reader: str, cli: Cli) -> None:
    if reader == "a full disk":
        broken = os.open("/dev/full", os.O_WRONLY)
    else:
        gone, broken = os.pipe()
        os.close(gone)
    stream = os.fdopen(broken, "w", buffering=1)
    with cli.monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        said = cli.run_alone("love")
    with suppress(OSError):
        stream.close()
    assert (said.status, "love" in said.out) == (0, True)


def test_output_that_cannot_be_written_is_a_line(cli: Cli) -> None:
    stream = os.fdopen(os.open("/dev/full", os.O_WRONLY), "w")
    with cli.monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        said = cli("sql", "SELECT * FROM range(10000)")
    with suppress(OSError):
        stream.close()
    assert said.status == 1
    assert said.err == "openlib: the output cannot be written: [Errno 28] No space left on device\n"


@pytest.mark.usefixtures("cli")
def test_a_command_works_where_its_outputs_are_closed() -> None:
    program = "from openlib_assets.cli.main import main; main()"
    command = ["sh", "-c", '"$@" >&- 2>&-', "sh", sys.executable, "-c", program, "subjects", "list"]
    assert subprocess.run(command, check=False).returncode == 0


@pytest.mark.parametrize(
    "command", [["demo", "--to"], ["orders", "love", "--to"], ["export", "--table", "works", "--to"]], ids=" ".join
)
def test_a_place_that_cannot_be_written_is_a_line(command: list[str], cli_after_run: Cli) -> None:
    place = "/proc/none" if command[0] == "demo" else "/proc/none/works.xlsx"
    said = cli_after_run(*command, place)
    assert said.status == 1
    assert "/proc/none" in said.err
    assert len(said.err.splitlines()) == 1


def test_a_damaged_database_of_the_instance_is_a_line(cli: Cli) -> None:
    assert cli("subjects", "list").status == 0
    home = Path(os.environ["DAGSTER_HOME"])
    (home / "history/runs/index.db").write_bytes(b"no database" * 1000)
    said = cli("run", "love")
    assert said.status == 1
    assert said.err == (
        f"openlib: the database of the Dagster instance in DAGSTER_HOME={home} failed: file is not a database; "
        "mend that, and run it again\n"
    )


def test_export_of_what_was_never_fetched_says_what_to_run(cli: Cli) -> None:
    said = cli("export", "love", "--to", str(cli.folder / "out"))
    assert said.status == 1
    assert "openlib run love" in said.err
    assert len(said.err.splitlines()) == 1


def test_sql_sees_every_subject(cli_after_run: Cli) -> None:
    cli = cli_after_run
    said = cli("sql", "SELECT subject, works FROM subject_summary ORDER BY works", "--format", "csv")
    assert said.out == "subject,works\nplace:france,5\nlove,40\n"
    shown = cli("sql", "SHOW ALL TABLES", "--format", "csv").out.splitlines()
    named = [",".join(line.split(",")[1:3]) for line in shown]
    assert {"by_subject,books", "main,works", "main,works_merged", "main,catalogue_works"} <= set(named)
    said = cli("sql", "SELECT * FROM workz")
    assert said.status == 2
    assert said.err.splitlines()[-1].endswith(
        "Table with name workz does not exist!; did you mean works? openlib sql 'SHOW ALL TABLES' lists all"
    )
    query = cli.folder / "query.sql"
    query.write_text("SELECT count(*) AS books FROM books")
    assert cli("sql", "--file", str(query), "--format", "csv").out == "books\n45\n"
    query.write_bytes("SELECT 'ä'".encode("cp1252"))
    said = cli("sql", "--file", str(query))
    assert said.status == 2
    assert f"{query}: 'utf-8' codec can't decode" in said.err


def test_sql_shows_a_year_as_a_year_and_writes_csv_by_the_rules_of_the_files(cli: Cli) -> None:
    values = "SELECT 1722 AS year, true AS scanned, ['Fiction', 'Love'] AS subjects, NULL AS none, '' AS empty"
    shown = cli("sql", values).out.splitlines()
    assert [line.split() for line in shown if "1722" in line] == [["1722", "true", "Fiction", "|", "Love"]]
    assert cli("sql", values, "--format", "csv").out == (
        'year,scanned,subjects,none,empty\n1722,true,Fiction | Love,,""\n'
    )


def test_sql_runs_one_query_also_one_that_duckdb_splits_or_that_writes_a_file(cli: Cli) -> None:
    for query, problem in {
        "SELECT 1; SELECT 2": "these are 2 queries; give one",
        "DROP VIEW works": "DROP would keep nothing",
    }.items():
        said = cli("sql", query).err.splitlines()[-1]
        assert said == f"Error: {problem}: a SELECT, or COPY (SELECT ...) TO 'FILE' to write a file"
    pivot = "PIVOT (SELECT 'a' AS name, 2 AS value) ON name USING sum(value)"
    assert cli("sql", pivot, "--format", "csv").out == "a\n2\n"
    file = cli.folder / "written.csv"
    assert cli("sql", f"COPY ({pivot}) TO '{file}'").status == 0
    assert file.read_text() == "a\n2\n"


def test_sql_leaves_a_table_of_an_older_schema_out_and_names_it(cli_after_run: Cli) -> None:
    cli = cli_after_run
    file = cli.folder / "data/silver/books/subject=love/part-0.parquet"
    pq.write_table(pa.table({"was": [1]}), file)
    said = cli("sql", "SELECT subject, count(*) AS books FROM books GROUP BY 1", "--format", "csv")
    assert (said.status, said.out) == (0, "subject,books\nplace:france,5\n")
    (line,) = said.err.splitlines()
    assert line.startswith(f"{file}: written with schema version none, this release reads ")
    assert line.endswith("left out: make it with: openlib run love")
    # So are they told by the run that makes the catalog and the comparison without them.
    assert line in cli("run", "place:france", "--force").err.splitlines()


def test_sql_works_before_anything_was_fetched(cli: Cli) -> None:
    assert cli("sql", "SELECT count(*) AS n FROM books", "--format", "csv").out == "n\n0\n"


@pytest.mark.parametrize(
    "query", ["SELECT strptime('soon', '%Y')", "FROM 'missing.csv'", "SELECT regexp_matches(title, '(') FROM books"]
)
def test_what_only_a_query_is_at_fault_for_is_wrong_use(cli_after_run: Cli, query: str) -> None:
    said = cli_after_run("sql", query)
    assert said.status == 2


def test_a_damaged_page_of_a_table_is_no_fault_of_the_query(cli_after_run: Cli) -> None:
    cli = cli_after_run
    file = cli.folder / "data/silver/books/subject=love/part-0.parquet"
    content = bytearray(file.read_bytes())
    content[4:40] = b"\xff" * 36
    file.write_bytes(content)
    said = cli("sql", "SELECT max(COLUMNS(*)) FROM by_subject.books")
    assert said.status == 1, said.err
    (line,) = said.err.splitlines()
    assert str(cli.folder / "data") in line
    assert "openlib run" in line


def test_prune_says_first_and_keeps_the_newest(cli_after_run: Cli) -> None:
    cli = cli_after_run
    cli("run", *SIZES, "--force")
    snapshots = cli.folder / "data/bronze/raw_works/subject=love"
    old, new = sorted(path.name for path in snapshots.iterdir())
    cli.monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    declined = cli("prune", "--keep", "1")
    assert old in declined.out
    assert new not in declined.out
    assert len(list(snapshots.iterdir())) == 2
    assert cli("prune", "--keep", "1", "--yes").status == 0
    assert [path.name for path in snapshots.iterdir()] == [new]
    assert len(list((cli.folder / "data/bronze/raw_details/subject=love").iterdir())) == 1
    with open_instance() as instance:
        # The last run of the subject, and the last one across subjects.
        assert sorted(run.job_name for run in instance.get_runs()) == ["across_subjects", "all_assets"]
        assert instance.get_materialized_partitions(dg.AssetKey("books")) == set(SIZES)


def test_doctor_finds_all_well_or_says_what_is_wrong(cli: Cli) -> None:
    # A subject of the sandbox's stands in for the one that doctor asks for.
    said = cli("doctor")
    assert said.status == 0
    assert said.out.count("ok ") == 14
    assert "there is no watch list yet" in said.out
    assert (
        "monthly_refresh is off, subjects are not refreshed by it; turn it on with OPENLIB_MONTHLY_REFRESH=on"
        in said.out
    )
    assert "store catalogue: not set" in said.out
    assert "dumps: none is built; build the newest with: openlib dump build" in said.out
    cli.monkeypatch.setenv("OPENLIB_MONTHLY_REFRESH", "on")
    cli.monkeypatch.setenv("OPENLIB_STORE_CATALOGUE", __file__)
    said = cli("doctor")
    assert "monthly_refresh is on" in said.out
    assert f"WRONG  store catalogue: {__file__}: no row of the first 20 names an ISBN or a title as columns" in said.out
    cli.monkeypatch.delenv("OPENLIB_STORE_CATALOGUE")
    cli.monkeypatch.setenv("OPENLIB_API_URL", "http://127.0.0.1:9")
    said = cli("doctor")
    assert said.status == 1
    (line,) = [line for line in said.out.splitlines() if line.startswith("WRONG")]
    assert "connection refused" in line
    cli.monkeypatch.delenv("OPENLIB_API_URL")
    said = cli("doctor")
    assert said.status == 1
    (line,) = [line for line in said.out.splitlines() if line.startswith("WRONG")]
    assert line.startswith("WRONG  contact: OPENLIB_CONTACT is not set")
    assert "-      API: not asked without a contact" in said.out


def test_doctor_finds_misspelt_settings_and_a_watch_list_that_cannot_be_used(cli: Cli, tmp_path: Path) -> None:
    def wrong(name: str, value: str) -> list[str]:
        with cli.monkeypatch.context() as patch:
            patch.setenv(name, value)
            said = cli("doctor")
        lines = [line for line in said.out.splitlines() if line.startswith("WRONG")]
        assert said.status == bool(lines)
        return lines

    listed = tmp_path / "listed.yaml"
    listed.write_text("subjects: [love, subject:sea, '..']")
    broken = tmp_path / "broken.yaml"
    broken.write_text("subjects: [love")
    assert wrong("OPENLIB_STORGE", "x") == [
        "WRONG  settings: OPENLIB_STORGE is no setting: did you mean OPENLIB_STORAGE?"
    ]
    assert wrong("OPENLIB_CODE_PORT", "4000") == []
    assert wrong("OPENLIB_SUBJECTS", str(tmp_path)) == [
        f"WRONG  watch list: {tmp_path}: a folder; name a file with OPENLIB_SUBJECTS"
    ]
    (line,) = wrong("OPENLIB_SUBJECTS", str(broken))
    assert "not valid YAML" in line
    (line,) = wrong("OPENLIB_SUBJECTS", str(listed))
    assert "did you mean 'sea'?" in line
    assert "'..' is not a subject" in line


def test_doctor_asks_for_no_contact_where_works_come_from_a_dump(cli: Cli) -> None:
    cli.monkeypatch.delenv("OPENLIB_API_URL")
    cli.monkeypatch.setenv("OPENLIB_SOURCE", "dump")
    said = cli("doctor")
    assert "ok     contact: not set, and not needed as long as works come from a dump (OPENLIB_SOURCE=dump)" in said.out
    assert "-      API: not asked without a contact" in said.out


def test_doctor_knows_whether_dagster_was_told_to_start_or_stop_the_schedule(cli: Cli) -> None:
    place = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("openlib_assets"), "__repository__")
    origin = RemoteInstigatorOrigin(place, "monthly_refresh")
    timed = ScheduleInstigatorData("0 3 1 * *", start_timestamp=0.0)
    stopped = InstigatorState(origin, InstigatorType.SCHEDULE, InstigatorStatus.STOPPED, timed)
    cli.monkeypatch.setenv("OPENLIB_MONTHLY_REFRESH", "on")
    with open_instance() as instance:
        instance.add_instigator_state(stopped)
    off = "monthly_refresh is off, subjects are not refreshed by it; it was turned off in Dagster; turn it on there, or"
    assert f"{off} with: dagster schedule start monthly_refresh" in cli("doctor").out
    cli.monkeypatch.delenv("OPENLIB_MONTHLY_REFRESH")
    with open_instance() as instance:
        instance.update_instigator_state(stopped.with_status(InstigatorStatus.RUNNING))
    assert "monthly_refresh is on" in cli("doctor").out


def test_help_needs_nothing_slow() -> None:
    code = "import sys, openlib_assets.cli.main as m; print([n for n in sys.modules if n.split('.')[0] in %r])"
    slow = ("dagster", "pandas", "pyarrow", "duckdb", "boto3", "rich", "sqlalchemy", "pydantic", "filelock")
    done = subprocess.run([sys.executable, "-c", code % (slow,)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_run_never_loads_pandas_nor_looks_for_garbage_at_its_end(cli: Cli) -> None:
    code = (
        "import atexit, gc, sys; from openlib_assets.cli import main\n"
        "def tell(): print('pandas' in sys.modules, gc.get_freeze_count() > 100_000, file=sys.stderr)\n"
        "atexit.register(tell); main()"
    )
    done = subprocess.run([sys.executable, "-c", code, "run", "love"], capture_output=True, text=True, check=True)
    assert "1 of 1 subjects are complete." in done.stdout
    assert done.stderr.splitlines()[-1] == "False True"


def test_the_demo_works_offline_and_says_where_everything_is(cli: Cli) -> None:
    cli.monkeypatch.setenv("OPENLIB_SUBJECTS", "")
    said = cli("demo", "--to", str(cli.folder / "demo"))
    assert said.status == 0
    assert "3 of 3 subjects are complete." in said.out
    for place in ("demo/data/silver", "demo/data/exports", "demo/store_catalogue.csv", "http://127.0.0.1:3000"):
        assert place in said.out
    (first,) = [line.split()[2] for line in said.out.splitlines() if line.startswith("Open first:")]
    report = Path(first).read_text(encoding="utf-8")
    assert re.search(r"<li>The store sells \d+ of the 2,500 works", report)
    assert re.search(r"200 works to stock that the store does not sell, .* \d+ of them there is an\s+edition", report)
    assert not cli.sandbox.requests
