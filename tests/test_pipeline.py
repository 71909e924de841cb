"""`dvc repro` on a copy of the repository, and what a clone of it gets back."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from portfolio.spec.projects import find_project, project_names
from tests.copies import copy_repository

pytestmark = pytest.mark.e2e

NAME = "telecomai"  # the smallest
OURS = ("MLFLOW", "MAKE", "MFLAGS", "ARGS", "PROJECT", "SIGNING", "BUNDLE", "ALLOW", "DVC")


class Tree:
    """A copy of the repository under git, with this environment's programs and its own sources."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "projects" / NAME
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(OURS)},
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
            "PYTHONPATH": f"{folder}/shared/src:{self.project}/src",
            "MLFLOW_TRACKING_URI": "",
            "DATA_MIRROR": str(folder.parent / "mirror"),
            "DVC_REMOTE_URL": str(folder.parent / "storage"),
            "DVC_GLOBAL_CONFIG_DIR": str(folder.parent / "dvc"),
            "DVC_SITE_CACHE_DIR": str(folder.parent / "dvc"),
        }

    def run(self, *command: str) -> str:
        """What a command prints in the project's folder; it has to succeed."""
        done = subprocess.run(
            command, cwd=self.project, env=self.environment, check=False, text=True, capture_output=True, timeout=300
        )
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def commit(self) -> None:
        self.run("git", "add", "--all", ":/", ":(top,exclude).venv")
        self.run("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "--message", "t")

    def repro(self) -> list[str]:
        """The stages that `dvc repro` runs."""
        return re.findall(r"Running stage '(.*)'", self.run("dvc", "repro"))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    tree = Tree(tmp_path_factory.mktemp("pipeline") / "portfolio")
    copy_repository(tree.folder)
    (tree.folder / ".venv").symlink_to(sys.prefix)
    source = find_project(NAME).source
    mirrored = tree.folder.parent / "mirror" / source.mirror
    mirrored.parent.mkdir(parents=True)
    mirrored.write_bytes(gzip.decompress((tree.project / "data" / "sample" / source.sample).read_bytes()))
    change_config(tree, trials=1)
    tree.run("git", "init", "--quiet", str(tree.folder))
    tree.commit()
    yield tree
    (tree.folder / ".venv").unlink()


def change_config(tree: Tree, *, trials: int) -> None:
    path = tree.project / "configs" / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["training"]["budgets"]["full"] = {"trials": trials, "seconds": 60}
    path.write_text(yaml.safe_dump(config))


def test_the_pipeline_of_every_project_is_the_same_but_for_its_names() -> None:
    def pipeline(name: str) -> str:
        spec = find_project(name)
        return (spec.root / "dvc.yaml").read_text().replace(spec.source.file, "FILE").replace(name, "NAME")

    assert len({pipeline(name) for name in project_names()}) == 1


def test_only_what_a_change_concerns_is_done_again_and_a_clone_gets_it_back(tree: Tree) -> None:
    assert tree.repro() == ["data", "train", "evaluate"]
    assert tree.repro() == []
    change_config(tree, trials=2)
    assert tree.repro() == ["train", "evaluate"]
    assert "roc_auc" in tree.run("dvc", "metrics", "show", "models/evaluation.json")

    tree.run("make", "--directory", "../..", "dvc-remote")
    tree.run("dvc", "push", "dvc.yaml")
    tree.commit()
    committed = tree.run("git", "ls-files", "models", "data", "dvc.lock").split()
    sample = f"data/sample/{find_project(NAME).source.sample}"
    assert committed == [sample, "dvc.lock", "models/evaluation.json", "models/metrics.json"]

    clone = Tree(tree.folder.with_name("clone"))
    tree.run("git", "clone", "--quiet", str(tree.folder), str(clone.folder))
    clone.run("make", "--directory", "../..", "dvc-remote")
    clone.run("dvc", "pull", "dvc.yaml")
    for kept in ("data/raw", "models/released"):
        assert contents(clone.project / kept) == contents(tree.project / kept) != {}
    assert "up to date" in clone.run("dvc", "status", "dvc.yaml")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
