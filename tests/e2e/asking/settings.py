"""The server's own project with a page that registers; each request is a transaction."""

import os

from trackside.server.site.settings import *  # noqa: F403
from trackside.server.site.settings import DATABASES

SECRET_KEY = "85920908f28904ed733fe576320db18cabd7b6cd"
ROOT_URLCONF = "tests.e2e.asking.urls"
DATABASES["default"]["ATOMIC_REQUESTS"] = True
TRACKSIDE = {
    "data_dir": os.environ["TRACKSIDE_DATA_DIR"],  # type: ignore[dict-item]  # the type is that of what it takes the place of
    "webhooks": {"allow_private_networks": True},
    "tracker": {"enabled": False},
}
