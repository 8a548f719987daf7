"""Makes the site's database with N accounts: `python -m benchmarks.baseline.prepare N`."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.baseline.settings")


def main(accounts: int) -> None:
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    User.objects.bulk_create(
        User(id=number, username=f"learner{number:05}", email=f"learner{number:05}@example.org", password="!")
        for number in range(1, accounts + 1)
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
