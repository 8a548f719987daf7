"""Sends calls with segment-analytics-python: python segment_python.py URL WRITE_KEY COUNT plain|gzip."""

import sys

from segment.analytics.client import Client


def main(url: str, write_key: str, count: int, encoding: str) -> None:
    """Send the calls and return when the SDK's queue is empty; exit 1 where the SDK saw an error."""
    errors: list[object] = []
    client = Client(
        write_key, host=url, gzip=encoding == "gzip", on_error=lambda error, _items: errors.append(error)
    )
    for n in range(count):
        user = f"user-{n % 7}"
        match n % 10:
            case 0:
                client.identify(user, {"n": n})
            case 1:
                client.page(user, "docs", "intro", {"n": n})
            case 2:
                client.screen(user, "docs", "intro", {"n": n})
            case 3:
                client.group(user, "group-1", {"n": n})
            case 4:
                client.alias(f"anonymous-{n}", user)
            case _:
                client.track(user, "Lesson Started", {"n": n, "title": "Überblick 🙂"})
    client.flush()
    client.shutdown()
    sys.exit(f"{len(errors)} errors, the first: {errors[0]}" if errors else 0)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
