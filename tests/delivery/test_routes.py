"""Routes: who wants an event of a name."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from trackside.delivery import routes as module
from trackside.delivery.routes import Routes
from trackside.event import NameFilter


class Wants(Struct, frozen=True):
    """Somebody with globs."""

    number: int
    globs: tuple[str, ...]


globs = st.lists(st.text(alphabet="ab.*?", min_size=1, max_size=5), max_size=4).map(tuple)


@given(st.lists(globs, max_size=12), st.lists(st.text(alphabet="ab.", max_size=5), max_size=8))
def test_finds_whom_each_filter_alone_would_find(asked: list[tuple[str, ...]], names: list[str]) -> None:
    """For any globs and names the routes agree with asking every filter, and name nobody twice."""
    everybody = [Wants(number, each) for number, each in enumerate(asked)]
    routes = Routes(everybody)
    for name in names * 2:
        found = routes.of(name)
        assert len(set(found)) == len(found)
        assert set(found) == {each for each in everybody if NameFilter(each.globs).matches(name)}
        assert routes.matches(name) == bool(found)


def test_remembers_no_more_names_than_it_may() -> None:
    """Names from outside do not make it grow."""
    routes = Routes([Wants(1, ("a*",))])
    for number in range(2 * module.KNOWN_NAMES + 10):
        routes.of(f"a{number}")
    assert len(routes._routes) <= module.KNOWN_NAMES + 1
    assert [each.number for each in routes.of("a1")] == [1]
