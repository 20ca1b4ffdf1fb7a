"""Bodies that are too large for memory: sent from where they lie, as a whole or in part."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class Content:
    """Bytes that can be opened as often as is needed; those of one `version` are equal."""

    open: Callable[[], BinaryIO] = field(compare=False)
    size: int
    version: str

    def chunks(self, start: int, length: int) -> Iterator[bytes]:
        """The bytes from `start` on, chunk by chunk."""
        with self.open() as opened:
            opened.seek(start)
            while length > 0 and (chunk := opened.read(min(_CHUNK_BYTES, length))):
                yield chunk
                length -= len(chunk)


class Part(NamedTuple):
    """Some bytes of a content."""

    content: Content
    start: int
    length: int
