"""The first rows of a table, as its batches go by."""

import pyarrow as pa

from openlib_assets.lake.preview import Preview

SCHEMA = pa.schema([("number", pa.int64()), ("text", pa.string())])


def batch(*numbers: int) -> pa.RecordBatch:
    return pa.record_batch([pa.array(numbers, pa.int64()), pa.array([f"n{number}" for number in numbers])], SCHEMA)


def test_the_first_rows_are_kept_and_every_batch_is_passed_on() -> None:
    preview, batches = Preview(), [batch(), batch(*range(9)), batch(10)]
    assert list(preview.noticed(batches)) == batches
    assert preview.rows() == [(number, f"n{number}") for number in range(5)]
    assert preview.rows(["text"]) == [(f"n{number}",) for number in range(5)]


def test_without_rows_there_are_none() -> None:
    preview = Preview()
    assert preview.rows() == []
    assert list(preview.noticed([batch()])) == [batch()]
    assert preview.rows(["text"]) == []
