"""`settings.TRACKSIDE["webfilters"]`: whom the filter points of the project ask, and how."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, TypeVar

from msgspec import Struct

from trackside.config.reading import read_part
from trackside.config.settings import setting
from trackside.errors import ConfigurationError
from trackside.outbound.policy import AddressPolicy
from trackside.webfilters import Hook, Rules, read_hooks

_NAME: Final = "TRACKSIDE['webfilters']"
T = TypeVar("T", bound=Struct)


class WebfilterSettings(Struct, frozen=True, kw_only=True):
    """`webfilters`: questions that the project asks before it acts."""

    budget_s: Annotated[
        float,
        setting("Longest time of a question, all its hooks together.", unit="s", low=0.01, high=30),
    ] = 0.8
    chained: Annotated[
        bool,
        setting(
            "Whether a changer sees what those before it changed; else all see the data as it was, side by side."
        ),
    ] = True
    ask_in_transaction: Annotated[
        bool,
        setting(
            "Whether questions are asked while a database transaction is open, as each request is one with"
            " ATOMIC_REQUESTS; else nobody is asked then, and each hook fails by its policy. What a point's own"
            " settings, a call or the point's declaration say goes before."
        ),
    ] = False
    failures_until_probing: Annotated[
        int,
        setting(
            "After so many failures in a row a receiver is left alone, and tried by one question at a time.",
            low=1,
            high=1_000,
        ),
    ] = 5
    emit: Annotated[
        bool, setting("Whether each question is an event of the tracker: trackside.webfilter.asked.")
    ] = True
    record_values: Annotated[
        bool,
        setting("Whether changed values are recorded, those of secrets replaced; off: only their paths."),
    ] = True
    rows: Annotated[
        bool, setting("Whether the webfilters of the database are asked, beside the hooks of the settings.")
    ] = True
    audit: Annotated[bool, setting("Whether each question is kept in the database, for the admin.")] = True
    audit_keep_s: Annotated[
        int,
        setting("Older questions are removed.", unit="s", low=60, high=315_360_000),
    ] = 2_592_000
    audit_most: Annotated[
        int,
        setting("With more questions than this the oldest are removed.", low=100, high=100_000_000),
    ] = 100_000
    allow_private_networks: Annotated[
        bool, setting("Whether hooks may lead into private networks, and to this machine.")
    ] = False
    allow: Annotated[
        tuple[str, ...],
        setting("Networks (10.3.0.0/16), addresses and hosts that may be reached although they are private."),
    ] = ()
    proxy: Annotated[
        str, setting("Proxy that all questions go through: http://proxy.example.org:3128.", secret=True)
    ] = ""

    @property
    def rules(self) -> Rules:
        """How questions are asked where their point has no rules of its own."""
        return Rules(budget_s=self.budget_s, chained=self.chained, ask_in_transaction=self.ask_in_transaction)

    @property
    def policy(self) -> AddressPolicy:
        """Who may be asked. Raises ConfigurationError."""
        return AddressPolicy(allow=self.allow, allow_private_networks=self.allow_private_networks)


class Given(Struct, frozen=True, kw_only=True):
    """All that the setting says."""

    settings: WebfilterSettings = WebfilterSettings()
    hooks: tuple[Hook, ...] = ()
    rules_of: Mapping[str, Rules] = {}


def read(source: object) -> tuple[Given, list[str]]:
    """Return what `source`, Django's settings, says about webfilters, and everything that is wrong with it.

    `hooks` are tables by name, `points` the rules of single points by theirs. What is wrong counts as not said.
    """
    whole = getattr(source, "TRACKSIDE", {})
    table = whole.get("webfilters", {}) if isinstance(whole, Mapping) else {}
    if not isinstance(table, Mapping):
        return Given(), [f"{_NAME} is {table!r}; want a dict"]
    problems: list[str] = []
    settings = _part(WebfilterSettings, _scalars(table), _NAME, problems)
    try:
        _ = settings.policy
    except ConfigurationError as error:
        problems.append(f"{_NAME}['allow']: {error}")
        settings = WebfilterSettings()
    hooks, wrong = read_hooks(_tables(table, "hooks", problems))
    problems += [f"{_NAME}['hooks'][{name!r}]: {each}" for name, told in wrong.items() for each in told]
    points = _tables(table, "points", problems)
    # not ask_in_transaction: what was said of all points counts less than what a call says
    inherited = {"budget_s": settings.budget_s, "chained": settings.chained}
    rules_of = {
        name: _part(Rules, {**inherited, **given}, f"{_NAME}['points'][{name!r}]", problems)
        for name, given in points.items()
    }
    return Given(settings=settings, hooks=tuple(hooks), rules_of=rules_of), problems


def _scalars(table: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in table.items() if name not in {"hooks", "points"}}


def _part(declaration: type[T], table: Mapping[str, Any], where: str, problems: list[str]) -> T:
    made = read_part(declaration, table)
    if isinstance(made, declaration):
        return made
    told = made if isinstance(made, dict) else {}
    problems += [f"{where}: {sentence}" for sentences in told.values() for sentence in sentences]
    return declaration()


def _tables(table: Mapping[str, Any], name: str, problems: list[str]) -> dict[str, Mapping[str, Any]]:
    given = table.get(name, {})
    if not isinstance(given, Mapping):
        problems.append(f"{_NAME}[{name!r}] is no dict; want names and dicts")
        return {}
    problems += _no_tables(given, name)
    return {str(key): value for key, value in given.items() if isinstance(value, Mapping)}


def _no_tables(given: Mapping[str, Any], name: str) -> Iterator[str]:
    for key, value in given.items():
        if not isinstance(value, Mapping):
            yield f"{_NAME}[{name!r}][{key!r}] is no dict; want settings by name"
