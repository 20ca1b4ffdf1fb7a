"""Where bytes go: a folder on disk or a prefix on S3, behind one small interface.

No domain in it: a storage knows paths below its root, files that appear whole or not at all, and nothing of tables.
"""

from openlib_assets.storage.base import Storage, StorageError
from openlib_assets.storage.local import LocalStorage

__all__ = ["LocalStorage", "Storage", "StorageError", "open_storage"]


def open_storage(root: str) -> Storage:
    """Give the storage at `root`: a folder, or `s3://bucket/prefix` with AWS's standard variables and chain."""
    if not root.startswith("s3://"):
        return LocalStorage(root)
    # Costs two seconds, which only those who chose S3 should pay.
    from openlib_assets.storage.s3 import S3Storage  # noqa: PLC0415

    return S3Storage.at(root)
