"""What a benchmark found: tables, and each number beside what was promised. Printed as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """Rows under column heads; the first column is text, the others are numbers already formatted."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Return the table, its columns aligned for reading in a terminal as well."""
        widths = [max(len(line[i]) for line in [self.columns, *self.rows]) for i in range(len(self.columns))]
        ruler = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
        lines = [self.columns, ruler, *self.rows]
        text = ("| " + " | ".join(self._cells(line, widths)) + " |" for line in lines)
        return f"**{self.title}**\n\n" + "\n".join(text)

    @staticmethod
    def _cells(line: Sequence[str], widths: Sequence[int]) -> list[str]:
        return [
            line[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
        ]


@dataclass(frozen=True)
class Check:
    """One promised number."""

    what: str
    measured: float
    bound: float
    unit: str = ""
    at_least: bool = False

    @property
    def kept(self) -> bool:
        """Whether the promise holds."""
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


@dataclass(frozen=True)
class Report:
    """Everything one benchmark has to say."""

    title: str
    tables: Sequence[Table] = ()
    checks: Sequence[Check] = ()
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def kept(self) -> bool:
        """Whether all promises hold."""
        return all(check.kept for check in self.checks)

    def markdown(self) -> str:
        """Return the whole report as a section."""
        parts = [f"## {self.title}", *(table.markdown() for table in self.tables)]
        if self.checks:
            parts.append(checks_table(self.checks).markdown())
        parts += [f"- {note}" for note in self.notes]
        return "\n\n".join(parts) + "\n"


def checks_table(checks: Sequence[Check]) -> Table:
    """Return the promises as a table."""
    rows = [
        (c.what, f"{number(c.measured)} {c.unit}".strip(), _bound(c), "yes" if c.kept else "**NO**")
        for c in checks
    ]
    return Table("Promised", ("what", "measured", "promised", "kept"), rows)


def number(value: float) -> str:
    """Return `value` with about three digits that matter."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _bound(check: Check) -> str:
    return f"{'≥' if check.at_least else '≤'} {check.bound:,g} {check.unit}".strip()
