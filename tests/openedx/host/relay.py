"""Moves what waits in the outbox, as `manage.py trackside relay` does."""

import django


def main() -> None:
    """Move."""
    django.setup()
    from django.db import connections

    from trackside.django.outbox.relay import Relay
    from trackside.django.outbox.settings import current

    step = Relay(connections["default"].copy(), current()).drain()
    assert not step.left, step


if __name__ == "__main__":
    main()
