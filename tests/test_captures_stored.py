"""Requests as real SDKs sent them, all the way into the log: each event once, also when all are sent again."""

from pathlib import Path

from tests.sources.segment_api.requests import make_source
from tests.sources.segment_api.test_captures import FILES, recorded
from trackside.config.settings import LogSettings
from trackside.log.base import Committed, Receipt
from trackside.log.sqlite import SQLiteLog
from trackside.pipeline.accept import Pipeline


def _replay(directory: Path) -> tuple[int, int]:
    """Send every recorded request to a server just started; return how many events were new and how many known."""
    receipts: list[Receipt] = []
    log = SQLiteLog(directory, LogSettings())
    source, pipeline = make_source(), Pipeline(log)
    for name in FILES:
        for request, _ in recorded(name):
            pipeline.accept(source.decode(request), len(request.body), receipts.append)
    log.close()
    committed = [receipt for receipt in receipts if isinstance(receipt, Committed)]
    assert len(committed) == len(receipts)
    return sum(each.stored for each in committed), sum(each.duplicates for each in committed)


def test_each_recorded_event_is_stored_once_however_often_it_is_sent(tmp_path: Path) -> None:
    """The second and the third time all of them are known, also after a restart."""
    calls = [
        call["messageId"]
        for name in FILES
        for _, body in recorded(name)
        for call in ([] if body is None else body.get("batch", [body]))
    ]
    assert _replay(tmp_path) == (len(set(calls)), len(calls) - len(set(calls)))
    assert _replay(tmp_path) == _replay(tmp_path) == (0, len(calls))
    log = SQLiteLog(tmp_path, LogSettings())
    assert sorted(event.id for event in log.read(0, limit=10_000).events) == sorted(set(calls))
    log.close()
