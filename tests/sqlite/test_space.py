"""Free pages go back to the file system, in steps of many."""

from pathlib import Path

from trackside.log.sqlite.schema import LOG
from trackside.sqlite.database import Database
from trackside.sqlite.space import PAGES_PER_STEP, give_pages_back


def test_a_step_gives_many_pages_back(tmp_path: Path) -> None:
    database = Database(tmp_path / "log.db", LOG, meta={})
    with database.writing() as connection:
        rows = [(n, b"x" * 4_000) for n in range(600)]
        connection.executemany("INSERT INTO removed_ids VALUES (?, 1, 1, ?)", rows)
    with database.writing() as connection:
        connection.execute("DELETE FROM removed_ids")
    with database.writing() as connection:
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        assert give_pages_back(connection, PAGES_PER_STEP) == PAGES_PER_STEP
        assert connection.execute("PRAGMA freelist_count").fetchone() == (free - PAGES_PER_STEP,)
        assert give_pages_back(connection, 100_000) == free - PAGES_PER_STEP
    database.close()
