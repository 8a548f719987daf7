"""The reference page of hooks, made from the declarations."""

from trackside.config.declarations import describe
from trackside.config.reference import settings_table
from trackside.webfilters.hook import Hook, Rules

_HEAD = """\
# Webfilter hook

<!-- Made by `trackside config reference`; changes belong into the declarations in the source. -->

Whom a [filter point](../howto/declare-a-filter-point.md) asks, and what happens with the answer. What is sent and what
may be answered: [Webfilter request](webfilter-request.md). Why: [Webfilters](../explanation/webfilters.md).

"""

_RULES = """
## Rules

How the questions of all points are asked, or those of single ones.

"""


def page() -> str:
    """Return the page in Markdown."""
    return f"{_HEAD}{settings_table(describe(Hook))}{_RULES}{settings_table(describe(Rules))}"
