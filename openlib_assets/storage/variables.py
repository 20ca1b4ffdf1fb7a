"""Settings read from environment variables: an empty one counts as unset, a bad one is refused in one line."""

from typing import Any, Self

from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from openlib_assets.storage.errors import SettingsError


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
