"""The mechanisms' parameters: one frozen record per kind, light to import. `mechanisms` has what they do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Final, Literal, Self

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_integer, check_known, check_real

Numbers = float | tuple[float, ...]
Counts = int | tuple[int, ...]
REBATES: Final = ("others", "none")


class Mechanism(Config):
    """Base of the mechanisms. Each parameter is one number for all casinos, or one number for each of them."""

    __slots__ = ()
    name: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """The name and the parameters as plain JSON values."""
        return {"name": self.name, **super().to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; the name may be missing.

        Raises:
            ValueError: A parameter is unknown, missing or out of range, or the name is another one.
            TypeError: A value has the wrong type.
        """
        given = dict(values)
        name = given.pop("name", cls.name)
        if name != cls.name:
            raise ValueError(f"name must be {cls.name!r}, got {name!r}")
        check_known(given, cls.field_names(), f"{cls.name} parameter")
        for field in fields(cls):  # type: ignore[arg-type]
            if field.default is MISSING and field.name not in given:
                raise ValueError(f"mechanism {cls.name!r} must be given its {field.name!r}, got {values!r}")
        return cls(**given)

    def check_casinos(self, n_casinos: int) -> None:
        """Raises ValueError for a parameter that has one value per casino, but not for `n_casinos` of them."""
        for parameter in self.field_names():
            value = getattr(self, parameter)
            if isinstance(value, tuple) and len(value) != n_casinos:
                raise ValueError(
                    f"{self.name}.{parameter} must be one number or one for each of the {n_casinos} casinos, "
                    f"got {len(value)} values"
                )

    def _check_amounts(self, *parameters: str) -> None:
        for parameter in parameters:
            self._set(parameter, _each(f"{self.name}.{parameter}", getattr(self, parameter), _amount))

    def _check_seats(self) -> None:
        seats = getattr(self, "seats")  # noqa: B009 - a field of those kinds alone that call this
        self._set("seats", None if seats is None else _each(f"{self.name}.seats", seats, _seats))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fine(Mechanism):
    """Defectors pay a fine that the cooperators of their casino share; without cooperators it is returned.

    Attributes:
        amount: Fine f of a defector, at least 0.
    """

    name: ClassVar[str] = "fine"
    amount: Numbers

    def __post_init__(self) -> None:
        self._check_amounts("amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subsidy(Mechanism):
    """A sponsor outside the game pays every cooperator.

    Attributes:
        amount: Subsidy s of a cooperator, at least 0.
    """

    name: ClassVar[str] = "subsidy"
    amount: Numbers

    def __post_init__(self) -> None:
        self._check_amounts("amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSubsidy(Mechanism):
    """Every cooperator gets a subsidy that all members of the casino pay in equal parts, cooperators included.

    Attributes:
        amount: Subsidy s of a cooperator, at least 0.
    """

    name: ClassVar[str] = "subsidy_local"
    amount: Numbers

    def __post_init__(self) -> None:
        self._check_amounts("amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll(Mechanism):
    """Everybody in a casino pays for being there.

    With `rebate="none"` the tolls are kept by a sponsor, as if they came back in a way that depends on nothing that
    agents do. Only then do flat fees v - u hold an allocation of cooperators exactly: a share in the takings of the
    casino that one leaves is a reason to leave it.

    Attributes:
        fee: Part of the toll that is always due, at least 0.
        surcharge: What is due on top while the casino has more members than seats, at least 0.
        seats: Members up to whom there is no surcharge, at least 1; None for floor(r) of each casino: 0 where r < 1,
            so that the surcharge is always due there.
        rebate: Who gets what a casino takes: others, the agents who are elsewhere in equal shares, or its members if
            nobody is; or none of them, but a sponsor.
    """

    name: ClassVar[str] = "toll"
    fee: Numbers = 0.0
    surcharge: Numbers = 0.0
    seats: Counts | None = None
    rebate: Literal["others", "none"] = "others"

    def __post_init__(self) -> None:
        self._check_amounts("fee", "surcharge")
        self._check_seats()
        check_choice("toll.rebate", self.rebate, REBATES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pigou(Mechanism):
    """Everybody is paid the marginal contribution of its action to the casino: defectors pay the cooperators.

    Attributes:
        rate: Share of the externality that changes hands, at least 0; 1 is the full one. A rate above 1 is allowed,
            since it is a study variable like any other: the transfers still balance.
    """

    name: ClassVar[str] = "pigou"
    rate: Numbers = 1.0

    def __post_init__(self) -> None:
        self._check_amounts("rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity(Mechanism):
    """In a casino with more members than seats, as many as there are seats play, drawn at random; the others get 0.

    Attributes:
        seats: Most members that play, at least 1; None for floor(r) of each casino (0, nobody, where r < 1).
    """

    name: ClassVar[str] = "capacity"
    seats: Counts | None = None

    def __post_init__(self) -> None:
        self._check_seats()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerPunishment(Mechanism):
    """Every cooperator punishes every defector of its casino; what either loses is lost to all.

    Attributes:
        punishment: What a defector loses to each cooperator, phi, at least 0.
        cost: What a cooperator spends on each defector, kappa_p, at least 0.
    """

    name: ClassVar[str] = "peer"
    punishment: Numbers
    cost: Numbers = 0.0

    def __post_init__(self) -> None:
        self._check_amounts("punishment", "cost")


MECHANISMS: Final[dict[str, type[Mechanism]]] = {
    kind.name: kind for kind in (Fine, Subsidy, LocalSubsidy, Toll, Pigou, Capacity, PeerPunishment)
}


def mechanism_tuple(value: Any) -> tuple[Mechanism, ...] | None:
    """The mechanisms of a game, in the order of `MECHANISMS`, so that equal games are equal; None for none.

    Args:
        value: None, a mechanism or a sequence of mechanisms; each may be a mapping such as
            `{"name": "fine", "amount": 0.96}`.

    Raises:
        ValueError: A name or parameter is unknown, missing or out of range, or a kind comes twice.
        TypeError: Something is not a mechanism.
    """
    if value is None:
        return None
    items = [value] if isinstance(value, Mechanism | Mapping) else value
    if isinstance(items, str) or not isinstance(items, Sequence):
        raise TypeError(f"mechanism must be None, a mechanism or a sequence of mechanisms, got {value!r}")
    given = [_mechanism(item) for item in items]
    names = [mechanism.name for mechanism in given]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"mechanism must have each kind at most once, got {name!r} {names.count(name)} times")
    return tuple(sorted(given, key=lambda mechanism: list(MECHANISMS).index(mechanism.name))) or None


def _mechanism(item: Any) -> Mechanism:
    if type(item) in MECHANISMS.values():
        return item  # type: ignore[no-any-return]
    if not isinstance(item, Mapping):
        raise TypeError(f"mechanism must be made of {_kinds()} or mappings with their name, got {item!r}")
    check_choice("the name of a mechanism", item.get("name"), list(MECHANISMS))
    return MECHANISMS[item["name"]].from_dict(item)


def _kinds() -> str:
    return ", ".join(kind.__name__ for kind in MECHANISMS.values())


def _each(name: str, value: Any, check: Callable[[str, Any], Any]) -> Any:
    """A checked number, or a tuple of them, one per casino."""
    if hasattr(value, "tolist"):  # a numpy number, or an array, flat or of the board's shape
        value = value.reshape(-1).tolist() if value.ndim else value.item()
    if isinstance(value, str) or not isinstance(value, Sequence):
        return check(name, value)
    return tuple(check(f"{name}[{m}]", item) for m, item in enumerate(value))


def _amount(name: str, value: Any) -> float:
    return check_real(name, value, 0)


def _seats(name: str, value: Any) -> int:
    return check_integer(name, value, 1, 2**31 - 1)
