"""Lines of dumps that a reader has to reject are of every kind, and the truth about them is told."""

from pathlib import Path

from openlib_assets.sandbox import BadLine, Sandbox
from openlib_assets_tests.sandbox.dumped import DAY, FILES, assert_tells, indexed, lines
from openlib_assets_tests.sandbox.rejects import rejected, whole

REASONS = {
    *((file, reason) for file in FILES for reason in ("not UTF-8",)),
    *((file, "not five columns") for file in ("works", "editions", "authors", "redirects")),
    *((file, "not a JSON object") for file in ("works", "editions", "authors", "redirects")),
    *((f"{kind}s", f"type is not /type/{kind}") for kind in ("work", "edition", "author", "redirect")),
    *(("works", "not the key of a work"), ("editions", "not the key of an edition")),
    ("authors", "not the key of an author"),
    *(
        (file, reason)
        for file in ("ratings", "reading-log")
        for reason in ("not four columns", "not the key of a work")
    ),
    *(("ratings", "not a rating from 1 to 5"), ("reading-log", "not a shelf")),
    *((file, "not a date") for file in ("ratings", "reading-log")),
}


def test_bad_lines_are_of_every_kind_and_change_nothing(settled: Sandbox, dump: Path, tmp_path: Path) -> None:
    bad = settled.write_dumps(tmp_path, DAY, mess=0.01)

    assert {(it.file, it.reason) for it in bad} == REASONS
    assert {(it.file, it.line): it.reason for it in bad} == rejected(tmp_path)
    for file in FILES:
        numbers = [it.line for it in bad if it.file == file]
        assert numbers == sorted(numbers)
        assert len(numbers) >= 0.01 * len(list(lines(dump, file)))
        assert sorted(lines(tmp_path, file, numbers)) == sorted(lines(dump, file))
        assert not whole(tmp_path, file).endswith(b"\n")
    assert text_of(tmp_path, bad[0]) == bad[0].text
    assert_tells(settled, indexed(tmp_path, [(it.file, it.line) for it in bad]), ["science_fiction"])


def text_of(folder: Path, bad: BadLine) -> str:
    return whole(folder, bad.file).split(b"\n")[bad.line - 1].decode("utf-8", "replace")
