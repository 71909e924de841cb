"""What no linter knows of the workflows: what they run, what they may do, and what their targets answer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DEFINITIONS = [*WORKFLOWS, *sorted((ROOT / ".github" / "actions").glob("*/action.yml"))]
TARGETS = set(re.findall(r"^([a-z-]+):.*?## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
OWN = re.compile(r"\$/\.github/actions/[a-z-]+")
WITHOUT_TARGET = {"images.yml: scan", "images.yml: report"}
"""Jobs that are an action by nature: Trivy's scan, and the upload of what it found."""
LISTING = 'echo "names=$(make projects-json)" >> "$GITHUB_OUTPUT"'
"""The one step that is more than a target: a matrix can be made only of a job's output."""

OF_MAKE = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ARGS", "PROJECT", "INPUT"}
"""What `make test ARGS=...` hands down to these tests, and what their own targets must not see."""

Job = tuple[str, dict[str, Any]]


def jobs() -> Iterator[Job]:
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            yield f"{path.name}: {name}", job


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def runs(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def target_of(command: str) -> str:
    """The target that a step makes; empty where the step is anything else than one make."""
    plain = "make projects-json" if command == LISTING else command
    found = re.fullmatch(r"make ([a-z-]+)(?: [A-Z]+=(?:\"[^\"]*\"|[\w$./-]+))*", plain)
    return found[1] if found else ""


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in OF_MAKE} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_there_are_the_workflows_that_are_promised() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "drift.yml", "images.yml"]


def test_every_folder_of_tests_is_run() -> None:
    folders = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    ran = " ".join(step for _, job in jobs() for step in runs(job)).replace("$PROJECT", "*").replace('"', " ").split()
    assert [folder for folder in folders["testpaths"] if folder not in ran and f"ARGS={folder}" not in ran] == []


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.name)
def test_an_action_is_pinned_to_a_commit_and_says_which_version_that_is(path: Path) -> None:
    used = re.findall(r"\buses:\s*(.+)", path.read_text(encoding="utf-8"))
    assert used
    assert [use for use in used if not PINNED.fullmatch(use) and not OWN.fullmatch(use)] == []


def test_an_action_has_one_version_everywhere() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DEFINITIONS)
    versions: dict[str, set[str]] = {}
    for action, commit in re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40})", text):
        versions.setdefault(action, set()).add(commit)
    assert {action: found for action, found in versions.items() if len(found) > 1} == {}


def test_what_a_job_runs_is_a_target_of_the_makefile() -> None:
    wrong = {name: [run for run in runs(job) if target_of(run) not in TARGETS] for name, job in jobs()}
    assert {name: found for name, found in wrong.items() if found} == {}
    assert {name for name, job in jobs() if not runs(job)} == WITHOUT_TARGET


def test_no_job_runs_for_ever_or_with_rights_it_was_not_given() -> None:
    assert {name for name, job in jobs() if not 0 < job.get("timeout-minutes", 0) <= 60} == set()
    assert {name for name, job in jobs() if job.get("permissions", {}).get("contents") != "read"} == set()
    assert {path.name for path in WORKFLOWS if read(path).get("permissions") != {"contents": "read"}} == set()
    assert {path.name for path in WORKFLOWS if "group" not in read(path).get("concurrency", {})} == set()


def test_only_what_publishes_and_what_reports_may_write() -> None:
    writing = {name: {right for right, level in job["permissions"].items() if level == "write"} for name, job in jobs()}
    assert {name: rights for name, rights in writing.items() if rights} == {
        "images.yml: publish": {"packages", "id-token", "attestations"},
        "images.yml: report": {"security-events"},
    }


def test_the_scanner_can_only_read_and_is_given_no_secret() -> None:
    scanning = [(name, job) for name, job in jobs() if "trivy-action" in json.dumps(job)]
    assert [name for name, _ in scanning] == ["images.yml: scan"]
    for _, job in scanning:
        assert job["permissions"] == {"contents": "read"}
        assert not re.search(r"secrets\.|github\.token|GITHUB_TOKEN", json.dumps(job))


def test_only_a_tag_publishes_and_only_what_was_scanned() -> None:
    job = dict(jobs())["images.yml: publish"]
    assert job["if"] == "github.event_name == 'push' && github.ref_type == 'tag'"
    assert {"locks", "scan"} <= set(job["needs"])
    assert [target_of(run) for run in runs(job)] == ["docker-load", "docker-push", "docker-digests"]


def test_a_scan_fails_on_what_is_grave_and_has_a_remedy() -> None:
    steps = dict(jobs())["images.yml: scan"]["steps"]
    (gate,) = [step["with"] for step in steps if step.get("with", {}).get("format") == "sarif"]
    assert (gate["severity"], gate["exit-code"]) == ("HIGH,CRITICAL", "1")
    assert (ROOT / gate["trivyignores"]).is_file()


def test_a_finding_is_accepted_for_a_stated_reason_and_a_time() -> None:
    accepted = read(ROOT / ".trivyignore.yaml")
    for entry in [entry for kind in accepted.values() for entry in kind]:
        assert entry["id"]
        assert entry["statement"]
        assert entry["expired_at"]


