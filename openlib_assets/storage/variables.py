"""Settings read from environment variables: an empty one counts as unset, a bad one is refused in one line.

Here are also the forms of addresses in them; what is wrong with one is said by a ValueError.
"""

import re
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from openlib_assets.storage.errors import SettingsError

# What libpq would quote in its refusal.
_NOT_ENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})|%00|\s")


class Variables(BaseSettings):
    """Fields that are variables, each with a description that says what its variable takes.

    What is given by name goes before the environment, and is checked alike; raises SettingsError for a bad value. The
    value of a field with `repr=False` is shown nowhere.
    """

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, values: dict[str, Any], read: ModelWrapValidatorHandler[Self]) -> Self:
        stripped = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
        try:
            return read({name: value for name, value in stripped.items() if value != ""})
        except ValidationError as error:
            raise SettingsError(cls._refusal(error)) from error

    @classmethod
    def _refusal(cls, error: ValidationError) -> str:
        """Return what is wrong first: the variable, its value, and what it takes."""
        first = error.errors(include_url=False)[0]
        name, value = str(first["loc"][0]), first["input"]
        field = cls.model_fields[name]
        # An @ may end a user name and a password.
        shown = f"={value!r}" if field.repr and "@" not in str(value) else ""
        reason = str(first["ctx"]["error"]) if first["type"] == "value_error" else ""
        said = f"{reason}; give" if reason else "give"
        return f"{cls.model_config['env_prefix']}{name.upper()}{shown}: {said} {field.description}"


def base_url(text: str) -> str:
    """Check a web address below which others lie, and return it without a slash at its end."""
    _web_address(text)
    if re.search("[?#]", text):
        raise ValueError
    return text.rstrip("/")


def queue_url(text: str) -> str:
    """Check the web address of one thing, which has a path."""
    if not _web_address(text).path.strip("/"):
        raise ValueError
    return text


def database_url(text: str) -> str:
    """Check a URL as libpq reads it; what is wrong with it is said without it, since it may hold a password."""
    scheme, _, rest = text.partition("://")
    if scheme not in ("postgresql", "postgres"):
        raise ValueError
    # libpq takes the first @ for the end of the password, and what follows for the name of a host.
    place, *more = re.split("[/?#]", rest, maxsplit=1)
    if place.count("@") > 1 or "@" in "".join(more) or "#" in rest or _NOT_ENCODED.search(rest):
        raise ValueError(
            "write special characters of a user name or password as %40 for @, %2F for /, %23 for #, %25 for %"
        )
    return text


def iceberg_url(text: str) -> str:
    """Check the address of a catalogue; what is wrong with it is said without it, since it may hold a password."""
    if text.startswith("sqlite:///") and re.search("[?#]", text):
        raise ValueError("the path of a catalogue can have neither ? nor #")
    return text if re.fullmatch("glue|sqlite:///.+", text) else database_url(text)


def _web_address(text: str) -> SplitResult:
    """Return the parts of a web address; refuses one with credentials, which must not be shown."""
    if "@" in text:
        raise ValueError("leave user name and password out of it")
    parts = urlsplit(text)
    _ = parts.port  # raises ValueError for one that is none
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError
    parts.hostname.encode("idna")  # raises ValueError for a name with a part that is empty or too long
    return parts
