"""Events as rows of a table: PostgreSQL, MySQL, MariaDB or SQLite.

destination  open, send: what the delivery worker calls, from the one thread that the driver runs in
writing      rows → the table, in one transaction; where a row is refused, in smaller ones
probing      is the table as it must be; makes it where there is none
engine       what the databases have in common; postgresql, mysql, sqlite: what each does in its own way
address      the URL; names: how tables are quoted
"""

from trackside.destinations.sql.address import identity, missing_driver, problems
from trackside.destinations.sql.destination import Sql
from trackside.destinations.sql.engines import engine_for
from trackside.destinations.sql.settings import SqlSettings
from trackside.destinations.sql.writing import why_not

__all__ = ["Sql", "SqlSettings", "engine_for", "identity", "missing_driver", "problems", "why_not"]
