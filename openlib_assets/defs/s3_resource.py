"""The storage on S3 by dagster-aws' S3Resource: a module of its own, since dagster-aws takes a second to load."""

from typing import Any

from dagster_aws.s3 import S3Resource

from openlib_assets.defs.resources import StorageResource
from openlib_assets.storage import Storage, open_storage, storage_kind
from openlib_assets.storage.s3 import S3Storage, attempts


class S3StorageResource(StorageResource):
    """The storage root on S3; `s3` says how S3 is reached, where AWS's variables and chain do not."""

    s3: S3Resource

    def _open(self, root: str) -> Storage:
        if storage_kind(root) != S3Storage.kind:
            return open_storage(root)
        return S3Storage.at(root, self.s3.get_client)


def s3_storage_resource(root: str) -> Any:
    """Return the storage at `root` as a resource whose root can be set anew for a run."""
    return S3StorageResource.configure_at_launch(root=root, s3=S3Resource(max_attempts=attempts()))
