"""Everything the doctor looks at."""

from collections.abc import Callable, Iterator

from trackside.cli.doctor import destinations, log, network, rows, storage, system, users
from trackside.cli.doctor.finding import Finding
from trackside.config.load import Loaded

CHECKS: tuple[Callable[[Loaded], Iterator[Finding]], ...] = (
    system.check_python,
    system.check_sqlite,
    system.check_clock,
    storage.check_permissions,
    storage.check_file_system,
    storage.check_free_space,
    storage.check_sync_time,
    log.check_databases,
    log.check_log,
    users.check_users,
    destinations.check_destinations,
    rows.check_rows,
    network.check_port,
)
"""In the order of cause before effect."""
