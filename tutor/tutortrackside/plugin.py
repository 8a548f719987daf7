"""What Tutor loads: settings, templates, patches, tasks, images and mounts."""

import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tutor import hooks
from tutortrackside import __version__

_HERE = Path(__file__).parent
_CONFIG_FILE = "plugins/trackside/apps/trackside.toml"
_USER_ID = 1000
"""Whom the server runs as; also whom the platform's image runs as."""

_UNIQUE = {
    "TRACKSIDE_WRITE_KEY": "{{ 40|random_string }}",
    "TRACKSIDE_ENCRYPTION_KEY": "{{ 40|random_string }}",
    "TRACKSIDE_MYSQL_PASSWORD": "{{ 24|random_string }}",
}
_DEFAULTS: dict[str, Any] = {
    "TRACKSIDE_VERSION": __version__,
    "TRACKSIDE_PIP_SPEC": "=={{ TRACKSIDE_VERSION }}",
    "TRACKSIDE_DOCKER_IMAGE": "{{ DOCKER_REGISTRY }}trackside:{{ TRACKSIDE_VERSION }}",
    "TRACKSIDE_PUBLIC": False,
    "TRACKSIDE_HOST": "events.{{ LMS_HOST }}",
    "TRACKSIDE_RETENTION_DAYS": 30,
    "TRACKSIDE_RETENTION_BYTES": 10 * 2**30,
    "TRACKSIDE_PROCESSES": 1,
    "TRACKSIDE_SHUTDOWN_GRACE_S": 30,
    "TRACKSIDE_TRUSTED_PROXIES": [
        "127.0.0.1",
        "::1",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
    ],
    "TRACKSIDE_ALLOWED_NETWORKS": [],
    "TRACKSIDE_EXTRA_CONFIG": "",
    "TRACKSIDE_MYSQL_USERNAME": "trackside",
    "TRACKSIDE_TRACKING_BACKEND": False,
    "TRACKSIDE_TRACKING_EVENT": "platform",
    "TRACKSIDE_TRACKING_SEGMENTIO": "platform",
    "TRACKSIDE_K8S_STORAGE": "20Gi",
    "TRACKSIDE_K8S_WORKER_STORAGE": "2Gi",
}

hooks.Filters.CONFIG_UNIQUE.add_items(list(_UNIQUE.items()))
hooks.Filters.CONFIG_DEFAULTS.add_items(list(_DEFAULTS.items()))
hooks.Filters.ENV_TEMPLATE_ROOTS.add_item(str(_HERE / "templates"))
hooks.Filters.ENV_TEMPLATE_TARGETS.add_items([("trackside/image", "plugins"), ("trackside/apps", "plugins")])
hooks.Filters.ENV_TEMPLATE_FILTERS.add_items(
    [
        ("trackside_quoted", lambda text: quote(str(text), safe="")),
        ("trackside_sql", lambda text: "'" + str(text).replace("\\", r"\\").replace("'", "''") + "'"),
        ("trackside_digest", lambda text: hashlib.sha256(text.encode()).hexdigest()),
    ]
)
hooks.Filters.ENV_PATCHES.add_items(
    [
        (path.name, path.read_text("utf-8"))
        for path in sorted((_HERE / "patches").iterdir())
        if path.is_file()
    ],
    priority=hooks.priorities.LOW,  # after what other plugins say of the platform's tracking
)
# the table that a right is given on has to be there: first the platform's task, then the database's
hooks.Filters.CLI_DO_INIT_TASKS.add_items(
    [
        (service, (_HERE / "templates" / "trackside" / "tasks" / f"{service}.sh").read_text("utf-8"))
        for service in ("lms", "mysql")
    ]
)
hooks.Filters.IMAGES_BUILD.add_item(
    ("trackside", ("plugins", "trackside", "image"), "{{ TRACKSIDE_DOCKER_IMAGE }}", ())
)
hooks.Filters.IMAGES_BUILD_REQUIRED.add_item("trackside")
hooks.Filters.IMAGES_PULL.add_item(("trackside", "{{ TRACKSIDE_DOCKER_IMAGE }}"))
hooks.Filters.IMAGES_PUSH.add_item(("trackside", "{{ TRACKSIDE_DOCKER_IMAGE }}"))
for _image in ("openedx", "trackside"):
    hooks.Filters.MOUNTED_DIRECTORIES.add_item((_image, "trackside"))


def keep_to_oneself(root: str, _: Any) -> None:
    """Leave the server's configuration, which has secrets, to the user that the server runs as, where we can.

    `root` is the folder of what was rendered.
    """
    path = Path(root) / _CONFIG_FILE
    user_id = os.getuid() if hasattr(os, "getuid") else None
    if not path.exists() or user_id not in (0, _USER_ID):
        return  # another user's server could not read it then; Tutor's own files with secrets are as they are too
    path.chmod(0o600)
    if user_id == 0:
        os.chown(path, _USER_ID, _USER_ID)


if hasattr(hooks.Actions, "ENV_SAVED"):  # Tutor 21 has no such moment
    hooks.Actions.ENV_SAVED.add()(keep_to_oneself)
