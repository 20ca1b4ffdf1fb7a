"""One S3 server for all tests of this folder; `new_place` and its kin give roots on it instead of on disk and moto."""

import uuid

import boto3
import pytest

from openlib_assets_tests.conftest import Place, PlaceMaker, environment
from openlib_assets_tests.tools.ceph import Ceph


class ServerPlace(Place):
    """A storage root on a server in other processes."""

    def states(self) -> dict[str, str]:
        """Tell of each object by its time: this server lists it to the thousandth of a second."""
        bucket, _, prefix = self.root.removeprefix("s3://").partition("/")
        with environment(self.variables):
            pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
        return {
            entry["Key"].removeprefix(f"{prefix}/"): str(entry["LastModified"])
            for page in pages
            for entry in page.get("Contents", [])
        }


@pytest.fixture(scope="session")
def new_place(ceph: Ceph) -> PlaceMaker:
    """Return a maker of storage roots, each in a bucket of its own, whatever their kind."""

    def make(_kind: str) -> Place:
        bucket = f"bucket-{uuid.uuid4().hex}"
        ceph.client().create_bucket(Bucket=bucket)
        return ServerPlace(f"s3://{bucket}/pre fix/é", ceph.variables())

    return make


@pytest.fixture
def place(new_place: PlaceMaker) -> Place:
    """A storage root."""
    return new_place("s3")


@pytest.fixture(scope="module")
def module_place(new_place: PlaceMaker) -> Place:
    """The same, one for all tests of a module."""
    return new_place("s3")
