"""The watch list: the subjects to follow, in a YAML file on disk or on S3.

```yaml
subjects:
  - science fiction
  - place:france
```

Every entry is the text that is written there: `007`, `null` and `9:11` are no numbers, times or nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from openlib_assets.lake import layout
from openlib_assets.openlibrary.subject_keys import InvalidSubjectError, subject_key
from openlib_assets.storage import Storage, hold_lock, open_storage, read_if_there, split_address
from openlib_assets.storage.errors import OpenlibError

# To change a list takes a moment.
_PATIENCE_SECONDS = 60.0


class WatchListError(OpenlibError):
    """The watch list cannot be read, which does not mean that it is empty."""


class NoWatchListError(WatchListError):
    """There is no watch list yet."""


@dataclass(frozen=True)
class WatchList:
    """The keys of the subjects to follow, each once in the order of the list, and what is wrong with other entries.

    `others` are what the file has beside its list.
    """

    keys: list[str]
    problems: list[str]
    others: list[str] = field(default_factory=list)


def read_watch_list(address: str) -> WatchList:
    """Read the watch list at a path or `s3://` URL; raises WatchListError or StorageError."""
    storage, path = _place(address)
    listed = read_if_there(storage, path)
    if listed is None and Path(address).is_dir():
        raise WatchListError(f"{address}: a folder; name a file with OPENLIB_SUBJECTS")
    if listed is None:
        raise NoWatchListError(f"{address}: there is no watch list yet; create one with: openlib subjects add SUBJECT")
    return parse_watch_list(listed, address)


def read_or_empty(address: str) -> WatchList:
    """Read the watch list, an empty one where there is none yet."""
    try:
        return read_watch_list(address)
    except NoWatchListError:
        return WatchList([], [])


def change_watch_list(address: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> WatchList:
    """Add keys to a watch list and remove others, and return the list as it was before.

    One process at a time changes a list, so that none writes what another one has changed meanwhile. Raises
    WatchListError rather than lose entries: comments of hand-written lists are not kept, entries that cannot be used
    would be lost. Raises LockTakenError where another process holds the list for a minute.
    """
    added, gone = list(add), set(remove)
    before = read_or_empty(address)
    if _changed(before.keys, added, gone) == before.keys:
        return before
    storage, path = _place(address)
    busy = f"{address}: another process is changing it; try again"
    with hold_lock(storage, layout.watch_list_lock(path), error_message=busy, patience=_PATIENCE_SECONDS) as check:
        before = read_or_empty(address)
        if before.problems:
            raise WatchListError(f"{before.problems[0]}; correct it first, so that it is not lost")
        if before.others:
            raise WatchListError(f"{address}: has {before.others[0]!r}, too, which would be lost; change it by hand")
        keys = _changed(before.keys, added, gone)
        text = yaml.dump({"subjects": list(map(_Entry, keys))}, Dumper=_Dumper, allow_unicode=True)
        check()
        storage.write(path, text.encode())
    return before


def _changed(keys: list[str], added: list[str], gone: set[str]) -> list[str]:
    return [key for key in dict.fromkeys([*keys, *added]) if key not in gone]


def parse_watch_list(text: bytes, address: str) -> WatchList:
    """Read the text of a watch list; `address` is for messages. Raises WatchListError if it is no list at all."""
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - makes texts, lists and mappings only
    except _KeyTwiceError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise WatchListError(f"{address}: line {line}: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise WatchListError(f"{address}: not valid YAML: {reason}; put names with signs in quotes") from error
    entries = content.get("subjects") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise WatchListError(
            f"{address}: contains no list of subjects; write 'subjects:', and below it one line '- name' for each"
        )
    keys: list[str] = []
    problems: list[str] = []
    for place, entry in enumerate(entries, start=1):
        try:
            keys.append(subject_key(_as_text(entry)))
        except InvalidSubjectError as error:
            problems.append(f"{address}, entry {place}: {error}")
    others = [str(key) for key in content if key != "subjects"] if isinstance(content, dict) else []
    return WatchList(list(dict.fromkeys(keys)), problems, others)


def _as_text(entry: object) -> str:
    """Return the text of an entry: a mapping is none, unless it is a prefix and a name."""
    if isinstance(entry, str):
        return entry
    if isinstance(entry, dict) and len(entry) == 1:
        ((prefix, name),) = entry.items()
        # YAML reads `place: france` as a mapping; people write it for place:france.
        if prefix in ("person", "place", "time") and isinstance(name, str):
            return f"{prefix}:{name}"
    raise InvalidSubjectError(f"{ascii(entry)[:60]} is not a subject: write it as text, in quotes if necessary")


class _KeyTwiceError(yaml.MarkedYAMLError):
    """A mapping has a key twice."""


class _Loader(yaml.BaseLoader):
    """Refuses a mapping that has a key twice, of which YAML readers keep the last one only."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise _KeyTwiceError(
                    None, None, f"{key.value!r} is there twice; put what is below both under one", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Entry(str):
    """A key that is written so that no reader of YAML takes it for something else than text."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Puts in quotes what does not begin with a letter; of the rest PyYAML knows what else needs them."""


def _quoted(dumper: yaml.SafeDumper, entry: _Entry) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", entry, style=None if entry[0].isalpha() else "'")


_Dumper.add_representer(_Entry, _quoted)


def _place(address: str) -> tuple[Storage, str]:
    root, path = split_address(address)
    return open_storage(root), path
