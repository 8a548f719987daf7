"""A project whose requests are greenlets asks before it acts, and its queries work before, after and meanwhile."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PATCH = "from gevent import monkey; monkey.patch_all()"
PROJECT = """
import sys, time
import django
from django.conf import settings
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
    INSTALLED_APPS=["trackside.django"],
    SECRET_KEY="secret",
    TRACKSIDE={
        "backends": {},
        "webfilters": {"allow_private_networks": True, "emit": False},
        "webhooks": {"allow_private_networks": True},
    },
)
django.setup()
"""
QUESTIONS = """
import gevent
from gevent.server import StreamServer
from django.core.management import call_command
from django.db import connection
from trackside.django.webfilters import actions, installing
from trackside.django.webfilters.models import Webfilter, WebfilterQuestion
from trackside.webfilters import FilterPoint, webfilter

POINT = FilterPoint("test.asked", sends={"name": str}, changes={"name": str})
ANSWER = b'{"data": {"name": "New"}}'

def receive(peer, _):
    while peer.recv(65536):
        gevent.sleep(0.3)
        peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%b" % (len(ANSWER), ANSWER))

def request(number):
    assert Webfilter.objects.count() == 1
    found = webfilter(POINT, {"name": "Old"}).data["name"]
    assert Webfilter.objects.count() == 1
    connection.close()
    return found

def meanwhile():
    done = 0
    while not all(each.ready() for each in requests):
        Webfilter.objects.count()
        done += 1
        gevent.sleep(0.01)
    connection.close()
    return done

call_command("migrate", verbosity=0)
server = StreamServer(("127.0.0.1", 0), receive)
server.start()
url = f"http://localhost:{server.server_port}/"
actions.create({"name": "crm", "point": POINT.name, "url": url, "timeout_s": 30}, by="test")
began = time.monotonic()
requests = [gevent.spawn(request, number) for number in range(10)]
other = gevent.spawn(meanwhile)
gevent.joinall([*requests, other], raise_error=True)
assert [each.value for each in requests] == ["New"] * 10
assert time.monotonic() - began < 0.3 * 9, "one after the other"
assert other.value >= 5, other.value
assert installing.flush()
assert WebfilterQuestion.objects.filter(decision="changed").count() == 10
print("all is well")
"""


def test_questions_of_greenlets(tmp_path: Path) -> None:
    """Ten requests ask at the same time, and take hardly longer than one."""
    pytest.importorskip("gevent", reason="gevent is not installed")
    result = subprocess.run(
        [sys.executable, "-c", f"{PATCH}\n{PROJECT}\n{QUESTIONS}", str(tmp_path / "db.sqlite3")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
    )
    assert result.stdout == "all is well\n", result.stderr
