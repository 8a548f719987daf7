"""Rows whose requests show a certificate: its files are where the operator put them."""

from pathlib import Path

import pytest

from tests.outbound.certificates import Authority, server_tls
from tests.outbound.servers import serving_in_a_thread
from tests.webfilters.test_over_http import saying
from tests.webfilters.tools import ENROLLMENT
from trackside.django.secret_rows.refusals import WrongSettings
from trackside.django.webfilters import actions
from trackside.django.webfilters.models import Webfilter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("around")]


@pytest.mark.slow
def test_the_receiver_knows_us_by_it(tmp_path: Path) -> None:
    """The row names the file within the data directory, and keeps that name."""
    (tmp_path / "tls").mkdir()
    authority = Authority(tmp_path / "tls")
    ours = Path(authority.issue("us")).relative_to(tmp_path)
    context = server_tls(authority.issue("receiver", "127.0.0.1"), clients_of=authority)
    with serving_in_a_thread(saying(b'{"data": {"mode": "verified"}}'), context) as server:
        row = actions.create(
            {
                "name": "crm",
                "url": server.url(),
                "point": ENROLLMENT.name,
                "tls_ca_file": str(authority.file.relative_to(tmp_path)),
                "tls_certificate_file": str(ours),
            },
            by="test",
        )
        assert actions.try_row_out(row).hooks[0].outcome == "changed"
        row = Webfilter.objects.get()
        assert row.tls_certificate_file == str(ours)
        actions.change(row, by="test", tls_certificate_file="")
        assert actions.try_row_out(Webfilter.objects.get()).hooks[0].outcome == "failed"


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("/etc/passwd", "want a file in the folder tls of the data directory"),
        ("tls/../../etc/passwd", "want a file in the folder tls"),
        ("elsewhere/ca.pem", "want a file in the folder tls"),
        ("tls/none.pem", "cannot be used"),
    ],
)
def test_other_files_are_not_looked_at(file: str, told: str) -> None:
    """Whoever edits rows must not find out what is on the machine's disk."""
    row = {"name": "x", "url": "https://93.184.216.34/", "point": ENROLLMENT.name}
    with pytest.raises(WrongSettings) as refused:
        actions.create({**row, "tls_ca_file": file}, by="test")
    assert told in str(refused.value)
    assert Webfilter.objects.count() == 0
