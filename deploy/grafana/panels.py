"""Parts of Grafana's classic dashboard model (schema 39: Grafana 11 and later bring it up to their own)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

SOURCE = {"type": "prometheus", "uid": "prometheus"}
WIDTH = 24
"""Columns of Grafana's grid."""


def series(title: str, unit: str, *targets: tuple[str, str], about: str = "", top: float | None = None) -> Json:
    """Lines over time; a target is (expression, legend). `top` is the axis' end where the unit has one."""
    custom = {"fillOpacity": 8, "lineWidth": 2, "showPoints": "auto", "spanNulls": 120_000}
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return _panel("timeseries", title, _queries(targets), about) | {
        "options": options,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0, "max": top, "custom": custom}, "overrides": []},
    }


def stat(title: str, unit: str, expression: str, *, legend: str = "", good: str = "") -> Json:
    """One figure; with a legend it is the legend that is shown. 1 is good and 0 bad where `good` names both."""
    mappings: list[Json] = []
    if good:
        yes, no = good.split("/")
        shown = {"1": {"text": yes, "color": "green"}, "0": {"text": no, "color": "red"}}
        mappings = [{"type": "value", "options": shown}]
    plain = {"mode": "absolute", "steps": [{"color": "text", "value": None}]}
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "name" if legend else "value",
        "graphMode": "none",
        "colorMode": "value",
    }
    query = _queries([(expression, legend)])
    query[0] |= {"instant": True, "range": False}
    return _panel("stat", title, query) | {
        "options": options,
        "fieldConfig": {"defaults": {"unit": unit, "mappings": mappings, "thresholds": plain}, "overrides": []},
    }


def heatmap(title: str, unit: str, expression: str) -> Json:
    """How values of a histogram spread over time."""
    queries = _queries([(expression, "{{le}}")])
    queries[0]["format"] = "heatmap"
    options = {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Blues", "steps": 32},
        "yAxis": {"unit": unit},
        "tooltip": {"mode": "single", "yHistogram": True},
        "legend": {"show": False},
    }
    return _panel("heatmap", title, queries) | {
        "options": options,
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
    }


def table(title: str, *columns: tuple[str, str, str], labels: Json | None = None) -> Json:
    """A row for each combination of labels; a column is (name, unit, expression), one without a name shows labels only.

    `labels` renames what labels are called in the head; "" leaves one out.
    """
    queries = _queries([(expression, "") for _, _, expression in columns])
    named, hidden, overrides = {}, {"Time": True}, []
    for query, (name, unit, _) in zip(queries, columns, strict=True):
        query |= {"format": "table", "instant": True, "range": False}
        value = f"Value #{query['refId']}" if len(queries) > 1 else "Value"
        if name:
            named[value] = name
            matcher = {"id": "byName", "options": name}
            overrides.append({"matcher": matcher, "properties": [{"id": "unit", "value": unit}]})
        else:
            hidden[value] = True
    for label, shown in (labels or {}).items():
        named |= {label: shown} if shown else {}
        hidden |= {} if shown else {label: True}
    organize = {"id": "organize", "options": {"excludeByName": hidden, "renameByName": named}}
    return _panel("table", title, queries) | {
        "transformations": [{"id": "merge", "options": {}}, organize],
        "options": {"showHeader": True},
        "fieldConfig": {"defaults": {"unit": "none"}, "overrides": overrides},
    }


def dashboard(uid: str, title: str, rows: Iterable[tuple[str, int, list[Json]]], variables: list[Json]) -> Json:
    """A page; a row is (title or "", height, panels of one width)."""
    panels: list[Json] = []
    y = 0
    for name, height, members in rows:
        if name:
            panels.append(
                {"type": "row", "title": name, "collapsed": False, "gridPos": _at(0, y, WIDTH, 1), "panels": []}
            )
            y += 1
        width = WIDTH // len(members)
        panels += [panel | {"gridPos": _at(place * width, y, width, height)} for place, panel in enumerate(members)]
        y += height
    return {
        "uid": uid,
        "title": title,
        "tags": ["portfolio"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": variables},
        "annotations": {"list": []},
        "links": [
            {
                "type": "dashboards",
                "tags": ["portfolio"],
                "title": "Portfolio",
                "asDropdown": False,
                "includeVars": True,
            }
        ],
        "panels": [{"id": number} | panel for number, panel in enumerate(panels, start=1)],
    }


def variable(name: str, label: str, query: str) -> Json:
    """A choice among a label's values, on top of the page."""
    asked = {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"}
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": SOURCE,
        "definition": query,
        "query": asked,
        "refresh": 2,
        "sort": 1,
        "multi": False,
        "includeAll": False,
    }


def _panel(kind: str, title: str, targets: list[Json], about: str = "") -> Json:
    return {"type": kind, "title": title, "description": about, "datasource": SOURCE, "targets": targets}


def _queries(targets: Iterable[tuple[str, str]]) -> list[Json]:
    return [
        {
            "refId": chr(ord("A") + place),
            "datasource": SOURCE,
            "expr": expression,
            "legendFormat": legend,
            "range": True,
        }
        for place, (expression, legend) in enumerate(targets)
    ]


def _at(x: int, y: int, w: int, h: int) -> Json:
    return {"x": x, "y": y, "w": w, "h": h}
