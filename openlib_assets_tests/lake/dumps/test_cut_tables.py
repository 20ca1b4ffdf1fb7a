"""Tables cut into slices, bands and small row groups are those of a build that cuts nothing."""

from datetime import date
from pathlib import Path

import pytest

from openlib_assets.lake.dumps.building import Build
from openlib_assets.lake.dumps.lines import DumpFileError, LineReader
from openlib_assets.lake.dumps.made import read_made
from openlib_assets.lake.dumps.ranges import Sizes
from openlib_assets.lake.dumps.steps import FILES, STEPS, layer_of
from openlib_assets.openlibrary.dumps import file_name
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.tools.dump_lakes import assert_same_tables, catalogue_tables, dump_table
from openlib_assets_tests.tools.dump_lines import write_dump

DAY = date(2026, 8, 31)
DATE = str(DAY)


def build(root: Path, files: Path, sizes: Sizes) -> LocalStorage:
    storage = LocalStorage(root)
    making = Build(storage, DATE, sizes=sizes)
    for file in FILES:
        making.read(file, files / file_name(file.name, DAY), "")
    for step in STEPS:
        making.make(step)
    return storage


def test_however_tables_are_cut_they_have_the_same_rows(tmp_path: Path) -> None:
    with Sandbox(SandboxConfig({"tea": 400, "place:france": 90, "coffee": 30}, settled=True)) as sandbox:
        sandbox.write_dumps(tmp_path / "files", DAY, mess=0.01)
    whole = build(tmp_path / "whole", tmp_path / "files", Sizes())
    cut = build(tmp_path / "cut", tmp_path / "files", Sizes(in_slice=3000, in_band=700, to_look_up=2048, to_scan=2048))
    assert_same_tables(catalogue_tables(cut, DATE), catalogue_tables(whole, DATE))
    works, parts = "catalogue_subject_works", {}
    for storage in (whole, cut):
        made = read_made(storage, layer_of(works), works, DATE)
        assert made
        parts[storage] = made
    assert dump_table(cut, works, DATE) == dump_table(whole, works, DATE)
    assert len(parts[whole].parts) == 1
    assert len(parts[cut].parts) > 1
    assert parts[cut].firsts == ["", *sorted(parts[cut].firsts[1:])]


def test_a_file_of_lines_that_cannot_be_cut_is_not_held_in_memory(tmp_path: Path) -> None:
    folder = write_dump(tmp_path, DATE, {"works": ["no work"] * 200_001})
    reader = LineReader(folder / file_name("works", DAY), ("type", "key", "", "", "record"))
    with pytest.raises(DumpFileError, match=r"200,001 of 200,001 lines are not five columns; this is"):
        list(reader.batches())


def test_a_stream_that_is_broken_within_is_told_with_its_file(tmp_path: Path) -> None:
    lines = [f"/type/work\t/works/OL{number}W\t1\t2026\t{{}}" for number in range(400_000)]
    file = write_dump(tmp_path, DATE, {"works": lines}) / file_name("works", DAY)
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 512] = bytes(512)
    file.write_bytes(content)
    reader = LineReader(file, ("type", "key", "", "", "record"))
    with pytest.raises(DumpFileError, match=rf"{file}: damaged after line .*; remove it, and fetch it again") as told:
        list(reader.batches())
    assert type(told.value.__cause__).__name__ == "IsalError"
