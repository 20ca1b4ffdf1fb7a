"""The truth about duplicates, which the HTTP API does not tell: which works are one book, which authors one person.

A translation counts as a work of its own. Open Library has one work for a book in all languages, but nothing in a
record says so of a title in another language.
"""

from openlib_assets.sandbox.catalogue import dice, people, works


def same_book_as(seed: int, work_key: str) -> str | None:
    """The key of the generated work that another one duplicates, None where it duplicates none; keys are bare.

    A subject that lists a duplicate also lists the original.
    """
    number = works.code(f"/works/{work_key}") >> 1
    if not dice.is_duplicate(seed, number):
        return None
    return works.key(works.generated_code(number - 1)).removeprefix("/works/")


def same_person_as(author_key: str) -> str | None:
    """The first key of a person for their second one, None for a first key; keys are bare."""
    first = f"OL{people.author_number(people.person(int(author_key[2:-1])))}A"
    return None if first == author_key else first
