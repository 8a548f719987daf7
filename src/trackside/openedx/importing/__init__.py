"""From openedx-webhooks to here: its tables are read, and become rows of ours.

names        what signals and filters are called there
tables       its tables, as they are in the database; the package itself need not be installed
webhooks, webfilters    one row of it → settings of ours, and what will be different
plan         all rows, beside what is here already; apply: written in one transaction
"""

from trackside.openedx.importing.apply import Applied, apply
from trackside.openedx.importing.plan import Plan, Planned, make_plan

__all__ = ["Applied", "Plan", "Planned", "apply", "make_plan"]
