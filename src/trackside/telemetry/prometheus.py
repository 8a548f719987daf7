"""Prometheus's text format, version 0.0.4.

Source: prometheus.io/docs/instrumenting/exposition_formats, read in November 2026.
"""

from collections.abc import Iterable, Iterator

from trackside.telemetry.metrics import Histogram, Labels, Metric, declared_metrics
from trackside.telemetry.snapshots import Snapshot, merge

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(snapshots: Iterable[Snapshot]) -> bytes:
    """Return the sum of `snapshots` as a Prometheus server reads it; the content type is `CONTENT_TYPE`."""
    total = merge(list(snapshots))
    lines: list[str] = []
    for metric in declared_metrics():
        series = total.grown.get(metric.name) or total.gauges.get(metric.name) or []
        if not series and not metric.labels:
            series = [((), [0.0] * (len(metric.bounds) + 2 if isinstance(metric, Histogram) else 1))]
        lines.append(f"# HELP {metric.name} {_escape(metric.sentence, quote=False)}")
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        for labels, numbers in sorted(series):
            lines.extend(_samples(metric, labels, numbers))
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _samples(metric: Metric, labels: Labels, numbers: list[float]) -> Iterator[str]:
    pairs = tuple(zip(metric.labels, labels, strict=False))
    if not isinstance(metric, Histogram):
        yield _sample(metric.name, pairs, numbers[0])
        return
    if len(numbers) != len(metric.bounds) + 2:  # counted by another release, in other ranges
        return
    count = 0.0
    for bound, number in zip((*metric.bounds, float("inf")), numbers[:-1], strict=True):
        count += number
        yield _sample(f"{metric.name}_bucket", (*pairs, ("le", _number(bound))), count)
    yield _sample(f"{metric.name}_sum", pairs, numbers[-1])
    yield _sample(f"{metric.name}_count", pairs, count)


def _sample(name: str, pairs: tuple[tuple[str, str], ...], value: float) -> str:
    labels = ",".join(f'{label}="{_escape(text, quote=True)}"' for label, text in pairs)
    return f"{name}{{{labels}}} {_number(value)}" if labels else f"{name} {_number(value)}"


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _escape(text: str, *, quote: bool) -> str:
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quote else text
