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

# Dates that people write in other ways: the first four digits that stand alone are the year, in any script.
ODD_DATES = (
    "{year}/{next}",
    "{year} г.",
    "cop. {year}",
    "©{year}",
    "{year} [or {next}]",
    "[{year}?]",
    "{wide}",
    "{arabic}",
    "{year}-05-01",
    "1st ed., {year}, c19{year}",
    "{year}; {next}年",
    "05/{year}",
)
# And those in which no four digits stand alone, as often as somebody would still read a year.
ODD_UNDATED = ("c1985", "1985年", "1985г.", "_1985", "19850101", "198-?", "1985th", "[19--]", "MCMLXXXV", ".")
FULL_WIDTH = {ord("0") + digit: ord("０") + digit for digit in range(10)}
ARABIC_INDIC = {ord("0") + digit: ord("٠") + digit for digit in range(10)}

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
