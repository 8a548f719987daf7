"""The project's Celery app and its task."""

import os
from typing import Any

from celery import Celery

from trackside.django.views import task_track

_FOLDERS = ("data_folder_in", "data_folder_out", "control_folder", "processed_folder")

app = Celery("site")
app.conf.update(
    broker_url="filesystem://",
    broker_transport_options=dict.fromkeys(_FOLDERS, os.environ["SITE_FOLDER"]),
    task_ignore_result=True,
    broker_connection_retry_on_startup=False,
    worker_hijack_root_logger=False,
)


@app.task(name="site.finish", bind=True)  # type: ignore[untyped-decorator]
def finish(self: Any, request_info: dict[str, str], page: str) -> None:
    """Emit that the work is done."""
    task_track(
        request_info, {"task_id": str(self.request.id)}, "edx.instructor.report.done", {"rows": 3}, page
    )
