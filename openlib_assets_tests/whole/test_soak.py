"""The soak, for a short time and from a fixed seed; `python -m openlib_assets_tests.whole.soak` does it for longer."""

from pathlib import Path

import pytest

from openlib_assets_tests.conftest import PlaceMaker
from openlib_assets_tests.whole.soak import soak


@pytest.mark.parametrize(("kind", "seed"), [("local", 1), ("s3", 2)])
def test_whatever_goes_wrong_what_is_said_to_be_complete_is_exact(
    kind: str, seed: int, new_place: PlaceMaker, tmp_path: Path
) -> None:
    told = soak(new_place(kind), tmp_path / "commands", seed=seed, seconds=5, say=print)
    assert told.rounds >= 3
    assert told.troubled
    assert told.killed
    assert told.complete
    assert told.exact
    assert told.red
