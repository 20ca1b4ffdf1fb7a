"""Who lost the lock of a dump, as a process does that stood still for long, makes nothing of it any more."""

import hashlib
from pathlib import Path

import pytest

from openlib_assets.lake import layout
from openlib_assets.lake.contract import Layer
from openlib_assets.lake.dumps.lakes import building, complete_lakes, publish_lake
from openlib_assets.lake.dumps.made import read_made
from openlib_assets.lake.dumps.steps import FILES
from openlib_assets.storage import LockLostError, s3_lease
from openlib_assets_tests.conftest import PlaceMaker, environment
from openlib_assets_tests.tools.dump_lakes import build_lake
from openlib_assets_tests.tools.dump_lines import DATE, work, write_dump


def test_on_s3_a_table_is_neither_removed_nor_recorded_and_the_dump_is_not_published(
    new_place: PlaceMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_lease, "_SURE_SECONDS", -1.0)
    place = new_place("s3")
    storage, dumps = place.open(), write_dump(tmp_path, DATE, {"works": [work("OL1W")]})
    with environment(place.variables):
        build_lake(storage, dumps, DATE)
    storage.delete(layout.dump_lake(DATE))
    ratings = FILES[0]
    made = read_made(storage, Layer.BRONZE, ratings.table, DATE)
    with building(storage, DATE) as build:
        storage.write(layout.dump_lock(DATE), b"of somebody else")
        path = dumps / f"ol_dump_{ratings.name}_{DATE}.txt.gz"
        with pytest.raises(LockLostError, match="another run took this lock"):
            build.read(ratings, path, hashlib.sha256(b"of other content").hexdigest())
        with pytest.raises(LockLostError, match="another run took this lock"):
            publish_lake(build)
    assert read_made(storage, Layer.BRONZE, ratings.table, DATE) == made
    assert complete_lakes(storage) == []
