"""What browser events and reports of clients with their own clock cost, durably: `python -m benchmarks.clients`.

Each protocol beside the limit, which gets the same bytes. The baseline is what an event costs a site today: the
Django view of Segment's webhook, which emits as the platform's views do. How it is measured: benchmarks/collector.py.
"""

import random
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from benchmarks.lib import client_events, events, load, scratch, servers, trackside_data
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from benchmarks.lib.rounds import Case, Measured, measure
from benchmarks.lib.servers import Server

MOST_US = 80
BASELINE, LIMIT, LOG_ONLY, WHOLE = "baseline", "limit", "log only", "trackside"
PROTOCOLS = {
    "/event, form": ("/event", client_events.browser_form, client_events.FORM),
    "/event, beacon": ("/event", client_events.browser_beacon, client_events.PLAIN),
    "/a/": ("/a/", client_events.report, client_events.PLAIN),
}
SERVERS = (LIMIT, WHOLE, LOG_ONLY)
Key = tuple[str, str]


def run(*, rounds: int, seconds: float) -> Report:
    """Measure all protocols and return the report."""
    load.require_wrk()
    seed = random.SystemRandom().randrange(1 << 20)
    with scratch.folder() as folder, ExitStack() as stack:
        pools, sizes = _pools(folder, seed)
        site = stack.enter_context(servers.baseline(folder / BASELINE))
        ours = {kind: stack.enter_context(_server(kind, folder)) for kind in SERVERS}
        cases = {(BASELINE, BASELINE): Case(site, 1, pools[BASELINE])}
        for protocol, (path, _, content_type) in PROTOCOLS.items():
            headers = (f"Content-Type: {content_type}", *client_events.PAGE_HEADERS)
            for kind, server in ours.items():
                cases[protocol, kind] = Case(server.at(path, headers), 1, pools[protocol])
        found = measure([*cases.values()], pool=pools[BASELINE], rounds=rounds, seconds=seconds, seed=seed)
        results = dict(zip(cases, (measured for measured, _ in found), strict=True))
        answered = dict.fromkeys(ours, 0)
        for (_, kind), (measured, warm_up) in zip(cases, found, strict=True):
            if kind in answered:
                answered[kind] += measured.events + warm_up.events
        lost = sum(_lost(kind, ours[kind], answered[kind], rounds) for kind in (WHOLE, LOG_ONLY))
    bytes_each = ", ".join(f"{name} {size:,.0f}" for name, size in sizes.items())
    notes = [
        f"{rounds} rounds of {seconds:g} s each, in turn; medians. Bytes of a body: {bytes_each}.",
        f"Load: wrk on the same machine, 1 thread, {load.CONNECTIONS} connections, with the headers of a page.",
    ]
    return Report(
        "Browsers and clients with their own clock", [_table(results)], _checks(results, lost), notes
    )


def _pools(folder: Path, seed: int) -> tuple[dict[str, Path], dict[str, float]]:
    pools = {name: folder / f"pool-{number}.txt" for number, name in enumerate((BASELINE, *PROTOCOLS))}
    sizes = {BASELINE: events.write_pool(pools[BASELINE], seed=seed)}
    for name, (_, make, _) in PROTOCOLS.items():
        sizes[name] = client_events.write_pool(pools[name], make, seed=seed)
    return pools, sizes


def _server(kind: str, folder: Path) -> AbstractContextManager[Server]:
    directory = folder / kind.replace(" ", "-")
    if kind == LIMIT:
        return servers.limit(directory)
    return servers.clients(directory, tracking_log=kind == WHOLE, name=kind)


def _lost(kind: str, server: Server, answered: int, rounds: int) -> int:
    """Return how many events answered 200 are not kept, or are kept beyond those that wrk cut off."""
    kept = [trackside_data.stored_events(server.directory / "data")]
    if kind == WHOLE:
        kept.append(trackside_data.count_lines(server.directory / "data" / "tracking.log"))
    in_flight = load.CONNECTIONS * (rounds + 1) * len(PROTOCOLS) + 1
    return max(abs(min(count - answered, 0)) + max(count - answered - in_flight, 0) for count in kept)


def _checks(results: dict[Key, Measured], lost: int) -> list[Check]:
    failed = sum(measured.failed for measured in results.values())
    return [
        *(
            Check(
                f"{protocol}, {LOG_ONLY}: CPU per event",
                results[protocol, LOG_ONLY].median("cpu_us"),
                MOST_US,
                "µs",
            )
            for protocol in PROTOCOLS
        ),
        Check("browsers and clients: answers other than 200", failed, 0),
        Check("browsers and clients: events answered 200 and not kept, or kept twice", lost, 0),
    ]


def _table(results: dict[Key, Measured]) -> Table:
    baseline = results[BASELINE, BASELINE].median("cpu_us")
    rows = []
    for (protocol, kind), measured in results.items():
        cpu = measured.median("cpu_us")
        limit = results[(protocol, LIMIT)].median("cpu_us") if protocol in PROTOCOLS else cpu
        rows.append(
            (
                protocol if protocol == kind else f"{protocol}: {kind}",
                f"{number(cpu)} ({number(measured.median('cpu_us_loaded'))})",
                number(baseline / cpu),
                number(cpu / limit) if protocol in PROTOCOLS else "",
                f"{measured.median('events_per_s'):,.0f}",
                number(measured.median("p50_ms")),
                number(measured.median("p99_ms")),
            )
        )
    columns = ("server", "CPU µs/event", "baseline ÷", "÷ limit", "events/s", "p50 ms", "p99 ms")
    return Table("Single events", columns, rows)


if __name__ == "__main__":
    conclude(run, __doc__, rounds=5, seconds=5.0)
