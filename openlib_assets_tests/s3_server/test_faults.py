"""A real S3 server that fails: a run ends exact all the same, or red with a line and the old tables in place."""

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from openlib_assets_tests.conftest import Place
from openlib_assets_tests.tools.disks import Fault, TroubledS3
from openlib_assets_tests.tools.exactness import assert_exact, assert_nothing_left
from openlib_assets_tests.tools.forked import Tampering
from openlib_assets_tests.tools.instances import temporary_instance
from openlib_assets_tests.tools.trials import SUBJECT, asked, data, reason, trial

pytestmark = pytest.mark.s3_server

SMALL = {SUBJECT: 61}
FAULTS: tuple[Fault, ...] = (500, 503, "reset", "cut", -500, -503)


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """What Pipeline wants; the commands have instances of their own."""
    with temporary_instance() as instance:
        yield instance


def test_now_and_then_is_overcome_and_on_and_on_is_a_line_that_leaves_the_old_tables(
    place: Place, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    befallen: Counter[Fault] = Counter()
    faults = itertools.cycle(FAULTS)

    def now_and_then(number: int, _method: str, _path: str) -> Fault | None:
        if number % 11 != 4:
            return None
        fault = next(faults)
        befallen[fault] += 1
        return fault

    def resets_bronze(_number: int, method: str, path: str) -> Fault | None:
        return "reset" if method == "PUT" and "/bronze/" in path else None

    def slows_books_down(_number: int, method: str, path: str) -> Fault | None:
        return 503 if method == "PUT" and "/silver/books/" in path else None

    with TroubledS3(place.variables["AWS_ENDPOINT_URL"]) as s3, trial(place, instance, tmp_path, SMALL) as here:
        s3.trouble = now_and_then
        done = here.it.run("run", SUBJECT, AWS_ENDPOINT_URL=s3.url)
        assert done.status() == 0, done.output
        assert set(befallen) == set(FAULTS)
        assert_exact(here.pipeline, here.sandbox, SUBJECT)
        assert len(asked(here.sandbox.requests)) == len(set(asked(here.sandbox.requests)))
        assert_nothing_left(place)

        here.sandbox.change_work(SUBJECT, next(here.sandbox.works(SUBJECT))["key"], title="Another title")
        before = data(place)
        briefly = Tampering(s3_attempts=2)
        for trouble, said, new in ((resets_bronze, "Connection", 0), (slows_books_down, "SlowDown", 1)):
            s3.trouble = trouble
            line = reason(here.it.run("run", SUBJECT, AWS_ENDPOINT_URL=s3.url, tampering=briefly))
            assert place.root in line
            assert said in line
            after = data(place)
            assert [path.partition("/")[0] for path in set(after) - set(before)] == ["bronze"] * new
            made_of_books = ("silver/books/", "silver/possible", "gold/", "exports/", "reports/love/")
            kept = {path: state for path, state in before.items() if not new or path.startswith(made_of_books)}
            assert kept.items() <= after.items()
        here.again(snapshots=2)


def test_an_answer_that_ends_in_the_middle_is_asked_for_again_wherever_bytes_are_read(
    place: Place, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Every object's first answer is cut; the second is whole."""
    seen: set[str] = set()

    def cut_the_first(_number: int, method: str, path: str) -> Fault | None:
        if method != "GET" or "?" in path or path in seen:
            return None
        seen.add(path)
        return "cut"

    with TroubledS3(place.variables["AWS_ENDPOINT_URL"]) as s3, trial(place, instance, tmp_path, SMALL) as here:
        s3.trouble = cut_the_first
        done = here.it.run("run", SUBJECT, AWS_ENDPOINT_URL=s3.url)
        assert done.status() == 0, done.output
        assert len(seen) > 10
        assert_exact(here.pipeline, here.sandbox, SUBJECT)
        assert_nothing_left(place)
