"""The MLflow registry: runs, versions, aliases. The only importer of mlflow, and that at first use."""

from portfolio.registry.ask import (
    ARCHIVED_AT,
    CHALLENGER,
    CHAMPION,
    PIN,
    PREVIOUS,
    PROMOTED_AT,
    SIGNED_BY,
    RegisteredVersion,
    champion,
    find_version,
    pointed,
    reachable,
    require,
)
from portfolio.registry.client import (
    attach_signature,
    download,
    download_manifest,
    point,
    register,
    tag,
    unpoint,
)
from portfolio.registry.listing import Listed, list_versions, read_metrics

__all__ = [
    "ARCHIVED_AT",
    "CHALLENGER",
    "CHAMPION",
    "PIN",
    "PREVIOUS",
    "PROMOTED_AT",
    "SIGNED_BY",
    "Listed",
    "RegisteredVersion",
    "attach_signature",
    "champion",
    "download",
    "download_manifest",
    "find_version",
    "list_versions",
    "point",
    "pointed",
    "reachable",
    "read_metrics",
    "register",
    "require",
    "tag",
    "unpoint",
]
