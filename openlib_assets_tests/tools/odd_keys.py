"""Keys of subjects over which some reader, file system or page could trip."""

LONG_KEYS = (
    "научная_фантастика_для_детей_подростков_и_взрослых",
    "科学小说" * 15,
    f"o'reilly_or_a_name_of_300_letters_{'and_so_on_' * 30}"[:300],
)

# A null, numbers, a truth, a file of ours, a pattern, quotes, dots, what is escaped in paths and addresses, long ones.
ODD_KEYS = (
    "null",
    "007",
    "1984",
    "true",
    "index.html",
    "a.b",
    "o'brien",
    "100_pure",
    "*",
    "place:são_paulo",
    "person:o'brien_(1900-1950)",
    *LONG_KEYS,
)
