"""What every configuration can do: print as code, go to a dict and JSON and come back, tell its fields."""

import dataclasses
import inspect
import re
from typing import Any, Self

from mpgg_env.core.validation import check_known


class Config:
    """Base of the frozen, slotted, keyword-only configuration dataclasses. Fields are checked once, on construction."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values (tuples become lists, configurations dicts)."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_dict`; missing fields take their defaults.

        Raises:
            ValueError: A field is unknown or out of range.
            TypeError: A value has the wrong type, or a field without a default is missing.
        """
        check_known(values, cls.field_names(), f"{cls.__name__} field")
        for field in dataclasses.fields(cls):  # type: ignore[arg-type]
            is_needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            if is_needed and field.name not in values:
                raise TypeError(f"{field.name} must be given, since it has no default")
        return cls(**values)

    @classmethod
    def field_names(cls) -> list[str]:
        """Names of the fields in the order of their definition."""
        return [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]

    @classmethod
    def field_help(cls) -> dict[str, str]:
        """Meaning of each field, from the `Attributes:` sections of the docstrings of the class and of its bases."""
        texts: dict[str, str] = {}
        for base in reversed(cls.__mro__):
            section = (inspect.cleandoc(base.__doc__ or "")).partition("Attributes:\n")[2]
            entries = re.findall(r"^    (\w+): (.+?)(?=^    \w+: |^\S|\Z)", section, re.MULTILINE | re.DOTALL)
            texts.update({name: " ".join(text.split()) for name, text in entries})
        return {name: texts[name] for name in cls.field_names() if name in texts}

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked anew."""
        check_known(changes, self.field_names(), f"{type(self).__name__} field")
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def _set(self, name: str, value: Any) -> None:
        """Stores a checked value in canonical form; for `__post_init__` alone, since the class is frozen."""
        object.__setattr__(self, name, value)


def _plain(value: Any) -> Any:
    if isinstance(value, Config):
        return value.to_dict()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
