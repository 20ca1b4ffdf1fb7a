"""Texts that a spreadsheet leaves as they are: no formula that it runs, no number or date that it makes of them.

An apostrophe is put before what it would take for something else. It is seen in the cell, and the value is no longer
exact; whoever needs it exact takes a file without.
"""

import re
import unicodedata

# Tells a spreadsheet that a file is UTF-8.
BYTE_ORDER_MARK = "\ufeff"

# What begins a formula (OWASP, "CSV Injection"), also in full width, after white space, quotes, and what is not seen. A
# program that separates columns by something else than commas finds the beginning of a cell within a text. Here and
# below, what was taken is not given back (`*+`), so that a long run of white space takes no longer than other text.
_UNSEEN = "\\s\\x00-\\x20\ufeff\u200b-\u200f\u2060\"'"
_FORMULA = re.compile(f"((?:^|[;|\t\r\n])[{_UNSEEN}]*+)([=+\\-@\u2212＝＋－＠﹦﹢﹣﹫]?)")

_MONTHS = (
    "jan|ene|gen|feb|fév|fev|mar|mär|mrt|maa|apr|abr|avr|may|mai|maj|mag|mei|jun|jui|giu|jul|lug|aug|aoû|ago|"
    "sep|set|oct|okt|ott|out|nov|dec|dez|déc|dic|янв|фев|мар|апр|мая|май|июн|июл|авг|сен|окт|ноя|дек"
)
_NUMBER = re.compile(
    rf"""
    (?=.*\d)(
        [\d\s()+\-–.,:/'’%$€£¥₹]++ ([ed][+\-]?\d+)? [\s)%]*  # 007, 1E10, 1/2, 2024-01-02, (5), 50 %
        | [\d\s:.]+ [ap]\.?m?\.?                            # 12:30 pm
        | [\d\s.,/\-'’]* ({_MONTHS})\w*+\.? [\d\s.,/\-'’]*   # 1-Jan, March 5, 2020
        | [\d\s年月日時时分秒]+
    )
    | true | false | wahr | falsch | vrai | faux | verdadero | falso | vero | waar | onwaar | истина | ложь
    | \#[a-z/0]+[!?]?                                       # an error, such as #N/A
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def spreadsheet_safe(text: str) -> str:
    """Return a text as a cell of a CSV file that every spreadsheet shows as it is, but for apostrophes."""
    safe = _FORMULA.sub(_as_text, text)
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    if safe == text and _NUMBER.fullmatch(plain.strip()):
        return f"'{safe}"
    return safe


def _as_text(beginning: re.Match[str]) -> str:
    before, sign = beginning.groups()
    return f"{before}'{sign}" if sign else before
