"""What a work tells, in which language, and under which title: its own story, or that of the work before."""

from typing import NamedTuple

from openlib_assets.sandbox.catalogue import people, words
from openlib_assets.sandbox.catalogue.dice import DUPLICATE, TRANSLATION, Dice, cast, roll

_LANGUAGES = tuple(words.NOUNS)
_NOUNS = {language: nouns.split() for language, nouns in words.NOUNS.items()}


class Story(NamedTuple):
    """What a work shares with its translations, the language it is in, and whether it is a duplicate."""

    dice: Dice
    language: str
    again: bool = False


def story_of(seed: int, number: int, dice: Dice) -> Story:
    """Some works are the translation of the work with the number before theirs."""
    related = dice.translation % 4 == 0
    if related and number % 10 == TRANSLATION:
        original = cast(seed, number - 1)
        other = (_LANGUAGES.index(_language(original)) + 1 + dice.language % (len(_LANGUAGES) - 1)) % len(_LANGUAGES)
        return Story(original, _LANGUAGES[other])
    return Story(dice, _language(dice), again=related and number % 10 == DUPLICATE)


def title(seed: int, code: int) -> str:
    """The title alone, for sorting."""
    dice = roll(seed, code >> 1)
    return title_of(dice, story_of(seed, code >> 1, dice))


def plain_title(dice: Dice, story: Story) -> str:
    """The title as it is printed."""
    chance, language = story.dice.title, story.language
    nouns = _NOUNS[language]
    chance, noun = divmod(chance, len(nouns))
    chance, other = divmod(chance, len(nouns))
    chance, place = divmod(chance, len(words.PLACES))
    volume, shape = divmod(chance, 4)
    plain = words.TITLE_SHAPES[language][shape].format(nouns[noun], nouns[other], words.PLACES[place], volume % 60 + 1)
    return _retitled(plain, language, dice.translation // 8) if story.again else plain


def title_of(dice: Dice, story: Story) -> str:
    """The title in the catalogue, now and then a messy one."""
    plain = plain_title(dice, story)
    mess, which = divmod(dice.mess, len(words.MESSY_TITLES))
    if mess % 2000 == 0:
        return f"{plain}; or, {'a very long story. ' * 150}"
    return words.MESSY_TITLES[which].replace("{}", plain) if mess % 25 == 1 else plain


def _language(dice: Dice) -> str:
    return "eng" if dice.language % 10 < 6 else _LANGUAGES[dice.language // 10 % len(_LANGUAGES)]


def _retitled(title: str, language: str, chance: int) -> str:
    """The title as another catalogue has it; of these, only the last is beyond recognition."""
    articles = words.ARTICLES.get(language, ("",))
    article = next((article for article in articles if title.startswith(article)), "")
    other_article = title.removeprefix(article) if article else articles[0] + title
    other_signs = title.replace(",", " :").replace("'", "\u2019") + " ."
    with_subtitle = title + words.SUBTITLES[chance // 16 % len(words.SUBTITLES)]
    misspelled = title[:-2] + title[-1]
    return (
        *[title] * 4,
        *[title.upper()] * 2,
        *[other_signs] * 2,
        *[other_article] * 3,
        *[people.without_accents(title)] * 2,
        *[with_subtitle] * 2,
        misspelled,
    )[chance % 16]
