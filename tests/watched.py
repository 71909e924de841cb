"""What rules and dashboards ask of Prometheus."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
GRAFANA = ROOT / "deploy" / "grafana"
RULES = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.yml"))

KEYWORDS = frozenset(("and", "or", "unless", "on", "by", "group_left", "group_right", "offset", "bool"))
SELECTOR = re.compile(r"(?<![\w.])([a-zA-Z_:][\w:]*+)(?!\s*\()(\{[^}]*\})?")
LABEL_LIST = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
SECONDS = re.compile(r"\[[^\]]*\]|\boffset\s+\w+|\$__\w+")


def selectors(expression: str) -> set[str]:
    """What an expression asks the database for: names of metrics with their matchers."""
    strings: list[str] = []

    def keep(found: re.Match[str]) -> str:
        strings.append(found[0])
        return f'"{len(strings) - 1}"'

    bare = re.sub(r'"[^"]*"', keep, expression)
    bare = SECONDS.sub("", LABEL_LIST.sub(" ", bare))
    found = {name + matchers for name, matchers in SELECTOR.findall(bare) if name not in KEYWORDS}
    return {re.sub(r'"(\d+)"', lambda at: strings[int(at[1])], each) for each in found}


def metric_of(selector: str) -> str:
    """The name before the matchers."""
    return selector.partition("{")[0]


def rules() -> list[dict[str, Any]]:
    """Every rule, of all files."""
    documents = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in RULES)
    return [rule for document in documents for group in document["groups"] for rule in group["rules"]]


def recorded() -> set[str]:
    """Names that rules make."""
    return {rule["record"] for rule in rules() if "record" in rule}


def dashboards() -> dict[str, dict[str, Any]]:
    """Every dashboard by its uid."""
    read = (json.loads(path.read_text(encoding="utf-8")) for path in sorted((GRAFANA / "dashboards").glob("*.json")))
    return {board["uid"]: board for board in read}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """What shows something."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions(board: dict[str, Any], **variables: str) -> list[str]:
    """Every expression of a dashboard as Grafana would send it."""
    found = [target["expr"] for panel in panels(board) for target in panel["targets"]]
    for name, value in {"__rate_interval": "1m", **variables}.items():
        found = [each.replace(f"${name}", value) for each in found]
    return found
