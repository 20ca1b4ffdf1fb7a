"""Whole tables over the subjects of a run, as people's own assets take and return them: Arrow, or pandas."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from openlib_assets.defs.steps.outputs import Done, SubjectOutput, SubjectOutputs
from openlib_assets.defs.ui_metadata import table_markdown, table_metadata
from openlib_assets.lake import layout
from openlib_assets.lake.table_files import TableFile, write_table
from openlib_assets.storage import Storage
from openlib_assets.storage.errors import OpenlibError

if TYPE_CHECKING:
    import pandas as pd

_PREVIEW_ROWS = 5


class UnusableOutputError(OpenlibError):
    """An asset returned something that cannot be divided by subject."""


def concatenated(subjects: Sequence[str], open_table: Callable[[str], AbstractContextManager[TableFile]]) -> pa.Table:
    """Return the tables of subjects as one, `subject` first."""
    parts = []
    for subject in subjects:
        with open_table(subject) as dataset:
            rows = dataset.to_table()
        column = pa.repeat(pa.scalar(subject, pa.string()), rows.num_rows)
        parts.append(rows.add_column(0, "subject", column).replace_schema_metadata())
    return pa.concat_tables(parts)


def to_pandas(table: pa.Table) -> "pd.DataFrame":
    """Return a table as a data frame whose columns keep their types where values are missing."""
    import pandas as pd  # noqa: PLC0415 - slow, and only for those who ask for it

    types = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype(), pa.string(): pd.StringDtype()}
    frame: pd.DataFrame = table.to_pandas(types_mapper=types.get)
    return frame


def as_outputs(
    obj: "pa.Table | pd.DataFrame", storage: Storage, layer: str, name: str, subjects: Sequence[str]
) -> SubjectOutputs:
    """Return a table over subjects as the output of each; raises UnusableOutputError where it cannot be filed."""
    table = _arrow(obj, name)
    names = table["subject"].cast(pa.string())  # a column without rows may be of any type
    strange = set(pc.unique(names).to_pylist()) - set(subjects)
    if strange:
        raise UnusableOutputError(
            f"{name}: contains rows of subjects that are not in the run: {sorted(map(str, strange))[:3]}"
        )

    @contextmanager
    def make(subject: str) -> Iterator[SubjectOutput]:
        rows = table.filter(pc.equal(names, subject)).drop_columns("subject")
        path = layout.table_file(layer, name, subject)

        def done(digests: Mapping[str, str]) -> Done:
            preview = table_markdown(rows.slice(0, _PREVIEW_ROWS))
            return Done(table_metadata(rows.num_rows, preview, storage.uri(path)), digests[path])

        yield SubjectOutput({path: partial(_write, subject, rows)}, done)

    return SubjectOutputs(make)


def _write(subject: str, rows: pa.Table, file: Path) -> None:
    write_table(file, rows.to_batches(), rows.schema, subject=subject)


def _arrow(obj: object, name: str) -> pa.Table:
    table = obj
    if not isinstance(obj, pa.Table) and type(obj).__name__ == "DataFrame":
        table = pa.Table.from_pandas(obj, preserve_index=False).replace_schema_metadata()
    if not isinstance(table, pa.Table) or "subject" not in table.column_names:
        raise UnusableOutputError(f"{name}: return a pyarrow.Table or pandas.DataFrame with a column 'subject'")
    return table
