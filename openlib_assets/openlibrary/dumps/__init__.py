"""The monthly dumps of Open Library as files: which there are, how they are downloaded, and whether they are sound.

What the lines of a file mean is none of its business.
"""

from openlib_assets.openlibrary.dumps.archive import Archive
from openlib_assets.openlibrary.dumps.disk import needed_bytes, require_free_bytes, require_free_disk, share_disk
from openlib_assets.openlibrary.dumps.download import Listener, Progress, download_dump
from openlib_assets.openlibrary.dumps.folder import DumpFolder
from openlib_assets.openlibrary.dumps.names import DUMP_FILES, Dump, DumpFile, file_name, parse_day, parse_file_names

__all__ = [
    "DUMP_FILES",
    "Archive",
    "Dump",
    "DumpFile",
    "DumpFolder",
    "Listener",
    "Progress",
    "download_dump",
    "file_name",
    "needed_bytes",
    "parse_day",
    "parse_file_names",
    "require_free_bytes",
    "require_free_disk",
    "share_disk",
]
