"""The MLflow registry: runs, versions, aliases. The only importer of mlflow, and that at first use."""

from portfolio.registry.ask import (
    CHALLENGER,
    CHAMPION,
    PIN,
    PREVIOUS,
    PROMOTED_AT,
    SIGNED_BY,
    RegisteredVersion,
    champion,
    find_version,
    reachable,
    require,
)
from portfolio.registry.client import attach_signature, download, point, register, tag

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "PIN",
    "PREVIOUS",
    "PROMOTED_AT",
    "SIGNED_BY",
    "RegisteredVersion",
    "attach_signature",
    "champion",
    "download",
    "find_version",
    "point",
    "reachable",
    "register",
    "require",
    "tag",
]
