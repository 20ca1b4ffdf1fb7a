"""Copies of what a pipeline has made on disk, so that many tests begin with one run."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from openlib_assets_tests.conftest import Pipeline, Place
from openlib_assets_tests.tools.instances import temporary_instance


@contextmanager
def copy_of(made: Pipeline, api_url: str) -> Iterator[Pipeline]:
    """Lend a copy of a pipeline's files and of its instance, to be changed, on another Open Library.

    What is recorded still names the files' old places, which nothing but the UI looks at.
    """
    with (
        TemporaryDirectory(prefix="openlib-copy-") as folder,
        temporary_instance(Path(made.instance.root_directory)) as instance,
    ):
        place = Place(str(Path(folder) / "root"), {})
        shutil.copytree(made.place.root, place.root)
        yield Pipeline(place, instance, api_url)
