"""Files of several parts: whole or not at all, whatever happens on the way."""

import hashlib
import itertools
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from openlib_assets.storage import StorageError
from openlib_assets.storage.s3 import S3Storage
from openlib_assets_tests.conftest import Place, environment
from openlib_assets_tests.tools.ceph import Ceph
from openlib_assets_tests.tools.deployment import environment as process_environment
from openlib_assets_tests.tools.deployment import running
from openlib_assets_tests.tools.disks import Fault, TroubledS3
from openlib_assets_tests.tools.forked import wait_until

pytestmark = pytest.mark.s3_server

SIZE = (40 << 20) + 1
PATH = "bronze/large.parquet"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of several parts, no two of them alike."""
    file = tmp_path_factory.mktemp("large") / "file"
    file.write_bytes(hashlib.shake_128(b"large").digest(SIZE))
    return file


@contextmanager
def before(place: Place) -> Iterator[tuple[TroubledS3, Place]]:
    """Stand before the server; give the same place by that way."""
    with TroubledS3(place.variables["AWS_ENDPOINT_URL"]) as s3:
        yield s3, Place(place.root, {**place.variables, "AWS_ENDPOINT_URL": s3.url})


def parts(ceph: Ceph, place: Place) -> int:
    """Count the parts that the server keeps for uploads that have not ended."""
    bucket, client = place.root.split("/")[2], ceph.client()
    uploads = client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return sum(
        len(client.list_parts(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]).get("Parts", []))
        for upload in uploads
    )


def upload(place: Place, file: Path) -> None:
    with place.open().writing(PATH) as target:
        target.write_bytes(file.read_bytes())


def test_a_file_of_several_parts_arrives_whole_and_stays_as_it_is_when_written_again(
    ceph: Ceph, place: Place, large: Path
) -> None:
    requests: list[str] = []
    with before(place) as (s3, by_proxy):
        s3.trouble = lambda _number, method, path: requests.append(f"{method} {path}")
        upload(by_proxy, large)
        assert sum(request.startswith("PUT ") and "partNumber=" in request for request in requests) >= 3
        first = place.states()
        assert list(first) == [PATH]
        requests.clear()
        upload(by_proxy, large)
        assert {request.partition(" ")[0] for request in requests} == {"HEAD"}
    assert place.states() == first
    storage = place.open()
    wanted = hashlib.sha256(large.read_bytes()).hexdigest()
    assert hashlib.sha256(storage.read(PATH)).hexdigest() == wanted
    with storage.local_copy(PATH) as file:
        assert hashlib.sha256(file.read_bytes()).hexdigest() == wanted
    assert parts(ceph, place) == 0


def impatient(place: Place) -> S3Storage:
    """Open a storage that asks for nothing twice."""
    bucket, _, prefix = place.root.removeprefix("s3://").partition("/")
    with environment(place.variables):
        return S3Storage(boto3.client("s3", config=Config(retries={"total_max_attempts": 1})), bucket, prefix)


@pytest.mark.parametrize("old", [b"", b"old"])
@pytest.mark.parametrize("fault", [500, 503, "reset"])
def test_an_upload_that_fails_half_way_leaves_what_was_there_and_no_parts(
    fault: Fault, old: bytes, ceph: Ceph, place: Place, large: Path
) -> None:
    if old:
        place.open().write(PATH, old)
    states = place.states()
    with before(place) as (s3, by_proxy):
        s3.trouble = lambda _number, method, path: fault if method == "PUT" and "partNumber=2" in path else None
        storage = impatient(by_proxy)
        with pytest.raises(StorageError) as caught, storage.writing(PATH) as target:
            target.write_bytes(large.read_bytes())
        assert s3.faults == 1
    assert str(caught.value).startswith(f"{place.root}/{PATH}: ")
    assert len(str(caught.value).splitlines()) == 1
    assert place.states() == states
    assert parts(ceph, place) == 0


UPLOAD = """
import sys
from pathlib import Path
from openlib_assets.storage import open_storage
with open_storage(sys.argv[1]).writing(sys.argv[2]) as file:
    file.write_bytes(Path(sys.argv[3]).read_bytes())
"""


def test_an_upload_that_is_killed_leaves_no_file_and_the_next_one_is_whole(
    ceph: Ceph, place: Place, large: Path, tmp_path: Path
) -> None:
    arrived, go_on = itertools.count(1), threading.Event()

    def hold_the_third_part(_number: int, method: str, path: str) -> Fault | None:
        if method == "PUT" and "partNumber=" in path and next(arrived) == 3:
            go_on.wait(60)
        return None

    command = [sys.executable, "-c", UPLOAD, place.root, PATH, str(large)]
    with before(place) as (s3, by_proxy):
        s3.trouble = hold_the_third_part
        variables = process_environment(tmp_path, "http://127.0.0.1:9", **by_proxy.variables)
        with running(command, variables, tmp_path / "log") as process:
            wait_until(lambda: parts(ceph, place) == 2 or process.poll() is not None, "two parts are there")
            process.kill()
            assert process.wait() == -signal.SIGKILL
        go_on.set()
    assert place.states() == {}
    assert not place.open().exists(PATH)
    # What docs/operations.md wants a lifecycle rule for.
    assert parts(ceph, place) >= 2
    upload(place, large)
    assert place.open().read(PATH) == large.read_bytes()
