"""The vocabulary that generated editions are made of. Data only."""

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
# What stands where the date should: nothing, or no year that anybody can read.
UNDATED = (None, None, "19uu", "[n.d.]", "198-?", "17--", "no date")

# One edition in five says its format, as whoever typed it pleased.
FORMATS = (
    *["Paperback"] * 12,
    *["Hardcover"] * 6,
    "paperback",
    "Hardback",
    "Mass Market Paperback",
    "Trade Paperback",
    "Unknown Binding",
    "Library Binding",
    "Spiral-bound",
    "Ring-bound",
    "Board book",
    "Taschenbuch",
    "Broché",
    "electronic resource",
    "eBook",
    "[microform] /",
    "Audio Cassette",
    "Audio CD",
    "CD-ROM",
)
# One publisher, as several records spell it.
IMPRINTS = (*["{}"] * 9, "{}, Inc.", "{} Ltd", "The {} Press", "{} & Co.", "{} ;")

SUBTITLES = (
    "A Novel",
    "a novel",
    "Stories",
    "Collected Works",
    "A History, 1900–1945",
    "An Introduction",
    "with an Afterword",
    "Roman",
    "the complete edition",
    "Book One",
)
