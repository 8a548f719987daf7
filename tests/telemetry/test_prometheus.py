"""Prometheus's own parser reads what /metrics says."""

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from trackside.telemetry import catalogue, declared_metrics, exposition, snapshot


def samples() -> list[Sample]:
    text = exposition([snapshot()]).decode()
    assert text.endswith("\n")
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def test_every_metric_is_described() -> None:
    """The name, kind and sentence of each metric are there, also before anything was counted."""
    families = {family.name: family for family in text_string_to_metric_families(exposition([]).decode())}
    for metric in declared_metrics():
        name = metric.name.removesuffix("_total") if metric.kind == "counter" else metric.name
        assert (families[name].type, families[name].documentation) == (metric.kind, metric.sentence)


def test_values_and_labels() -> None:
    """Label values come back as they were, whatever is in them."""
    odd = 'a "quoted"\\ name\nwith a line and \N{SNOWMAN}'
    catalogue.REQUESTS.add(2, odd, "200")
    catalogue.DELIVERY_LAG_S.set(0.25, "crm")
    found = {(each.name, tuple(each.labels.values())): each.value for each in samples()}
    assert found["trackside_requests_total", (odd, "200")] == 2
    assert found["trackside_delivery_lag_seconds", ("crm",)] == 0.25
    assert found["trackside_connections", ()] == 0


def test_histogram_buckets_are_cumulative() -> None:
    """Each bucket counts all values up to its bound, the last one all of them."""
    for value in (0.0001, 0.002, 0.002, 99.0):
        catalogue.LOG_COMMIT_S.observe(value)
    found = [each for each in samples() if each.name.startswith("trackside_log_commit_seconds")]
    buckets = [each.value for each in found if each.name.endswith("_bucket")]
    assert buckets == sorted(buckets)
    bounds = {each.labels["le"]: each.value for each in found if each.name.endswith("_bucket")}
    assert (bounds["0.0005"], bounds["0.0025"], bounds["30"], bounds["+Inf"]) == (1, 3, 3, 4)
    assert [each.value for each in found if each.name.endswith(("_count", "_sum"))] == [99.0041, 4]
