"""Writes the dashboards of Grafana beside it: `python deploy/grafana/dashboards.py`."""

from __future__ import annotations

import json
from pathlib import Path

from panels import Json, dashboard, heatmap, series, stat, table, variable

FOLDER = Path(__file__).parent / "dashboards"
SINGLE_ROWS = 'endpoint=~"/predict|/explain|/invocations|/v2/models/.+/infer"'
WATCHING = (
    "/|/health.*|/v2/health/.*|/v2/models/.+/ready|/ping|/metrics|/stats|/monitoring/stats|/model/.*|/data|/docs|"
    "/openapi.json|/admin/.*|dry_run"
)
CLIENTS = f'endpoint!~"{WATCHING}"'


def portfolio() -> Json:
    """All projects beside one another."""
    overview = table(
        "Projects",
        ("up", "bool_yes_no", 'max by (project) (up{job="apis"})'),
        ("", "none", 'max by (project, version) (model_info{job="apis"})'),
        ("requests", "reqps", "project:http_requests:rate5m"),
        ("errors", "percentunit", "project:http_errors:ratio5m"),
        ("p95", "s", "project:http_request_seconds:p95_5m"),
        ("predictions in 24 h", "short", 'sum by (project) (increase(predictions_total{job="apis"}[1d]))'),
        ("drifted features", "percentunit", "max by (project) (monitoring_drifted_share)"),
        ("", "none", "max by (project, decision) (monitoring_decision == 1)"),
        ("journal backlog", "s", "max by (project) (journal_oldest_seconds)"),
        labels={"version": "model version", "decision": "last decision"},
    )
    alerts = table(
        "Firing alerts",
        ("", "none", 'max by (project, alertname, severity) (ALERTS{alertstate="firing"})'),
        labels={"alertname": "alert"},
    )
    each = "{{project}}"
    rows = [
        ("", 7, [overview]),
        ("", 6, [alerts]),
        (
            "Traffic",
            8,
            [
                series("Requests", "reqps", ("project:http_requests:rate5m", each)),
                series("Answers that are 5xx", "percentunit", ("project:http_errors:ratio5m", each)),
                series("95 % of single answers take at most", "s", ("project:http_request_seconds:p95_5m", each)),
            ],
        ),
        (
            "Models",
            8,
            [
                series("Predictions", "cps", ("project:predictions:rate5m", each)),
                series("Features that drifted", "percentunit", ("monitoring_drifted_share", each), top=1),
                series("Oldest prediction not in the store", "s", ("journal_oldest_seconds", each)),
            ],
        ),
    ]
    return dashboard("portfolio", "Portfolio", rows, [])


def model() -> Json:
    """One project, from its requests to what is known of its answers."""
    variables = [
        variable("project", "Project", 'label_values(up{job="apis"}, project)'),
        variable("metric", "Metric", 'label_values(monitoring_reference{project="$project"}, metric)'),
    ]
    rows = [
        ("", 4, _state()),
        ("Service", 8, _service()),
        ("Predictions", 8, _predictions()),
        ("Monitoring", 8, _drift()),
        ("", 8, _performance()),
        ("Journal", 8, _journal()),
        ("Workers", 8, _workers()),
    ]
    return dashboard("model", "Model", rows, variables)


def _state() -> list[Json]:
    return [
        stat("API", "none", 'max(up{job="apis", project="$project"})', good="up/down"),
        stat("Model", "none", 'min(model_loaded{job="apis", project="$project"})', good="loaded/none"),
        stat("Version", "none", 'max by (version) (model_info{project="$project"})', legend="{{version}}"),
        stat("Last decision", "none", 'monitoring_decision{project="$project"} == 1', legend="{{decision}}"),
        stat("Last run ago", "s", 'time() - (monitoring_last_run_timestamp_seconds{project="$project"} > 0)'),
        stat("Store", "none", 'min(journal_store_up{project="$project"})', good="reached/away"),
    ]