def test_no_workflow_names_a_project() -> None:
    names = "|".join(path.parent.name for path in (ROOT / "projects").glob("*/pyproject.toml"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in DEFINITIONS)
    assert re.findall(names, text) == []


def test_the_projects_are_those_with_a_folder() -> None:
    listed = json.loads(make("projects-json").stdout)
    assert listed == sorted(path.parent.name for path in (ROOT / "projects").glob("*/pyproject.toml"))
    assert json.loads(make("projects-json", PROJECT=listed[0]).stdout) == [listed[0]]


@pytest.mark.parametrize("typed", ["nowhere", "$(shell touch {})", "x' ; touch '{}"])
def test_what_is_typed_into_a_form_is_never_run(typed: str, tmp_path: Path) -> None:
    done = make("projects-json", PROJECT=typed.format(tmp_path / "run"))
    assert done.returncode != 0
    assert "there is no such project" in done.stderr
    done = make("drift", "PORTFOLIO=printf '%s\\n'", INPUT=typed.format(tmp_path / "run"))
    assert typed.format(tmp_path / "run") in done.stdout.splitlines()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("code", "passes", "warns"), [(0, True, False), (1, True, True), (2, False, False), (3, False, False)]
)
def test_drift_warns_on_watch_and_fails_on_more(code: int, passes: bool, warns: bool) -> None:
    done = make("drift", f"PORTFOLIO=sh -c 'exit {code}'", GITHUB_ACTIONS="true")
    assert (done.returncode == 0) is passes
    assert ("::warning::" in done.stdout) is warns


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    """A stand-in for the docker command that knows one project's images and writes down what it is asked."""
    (tmp_path / "docker").write_text(
        f"""#!/bin/sh
echo "$*" >> {tmp_path}/asked
case "$*" in
  *nowhere*) ;;
  *Digest*) echo "sha256:$(printf %064d 7)  $7"; echo "sha256:$(printf %064d 7)  $7" ;;
  "image ls"*) echo "$5:1.0.0"; echo "$5:abc" ;;
esac
"""
    )
    (tmp_path / "docker").chmod(0o755)
    return tmp_path


def images(docker: Path, verb: str, project: str) -> subprocess.CompletedProcess[str]:
    path = f"{docker}:{os.environ['PATH']}"
    return make(f"docker-{verb}", PROJECT=project, IMAGE_PREFIX="ghcr.io/Some-One/", PATH=path)


def test_a_projects_images_are_saved_with_all_their_tags_under_a_name_in_lower_case(docker: Path) -> None:
    assert images(docker, "save", "toy").returncode == 0
    saved = [line for line in (docker / "asked").read_text().splitlines() if line.startswith("image save")]
    assert saved == [
        f"image save --output images/toy-{target}.tar "
        f"ghcr.io/some-one/toy-{target}:1.0.0 ghcr.io/some-one/toy-{target}:abc"
        for target in ("serve", "full")
    ]


def test_digests_are_written_once_an_image_as_sha256sum_writes_them(docker: Path) -> None:
    written = ROOT / "images" / "toy.sha256"
    try:
        assert images(docker, "digests", "toy").returncode == 0
        assert written.read_text().splitlines() == [
            f"{7:064d}  ghcr.io/some-one/toy-{target}" for target in ("serve", "full")
        ]
    finally:
        written.unlink(missing_ok=True)


@pytest.mark.parametrize("verb", ["save", "digests"])
def test_what_is_not_there_is_an_error_with_a_remedy(docker: Path, verb: str) -> None:
    done = images(docker, verb, "nowhere")
    assert done.returncode != 0
    assert "remedy: make docker-" in done.stderr
    assert "which project?" in images(docker, verb, "").stderr


@pytest.fixture
def trivy(docker: Path) -> Path:
    """A stand-in for Trivy that finds something in every image called full, and writes down what it is asked."""
    (docker / "trivy").write_text(f'#!/bin/sh\necho "$*" >> {docker}/scanned\ncase "$*" in *full*) exit 1 ;; esac\n')
    (docker / "trivy").chmod(0o755)
    return docker


def scan(trivy: Path) -> subprocess.CompletedProcess[str]:
    """A scan on a machine without a network."""
    return make("scan", HTTPS_PROXY="http://127.0.0.1:9", PATH=f"{trivy}:{os.environ['PATH']}")


def test_locks_that_cannot_be_looked_up_fail_the_scan_in_one_line(trivy: Path) -> None:
    done = scan(trivy)
    assert done.returncode != 0
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("scan:")]
    assert line.startswith("scan: the locks could not be looked up")


def test_trivy_looks_at_the_repository_and_at_every_image_by_the_same_rules(trivy: Path) -> None:
    scan(trivy)
    scanned = (trivy / "scanned").read_text().splitlines()
    assert [line.split()[0] for line in scanned] == ["fs", "image", "image"]
    rules = "--severity HIGH,CRITICAL --ignore-unfixed --ignorefile .trivyignore.yaml --exit-code 1"
    assert [line for line in scanned if rules not in line] == []
