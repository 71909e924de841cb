"""Data is found in a stated order, named by its content, and written whole or not at all."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from toys import LATE, SOURCE, project

from portfolio.data.source import DataFile, fetch, find, refresh, renew
from portfolio.errors import DataError
from portfolio.spec import Dataset, ModelSpec

REAL, TWIN = b"pieces\n1\n", b"pieces\n2\n"
NOWHERE = "http://127.0.0.1:9/orders.csv"


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    """A project with a bundled sample, a mirror name and a public address that nobody serves."""
    datasets = (
        Dataset(name="Orders", licence="CC0", sha256=(sha256(REAL).hexdigest(),)),
        Dataset(name="Orders twin", licence="CC0", sha256=(sha256(TWIN).hexdigest(),), synthetic=True),
    )
    source = replace(SOURCE, mirror="toy/orders.csv", url=NOWHERE, datasets=datasets)
    placed = project(replace(LATE, source=source), tmp_path / "project")
    sample = placed.root / "data" / "sample" / source.sample
    sample.parent.mkdir(parents=True)
    sample.write_bytes(gzip.compress(TWIN))
    return placed


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    (tmp_path / "mirror" / "toy").mkdir(parents=True)
    (tmp_path / "mirror" / "toy" / "orders.csv").write_bytes(REAL)
    return tmp_path / "mirror"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def raw(spec: ModelSpec, name: str = "orders.csv", content: bytes = REAL) -> Path:
    path = spec.root / "data" / "raw" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_without_anything_else_the_synthetic_sample_is_found_and_says_so(spec: ModelSpec) -> None:
    found = find(spec)
    assert found.dataset.label == "Orders twin (synthetic sample)"
    assert not (spec.root / "data" / "raw" / "orders.csv").exists()  # or the sample would shadow the real data later


def test_the_mirror_comes_before_the_sample_and_fills_raw(spec: ModelSpec, mirror: Path) -> None:
    assert find(spec, mirror=str(mirror)).dataset.name == "Orders"
    assert (spec.root / "data" / "raw" / "orders.csv").read_bytes() == REAL


def test_a_mirror_may_be_an_address(spec: ModelSpec, mirror: Path) -> None:
    with served(mirror) as address:
        assert find(spec, mirror=address).dataset.name == "Orders"


def test_a_mirror_that_lacks_the_file_leaves_the_sample(spec: ModelSpec, tmp_path: Path) -> None:
    with served(tmp_path) as address:
        assert find(spec, mirror=f"{address}/empty").dataset.synthetic


def test_after_a_mirror_that_lacks_the_file_comes_the_public_address(spec: ModelSpec, mirror: Path) -> None:
    with served(mirror / "toy") as address:
        public = replace(spec, source=replace(spec.source, url=f"{address}/orders.csv"))
        assert find(public, mirror=f"{address}/empty").dataset.name == "Orders"


def test_raw_comes_before_the_mirror_whatever_its_case(spec: ModelSpec, mirror: Path) -> None:
    raw(spec, "Orders.CSV", b"mine\n")
    found = find(spec, mirror=str(mirror))
    assert found.path.name == "Orders.CSV"
    assert found.dataset.name.startswith("unlisted data ")


def test_a_named_file_comes_first_and_is_looked_for_in_the_project_too(spec: ModelSpec) -> None:
    raw(spec, "other.csv")
    assert find(spec, named=Path("data/raw/other.csv")).dataset.name == "Orders"


def test_a_named_file_that_is_missing_is_an_error_with_a_remedy(spec: ModelSpec) -> None:
    raw(spec)
    with pytest.raises(DataError, match=r"no file nowhere.csv.*make data"):
        find(spec, named=Path("nowhere.csv"))


def test_content_names_the_data_not_its_path(spec: ModelSpec) -> None:
    assert find(spec, named=raw(spec, "looks_real.csv", TWIN)).dataset.synthetic


def test_the_public_copy_is_taken_when_its_hash_is_pinned(spec: ModelSpec, mirror: Path) -> None:
    with served(mirror / "toy") as address:
        public = replace(spec, source=replace(spec.source, url=f"{address}/orders.csv"))
        assert find(public).dataset.name == "Orders"


def test_a_public_copy_with_another_hash_is_refused_and_leaves_nothing(spec: ModelSpec, mirror: Path) -> None:
    (mirror / "toy" / "orders.csv").write_bytes(b"altered\n")
    with served(mirror / "toy") as address:
        public = replace(spec, source=replace(spec.source, url=f"{address}/orders.csv"))
        assert fetch(public) is None
        assert find(public).dataset.synthetic
    assert list((spec.root / "data" / "raw").iterdir()) == []


def test_a_download_that_breaks_off_is_no_data_set(spec: ModelSpec) -> None:
    class Broken(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(2 * len(REAL)))
            self.end_headers()
            self.wfile.write(REAL)

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        found = find(spec, mirror=f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert found.dataset.synthetic
    assert list((spec.root / "data" / "raw").iterdir()) == []


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(REAL * 99)[:-20]], ids=["no gzip", "cut off"])
def test_a_compressed_file_that_can_not_be_read_is_one_clear_error(spec: ModelSpec, content: bytes) -> None:
    with pytest.raises(DataError, match=r"orders\.csv\.gz can't be read"):
        find(spec, named=raw(spec, "orders.csv.gz", content))


def test_a_folder_is_no_data_file(spec: ModelSpec) -> None:
    with pytest.raises(DataError, match="no file"):
        find(spec, named=Path("data"))


def test_refresh_writes_the_sample_where_nothing_else_can_be_had(spec: ModelSpec) -> None:
    found = refresh(spec)
    assert (found.path, found.path.read_bytes()) == (spec.root / "data" / "raw" / "orders.csv", TWIN)
    assert found.dataset.synthetic


def test_refresh_replaces_the_sample_as_soon_as_the_real_data_can_be_had(spec: ModelSpec, mirror: Path) -> None:
    refresh(spec)
    assert refresh(spec, mirror=str(mirror)).dataset.name == "Orders"


def test_refresh_never_touches_a_users_own_file(spec: ModelSpec, mirror: Path) -> None:
    mine = raw(spec, content=b"mine\n")
    refresh(spec, mirror=str(mirror))
    assert mine.read_bytes() == b"mine\n"


def anything(file: DataFile) -> None:
    """Data that is always right."""


def test_renewing_takes_what_the_mirror_holds_today_and_keeps_what_was_there(spec: ModelSpec, mirror: Path) -> None:
    kept = raw(spec, content=b"mine\n")
    assert renew(spec, anything, mirror=str(mirror)).dataset.name == "Orders"
    assert {path.name: path.read_bytes() for path in kept.parent.iterdir()} == {
        "orders.csv": REAL,
        "orders.csv.before": b"mine\n",
    }
    renew(spec, anything, mirror=str(mirror))
    assert kept.with_name("orders.csv.before").read_bytes() == b"mine\n", "the same content replaces nothing"


def test_renewing_without_a_mirror_leaves_real_data_and_fills_what_is_empty(spec: ModelSpec) -> None:
    assert renew(spec, anything).dataset.synthetic
    raw(spec, content=b"mine\n")
    assert renew(spec, anything).path.read_bytes() == b"mine\n"


def test_renewing_from_a_mirror_that_lacks_the_file_leaves_what_is_there(spec: ModelSpec, tmp_path: Path) -> None:
    kept = raw(spec, "Orders.CSV", b"mine\n")
    assert renew(spec, anything, mirror=str(tmp_path / "empty")).path == kept
    assert [path.name for path in kept.parent.iterdir()] == ["Orders.CSV"]
