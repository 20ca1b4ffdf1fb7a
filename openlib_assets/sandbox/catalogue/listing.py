"""Which works each subject lists as generated, and how the editors of a work spell its subjects.

Numbers of works come in blocks of ten. The first of every block is common stock: each subject takes every tenth work
from it, so that subjects overlap. The other nine are a subject's own (or nearly so).

An orphaned edition has no people, places or times: in their lists another work stands in for it.
"""

import random
from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

from openlib_assets.sandbox.catalogue import keys, works

_BLOCK = 10
_BLOCKS = 4_500_007  # a prime, so that every stride visits every block; 45 million works, as in Open Library
_STAND_INS = 46_000_000  # behind all blocks; as many numbers as there are orphaned editions
_LARGEST_SUBJECT = _BLOCK * (_BLOCKS - 1)


class Stride(NamedTuple):
    """A walk through all blocks in an order of its own."""

    start: int
    step: int
    inverse: int

    @classmethod
    def named(cls, seed: int, name: str) -> "Stride":
        """The walk of a subject, or of the common stock."""
        chance = random.Random(blake2b(f"{seed}/{name}".encode()).digest())
        step = chance.randrange(1, _BLOCKS)
        return cls(chance.randrange(_BLOCKS), step, pow(step, -1, _BLOCKS))

    def block(self, place: int) -> int:
        """The block at a place of the walk."""
        return (self.start + place * self.step) % _BLOCKS

    def place(self, block: int) -> int:
        """Where the walk meets a block."""
        return (block - self.start) * self.inverse % _BLOCKS


class Subject(NamedTuple):
    """A subject as generated, before anyone edits it."""

    kind: str
    size: int
    stride: Stride
    spellings: tuple[str, ...]

    def spelling(self, number: int) -> str:
        """How the editors of a work spell this subject."""
        return self.spellings[number // _BLOCK % len(self.spellings)]


class Listing:
    """The subjects of a catalogue, by key."""

    def __init__(self, sizes: Mapping[str, int], seed: int):
        for subject, size in sizes.items():
            if keys.subject_key(subject) != subject or not keys.split_prefix(subject)[1]:
                raise ValueError(f"{subject!r} is not a normalised subject key")
            if not 0 <= size <= _LARGEST_SUBJECT:
                raise ValueError(f"{subject}: {size} works, but it must be from 0 to {_LARGEST_SUBJECT}")
        self.subjects = {
            key: Subject(keys.subject_type(key), size, Stride.named(seed, key), _spellings(key))
            for key, size in sizes.items()
        }
        self._walks = [(it, it.stride.start, it.stride.inverse, it.size) for it in self.subjects.values()]
        self._common = Stride.named(seed, "")

    def codes(self, subject: str) -> list[int]:
        """The codes of a subject's works, in key order."""
        return sorted((self._code(subject, index) for index in range(self.subjects[subject].size)), key=works.key)

    def _code(self, subject: str, index: int) -> int:
        place, within = divmod(index, _BLOCK)
        stride = self.subjects[subject].stride if within else self._common
        number = _BLOCK * (stride.block(place) + 1) + within
        code = works.generated_code(number)
        stands_in = code & 1 and self.subjects[subject].kind != "subject"
        return 2 * (_STAND_INS + number // works.ONE_ORPHAN_IN) if stands_in else code

    def of_work(self, code: int) -> list[Subject]:
        """The subjects that list a work."""
        number = code >> 1
        if number >= _STAND_INS and not code & 1:
            found = self._of_number((number - _STAND_INS) * works.ONE_ORPHAN_IN)
            return [subject for subject in found if subject.kind != "subject"]
        found = self._of_number(number) if code == works.generated_code(number) else []
        return [subject for subject in found if subject.kind == "subject"] if code & 1 else found

    def _of_number(self, number: int) -> list[Subject]:
        block, within = divmod(number - _BLOCK, _BLOCK)
        if not 0 <= block < _BLOCKS:
            return []
        if within == 0:
            index = _BLOCK * self._common.place(block)
            return [subject for subject in self.subjects.values() if index < subject.size]
        return [
            subject
            for subject, start, inverse, size in self._walks  # Stride.place, but faster for a thousand subjects
            if (block - start) * inverse % _BLOCKS * _BLOCK + within < size
        ]


def _spellings(subject: str) -> tuple[str, ...]:
    """How editors write a subject: all of it means the same key."""
    name = keys.split_prefix(subject)[1]
    plain = name.replace("_", " ")
    written = (*[plain.capitalize()] * 6, plain, plain, plain.title(), plain.upper())
    return tuple(spelling for spelling in written if keys.normalize(spelling) == name) or (name,)
