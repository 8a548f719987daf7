"""What the database of attempts looks like."""

from trackside.sqlite.schema import Schema

ATTEMPTS = Schema(
    what="store of webhook attempts",
    application_id=0x54724174,  # "TrAt"
    version=1,
    page_size_bytes=4096,
    synchronous="NORMAL",  # what is looked at may be lost with the power, not by a kill
    tables=(
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
        "CREATE TABLE destinations (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
        # Neighbouring attempts of one destination; their ids go from `first` on.
        """CREATE TABLE groups (
            first INTEGER PRIMARY KEY,
            count INTEGER NOT NULL,
            destination INTEGER NOT NULL,
            began_from INTEGER NOT NULL,
            began_until INTEGER NOT NULL,
            kinds INTEGER NOT NULL,
            body BLOB NOT NULL
        )""",
        "CREATE INDEX groups_by_oldest ON groups (began_from)",
        "CREATE INDEX groups_by_newest ON groups (began_until)",
        # Which groups hold a kind of attempt, of one destination or (0) of any: what each filter walks along.
        """CREATE TABLE marks (
            kind INTEGER NOT NULL,
            destination INTEGER NOT NULL,
            first INTEGER NOT NULL,
            began_from INTEGER NOT NULL,
            began_until INTEGER NOT NULL,
            PRIMARY KEY (kind, destination, first)
        ) WITHOUT ROWID""",
        # What attempts are found by, as it was added; sorted into `sorted_keys` 65,536 attempts at a time.
        "CREATE TABLE recent_keys (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, keys BLOB NOT NULL)",
        "CREATE TABLE sorted_keys (place INTEGER PRIMARY KEY, entries BLOB NOT NULL)",
        # Up to where a process's journal is in here; -1: all of it, only its file is still there.
        "CREATE TABLE journals (name TEXT PRIMARY KEY, read INTEGER NOT NULL) WITHOUT ROWID",
    ),
)
