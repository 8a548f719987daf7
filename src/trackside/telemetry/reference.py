"""The reference page of metrics and internal events, made from the catalogue."""

import inspect
import re

from trackside.telemetry import catalogue
from trackside.telemetry.metrics import Gauge, Metric, declared_metrics
from trackside.telemetry.signals import Signal, declared_signals

_HEAD = """\
# Telemetry

<!-- Made by `trackside config reference`; changes belong into the catalogue in the source. -->

The names, labels and fields on this page are part of what users rely on.

## Metrics

`GET /metrics` answers in Prometheus's text format, for all processes of the server together. Counters go on
where they were after a restart; a process that is killed loses about the last second of its counting. Times
are in seconds, sizes in bytes.

| metric | kind | labels | |
|---|---|---|---|
"""

_SIGNALS = """
## Internal events

Code in the same process can listen:

```python
from trackside.telemetry.catalogue import DESTINATION_STATE_CHANGED

DESTINATION_STATE_CHANGED.subscribe(lambda change: page_somebody(change.destination, change.state))
```

Handlers are called at once, on the thread where it happened, and must be quick; what they raise is logged,
counted, and reaches nobody else. `subscribe` returns a function that ends it.
"""


def page() -> str:
    """Return the page in Markdown."""
    rows = "\n".join(_row(metric) for metric in declared_metrics())
    return _HEAD + rows + "\n" + _SIGNALS + "".join(_section(signal) for signal in declared_signals())


def _row(metric: Metric) -> str:
    kind = f"{metric.kind}, latest" if isinstance(metric, Gauge) and metric.merge == "latest" else metric.kind
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {kind} | {labels} | {metric.sentence} |"


def _section(signal: "Signal[catalogue.LogCommitted]") -> str:
    constant = next(name for name, value in vars(catalogue).items() if value is signal)
    fields = inspect.get_annotations(signal.payload)
    names = ", ".join(f"`{name}` ({_type(kind)})" for name, kind in fields.items())
    return f"\n### `{signal.name}`\n\n`catalogue.{constant}`: {inspect.getdoc(signal.payload)}\n\n{names}\n"


def _type(kind: object) -> str:
    return re.sub(r"<class '(\w+)'>", r"\1", str(kind))