def _service() -> list[Json]:
    statuses = (
        f'sum by (status) (rate(http_requests_total{{job="apis", project="$project", {CLIENTS}}}[$__rate_interval]))'
    )
    spread = f'http_request_duration_seconds_bucket{{job="apis", project="$project", {SINGLE_ROWS}}}[$__rate_interval]'
    quantiles = [
        (f"histogram_quantile({q}, sum by (le) (rate({spread})))", name)
        for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
    ]
    errors = ("5m", "1h", "6h", "3d")
    return [
        series("Requests by status", "reqps", (statuses, "{{status}}")),
        series(
            "Time to answer single rows", "s", *quantiles, about="Bounds of buckets are exact, between them is guessed."
        ),
        series(
            "Answers that are 5xx",
            "percentunit",
            *[(f'project:http_errors:ratio{window}{{project="$project"}}', f"over {window}") for window in errors],
            about="99.9 % availability allows 0.1 %.",
        ),
    ]


def _predictions() -> list[Json]:
    scores = " or ".join(
        f'sum by (le) (increase(prediction_{kind}_bucket{{job="apis", project="$project"}}[$__rate_interval]))'
        for kind in ("probability", "value")
    )
    return [
        series(
            "Predictions, and this hour on the days before",
            "cps",
            ('project:predictions:rate1h{project="$project"}', "last hour"),
            ('project:predictions_usual:rate1h{project="$project"}', "usual"),
        ),
        series(
            "Predictions by outcome",
            "cps",
            (
                'sum by (outcome) (rate(predictions_total{job="apis", project="$project"}[$__rate_interval]))',
                "{{outcome}}",
            ),
        ),
        heatmap("Scores", "short", scores),
    ]


def _drift() -> list[Json]:
    return [
        series(
            "Drift by feature (PSI)",
            "short",
            ('model_prediction_drift{job="monitoring", project="$project"}', "{{feature}}"),
            about="0.1 is watched, 0.2 acted on, unless the project's configuration says otherwise.",
        ),
        series(
            "Features that drifted", "percentunit", ('monitoring_drifted_share{project="$project"}', "share"), top=1
        ),
        series(
            "Predictions in the window", "short", ('monitoring_window_predictions{project="$project"}', "predictions")
        ),
    ]


def _performance() -> list[Json]:
    found = (("performance", "on labels"), ("estimated", "estimated"), ("reference", "when tested"))
    return [
        series(
            "$metric",
            "short",
            *[(f'monitoring_{kind}{{project="$project", metric="$metric"}}', legend) for kind, legend in found],
        ),
        series(
            "Predictions that have a label",
            "percentunit",
            ('monitoring_label_coverage{project="$project"}', "share"),
            top=1,
        ),
        series("Delay of labels", "s", ('monitoring_label_delay_seconds{project="$project"}', "median")),
    ]


def _journal() -> list[Json]:
    rates = (("predictions", "written"), ("shipped", "into the store"), ("lost", "lost"))
    return [
        series(
            "Predictions kept",
            "cps",
            *[
                (f'sum(rate(journal_{kind}_total{{job="apis", project="$project"}}[$__rate_interval]))', legend)
                for kind, legend in rates
            ],
        ),
        series(
            "Journal",
            "bytes",
            ('journal_bytes{project="$project"}', "taken"),
            ('journal_max_bytes{project="$project"}', "may be taken"),
            ('journal_disk_free_bytes{project="$project"}', "free on the disk"),
        ),
        series("Oldest prediction not in the store", "s", ('journal_oldest_seconds{project="$project"}', "age")),
    ]


def _workers() -> list[Json]:
    of = '{job="apis", project="$project"}'
    return [
        series("Memory of all workers", "bytes", (f"process_resident_memory_bytes{of}", "resident")),
        series("Cores in use", "short", (f"rate(process_cpu_seconds_total{of}[$__rate_interval])", "cores")),
        series("Open files and connections", "short", (f"process_open_fds{of}", "open")),
    ]


def main() -> None:
    """Write both files."""
    for made in (portfolio(), model()):
        text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
        (FOLDER / f"{made['uid']}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
