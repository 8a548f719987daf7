"""The points at which a platform asks before it acts, each declared once.

ENROLLMENT = FilterPoint(
"enrollment.requested",
"A learner is about to be enrolled.",
sends={"user": dict[str, Any], "course_id": str, "mode": str},
changes={"mode": Literal["audit", "honor", "verified"], "user.first_name": str},
exceptions={"PreventEnrollment": Stops(EnrollmentRefused, fields={"redirect_to": RedirectUrl})},
)
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Final

import msgspec

from trackside.errors import ConfigurationError

Path = tuple[str, ...]
"""Names from the outside in; `user.first_name` is ("user", "first_name")."""

RedirectUrl = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\A(?:https?://[^/\s\\\x00-\x20\x7f-\x9f][^\s\\\x00-\x20\x7f-\x9f]*"
        r"|/(?!/)[^\s\\\x00-\x20\x7f-\x9f]*)\Z",
        max_length=2_048,
    ),
]
"""Where a browser may be sent: an http(s) URL, or a path of this site. Never `javascript:`, never `//elsewhere`."""
Message = Annotated[str, msgspec.Meta(max_length=2_000)]
METADATA: Final = "event_metadata"
"""What tells a receiver which question this is; no field can have its name."""
DEFAULT_MESSAGE: Final = "This is not possible at the moment."
"""What a user reads where nobody gave a reason."""


class Unfit(ValueError):  # noqa: N818  # said of what an answer says
    """What an answer says cannot be used; the message says why and holds no value of it."""


class Stops:
    """An exception that an answer may ask for, and what the answer may say in it.

    It is raised as `raises(message, **fields)`, with the fields that were given. Two names have a meaning:
    `redirect_to` takes a hook's "redirect on …", `status_code` the status of a receiver whose refusal halts.
    """

    __slots__ = ("fields", "raises", "required")

    def __init__(
        self,
        raises: Callable[..., Exception],
        *,
        fields: Mapping[str, Any] | None = None,
        required: Iterable[str] = (),
    ) -> None:
        """`fields` are names and types as msgspec checks them; an answer has to give those of `required`.

        Where a hook fails and that halts, they may be missing. Raises ConfigurationError for a type that is none.
        """
        self.raises = raises
        self.required = tuple(required)
        self.fields: Mapping[str, Any] = {**(fields or {}), "message": Message}
        for name, kind in self.fields.items():
            _check_type(f"the field {name}", kind)

    @property
    def redirects(self) -> bool:
        """Whether the exception can send a browser elsewhere."""
        return "redirect_to" in self.fields

    def checked(self, said: object) -> dict[str, Any]:
        """Return what an answer said as the exception's fields: a text, an object, or null for no reason.

        Raises Unfit, for anything else.
        """
        if said is None:
            said = {}
        if isinstance(said, str):
            said = {"message": said}
        if not isinstance(said, dict):
            raise Unfit("the exception is neither a text nor an object")
        if missing := [name for name in self.required if name not in said]:
            raise Unfit(f"the exception has no {missing[0]}")
        checked = {}
        for name, value in said.items():
            if name not in self.fields:
                raise Unfit(f"the exception has no field {name[:100]!r}")
            try:
                checked[name] = msgspec.convert(value, self.fields[name])
            except msgspec.ValidationError as error:
                raise Unfit(f"the exception's field {name} cannot be used: {_told(error)}") from None
        return checked

    def make(self, fields: Mapping[str, Any]) -> Exception:
        """Return the exception. Raises what its class raises, TypeError where that is none of exceptions."""
        others = {name: value for name, value in fields.items() if name != "message"}
        made = self.raises(fields.get("message") or DEFAULT_MESSAGE, **others)
        if not isinstance(made, Exception):
            raise TypeError(f"{self.raises!r} made no exception")
        return made


class FilterPoint:
    """A moment at which the platform asks: what is sent, what an answer may change, how it may stop.

    Every point is declared once in a process, where its module is loaded.
    """

    def __init__(
        self,
        name: str,
        sentence: str = "",
        *,
        sends: Mapping[str, Any],
        changes: Mapping[str, Any] | None = None,
        exceptions: Mapping[str, Stops | type[Exception]] | None = None,
        example: Mapping[str, Any] | None = None,
        ask_in_transaction: bool | None = None,
    ) -> None:
        """Declare the point.

        `sends` names the fields that leave, with their types: what else is given stays here. `changes` names the
        paths an answer may change, dotted, with types as msgspec checks them; objects within one are merged.
        `exceptions` are the names an answer may use; the first one is raised where a hook fails and that halts.
        `example` is data that a hook can be tried out with; what is not in it is made of the types.
        `ask_in_transaction` says whether it may be asked while the caller holds a database transaction open; with
        False, and unless somebody else says so, nobody is asked then, and each hook fails by its policy.
        Raises ConfigurationError for what cannot be, and for a name that is declared already.
        """
        self.name = name
        self.sentence = sentence
        self.sends = dict(sends)
        self.changes: Mapping[Path, Any] = {
            tuple(path.split(".")): kind for path, kind in (changes or {}).items()
        }
        self.exceptions: Mapping[str, Stops] = {
            each: stops if isinstance(stops, Stops) else Stops(stops)
            for each, stops in (exceptions or {}).items()
        }
        self.example: Mapping[str, Any] = dict(example or {})
        self.ask_in_transaction = ask_in_transaction
        self.judges = type(self).judge is not FilterPoint.judge
        """Whether `judge` has anything to say."""
        _check_fields(name, self.sends, self.changes)
        with _LOCK:
            if name in POINTS:
                raise ConfigurationError(f"the filter point {name!r} is declared twice; want one declaration")
            POINTS[name] = self

    def __repr__(self) -> str:
        return f"FilterPoint({self.name!r})"

    @property
    def default_stop(self) -> str | None:
        """The exception that is raised where a hook fails and that halts; None where the point cannot halt."""
        return next(iter(self.exceptions), None)

    def declared(self, path: Path) -> Path | None:
        """Return the declared path that `path` is or lies in; None where an answer may not change it."""
        if path in self.changes:
            return path  # no declared path lies in another
        return next((path[:end] for end in range(1, len(path)) if path[:end] in self.changes), None)

    def typed(self, path: Path, value: Any) -> Any:
        """Return what is at a declared path, in its type. Raises Unfit."""
        wanted = self.changes[path]
        if type(value) is wanted and wanted in _SCALARS:
            return value  # as it is
        try:
            return msgspec.convert(value, wanted)
        except msgspec.ValidationError as error:
            raise Unfit(f"{'.'.join(path)} cannot be that: {_told(error)}") from None

    def judge(self, changes: Mapping[str, Any]) -> None:
        """Raise Unfit where changes cannot be made although their types are right; for subclasses.

        `changes` are in the types of the point, within the same objects as the data. Nothing may be changed here: it
        is asked while hooks answer, in the thread of the question, also for those that are in shadow or tried out.
        """


_SCALARS: Final = frozenset({str, int, float, bool})
POINTS: Final[dict[str, FilterPoint]] = {}
"""Every point declared in this process, by name."""
_LOCK: Final = threading.Lock()


def withdraw(name: str) -> None:
    """Forget a point, so that its name can be declared again; for tests."""
    POINTS.pop(name, None)


def _check_fields(name: str, sends: Iterable[str], changes: Mapping[Path, Any]) -> None:
    if METADATA in sends:
        raise ConfigurationError(
            f"the filter point {name!r} sends {METADATA}, which is ours; want another name"
        )
    for path, kind in changes.items():
        if path[0] not in sends:
            raise ConfigurationError(
                f"the filter point {name!r} lets {'.'.join(path)} be changed and does not send {path[0]};"
                " want it among what is sent"
            )
        for end in range(1, len(path)):
            if path[:end] in changes:
                raise ConfigurationError(
                    f"the filter point {name!r} declares {'.'.join(path[:end])} and {'.'.join(path)},"
                    " which lies in it; want one of them"
                )
        _check_type(".".join(path), kind)


def _check_type(what: str, kind: Any) -> None:
    try:
        msgspec.json.Decoder(kind)
    except (TypeError, NameError, ValueError) as error:
        raise ConfigurationError(f"{what} has a type that cannot be checked: {error}") from error


def _told(error: msgspec.ValidationError) -> str:
    """Return what was wanted and of which kind it was; no value that somebody sent is in it."""
    text = str(error)
    return "it is not one of those that are wanted" if text.startswith("Invalid") else text[:300]
