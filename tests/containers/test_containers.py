"""The containers as their users meet them, in order: from a cold start over failures to nothing left."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.containers.stack import APIS, PORTS, PREFIX, STACK, Stack, address, ask, blocks, predict, seconds_until
from tests.front import FIRST_PAGE
from tests.runbooks import commands

pytestmark = pytest.mark.docker

COLD_SECONDS, WARM_SECONDS, REBUILD_SECONDS, BACK_SECONDS = 600, 90, 30, 20
SERVE_MB = 350
OWNER = 2000  # of the copy
TRAINER = "docker compose -f docker-compose.demo.yml run --rm trainer"
PROMOTE = f"{TRAINER} portfolio promote bankchurn --version 2 --reason 'as an exercise'"
RETRAIN = "python -m src.bankchurn.training --data-path data/raw/churn.csv --register-model"


def report(what: str, seconds: float) -> None:
    sys.stdout.write(f"\n  {what}: {seconds:.1f} s")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("containers") / "portfolio")
    others = stack.docker("ps", "--all", "--format", "{{.Names}}").splitlines()
    assert not {*PORTS, "portfolio-init"} & {*others}, "another stack is there: make docker-demo-down"
    for command in (
        ("init", "-q"),
        ("add", "."),
        ("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "copy"),
    ):
        stack.must("git", *command)
    stack.run("make", "docker-clean")  # of a run that was killed
    subprocess.run(["chown", "-R", f"{OWNER}:{OWNER}", stack.folder], check=True)  # as most people are not root
    yield stack
    stack.run("make", "docker-clean")
    # what the containers' user has written is not ours
    shutil.rmtree(stack.folder / "mlruns", ignore_errors=True)


def test_without_an_engine_one_line_names_the_way_without_containers(stack: Stack) -> None:
    done = stack.run("make", "docker-demo", DOCKER_HOST="unix:///nowhere/docker.sock")
    (line, *_) = done.stdout.splitlines()
    assert done.returncode != 0
    assert line.startswith("docker-demo: no Docker engine answers")
    assert line.endswith("make demo")


def test_a_taken_port_is_named_with_its_owner_before_anything_starts(stack: Stack) -> None:
    with socket.create_server(("127.0.0.1", PORTS["carvision-api"][1])):
        done = stack.run("make", "docker-demo")
    assert done.returncode != 0
    (line, *_) = done.stdout.splitlines()
    assert re.match(r"docker-demo: Port 28002, which carvision-api needs, is taken by \"\w+.*\" \(pid=\d+\)\.", line), (
        line
    )
    assert stack.docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={STACK}") == ""


def test_a_cold_start_ends_in_a_table_of_healthy_services(stack: Stack) -> None:
    begun = time.monotonic()
    shown = stack.must("make", "docker-demo")
    taken = time.monotonic() - begun
    report("cold start", taken)
    assert taken <= COLD_SECONDS
    rows = {line.split()[0]: line for line in shown.splitlines() if "  healthy  " in line}
    assert rows.keys() == PORTS.keys(), shown
    assert all(f"http://localhost:{PORTS[name][1]}" in row for name, row in rows.items())
    assert shown.count("(healthy)") == len(PORTS), shown
    assert f"All of it in a browser: {address('dashboard').replace('127.0.0.1', 'localhost')}\n" in shown


@pytest.mark.parametrize("service", APIS)
def test_an_api_is_healthy_and_predicts(stack: Stack, service: str) -> None:
    status, health = ask(address(service, "/health"))
    assert (status, health["status"], health["model_name"]) == (200, "healthy", APIS[service])
    assert predict(address(service))["model_version"] == health["model_version"] == "1"
    assert all(json.loads(line)["level"] for line in stack.docker("logs", service).splitlines())


def test_mlflow_answers_and_its_database_is_shared_with_make_demo(stack: Stack) -> None:
    status, found = ask(address("mlflow-server", "/api/2.0/mlflow/registered-models/search"))
    assert status == 200
    assert {model["name"] for model in found["registered_models"]} == {*APIS.values()}
    status, runs = ask(address("mlflow-server", "/api/2.0/mlflow/runs/search"), {"experiment_ids": ["1"]})
    assert all(run["info"]["artifact_uri"].startswith("mlflow-artifacts:") for run in runs["runs"])
    database = stack.folder / "mlruns" / "mlflow.db"
    assert database.stat().st_mode & 0o060 == 0o060, "the group of whoever has the repository may write"
    assert database.stat().st_gid == OWNER
    folders = [path for path in (stack.folder / "mlruns").rglob("*") if path.is_dir()]
    assert len(folders) > len(APIS)
    assert {(path.stat().st_mode & 0o2070, path.stat().st_gid) for path in folders} == {(0o2070, OWNER)}


def test_the_dashboard_shows_every_model(stack: Stack) -> None:
    page = json.loads(stack.docker("exec", "dashboard", "python", "-c", FIRST_PAGE).splitlines()[-1])
    assert page.count(">healthy<") == page.count("<dt>Version</dt><dd>1<") == len(APIS), page
    for service in APIS:
        assert ask(address(service, "/"))[1]["title"] in page
        assert address(service, "/docs").replace("127.0.0.1", "localhost") in page
    for service in ("mlflow-server", "monitoring"):
        assert f"http://localhost:{PORTS[service][1]}/" in page


def test_the_dashboard_s_image_has_its_own_folder_compiled_and_no_tests(stack: Stack) -> None:
    found = stack.docker("exec", "dashboard", "find", ".", "-name", "*.pyc", "-o", "-name", "config.toml")
    assert "./.streamlit/config.toml" in found
    assert "./cockpit/__pycache__/services." in found
    assert "/tests/" not in stack.docker("exec", "dashboard", "find", ".")
    assert "ADMIN_KEY" not in stack.docker("exec", "dashboard", "env")


def test_the_key_that_was_made_is_its_owners_and_opens_api_and_monitoring(stack: Stack) -> None:
    settings = stack.folder / ".env"
    assert (settings.stat().st_mode & 0o777, settings.stat().st_uid) == (0o600, OWNER)
    key = settings.read_text().partition("ADMIN_KEY=")[2].strip()
    nothing = {"version": "99", "reason": "there is none"}
    for sent, statuses in ((key, (200, 404)), ("another", (401, 401))):
        assert ask(address("bankchurn-api", "/admin/reload"), {}, key=sent)[0] == statuses[0]
        assert ask(address("monitoring", "/versions/bankchurn/promote"), nothing, key=sent)[0] == statuses[1]


def test_what_was_predicted_is_in_the_store_and_is_looked_at(stack: Stack) -> None:
    """A container writes into a file that belongs to whoever has the repository; a host may write it, too."""
    predict(address("bankchurn-api"))
    seconds_until(lambda: stored("bankchurn-api") >= 1, at_most=30)
    seconds_until(lambda: any(run["predictions"] for run in runs("bankchurn")), at_most=120)
    kept = stack.folder / "store" / "portfolio.db"
    assert kept.stat().st_mode & 0o060 == 0o060
    assert kept.stat().st_gid == OWNER
    status, health = ask(address("monitoring", "/health"))
    assert (status, health["status"]) == (200, "healthy")
    assert {each["project"] for each in health["projects"]} == {*APIS.values()}
    assert all(each["api_up"] for each in health["projects"])
    reports = [run["report_url"] for run in runs("bankchurn") if run["report_url"]]
    assert reports
    assert "content-security-policy" in headers(address("monitoring", reports[0]))


def stored(service: str) -> int:
    total = ask(address(service, "/monitoring/stats"))[1]["total"]
    return int(total["predictions"]) if total else 0


def runs(project: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = ask(address("monitoring", f"/runs?project={project}"))[1]["runs"]
    return found


def headers(url: str) -> dict[str, str]:
    with urlopen(url, timeout=10) as answer:
        return {name.lower(): value for name, value in answer.headers.items()}


def test_health_is_a_line_a_service_and_logs_are_those_of_the_containers(stack: Stack) -> None:
    lines = stack.must("make", "health").splitlines()
    assert {line.split()[0] for line in lines} == PORTS.keys()
    assert all(" healthy " in line for line in lines), lines
    stack.docker("stop", "telecom-api")
    done = stack.run("make", "health")
    assert done.returncode != 0
    assert [line.split()[0] for line in done.stdout.splitlines() if " down: " in line] == ["telecom-api"]
    stack.docker("start", "telecom-api")
    seconds_until(lambda: stack.health("telecom-api") == "healthy", at_most=BACK_SECONDS)
    assert "monitoring run" in stack.run("timeout", "10", "make", "logs-monitoring").stdout
    said = stack.run("timeout", "10", "make", "logs-api", "PROJECT=telecomai").stdout
    assert "telecom-api" in said
    assert "bankchurn-api" not in said


@pytest.mark.parametrize("service", APIS)
def test_an_api_has_the_public_key_alone(stack: Stack, service: str) -> None:
    assert stack.docker("exec", service, "ls", "/app/keys") == "bundle.pub"
    assert "PRIVATE" not in stack.docker("exec", service, "sh", "-c", "cat /app/keys/*; env")


def test_the_private_key_stays_its_owners_alone(stack: Stack) -> None:
    private = (stack.folder / "keys" / "bundle.key").stat()
    assert (private.st_mode & 0o777, private.st_uid) == (0o600, OWNER)


@pytest.mark.parametrize("service", PORTS)
def test_a_container_has_no_rights_that_it_does_not_need(stack: Stack, service: str) -> None:
    limits = json.loads(stack.inspect(service, "{{json .HostConfig}}"))
    assert (limits["ReadonlyRootfs"], limits["CapDrop"]) == (True, ["ALL"])
    assert limits["SecurityOpt"] == ["no-new-privileges:true"]
    assert limits["RestartPolicy"]["Name"] == "unless-stopped"
    assert limits["Memory"] > 0
    assert limits["NanoCpus"] > 0
    assert int(stack.docker("exec", service, "id", "-u")) >= 10_000
    assert stack.run("docker", "exec", service, "touch", "/app/x").returncode != 0
    listening = stack.docker("port", service)
    assert all(line.split(" -> ")[1].startswith("127.0.0.1:") for line in listening.splitlines()), listening


def versions() -> list[str]:
    found = ask(address("mlflow-server", "/api/2.0/mlflow/model-versions/search?filter=name%3D%27bankchurn%27"))[1]
    return sorted(version["version"] for version in found["model_versions"])


def test_a_model_is_retrained_inside_and_goes_live_without_a_restart(stack: Stack) -> None:
    started = stack.inspect("bankchurn-api", "{{.State.StartedAt}}")
    shown = stack.type(f"docker exec -it bankchurn-api bash\n{RETRAIN}\nexit\n")
    assert "verdict: " in shown
    assert versions() == ["1", "2"]
    assert predict(address("bankchurn-api"))["model_version"] == "1"
    stack.type(PROMOTE)
    live = seconds_until(lambda: predict(address("bankchurn-api"))["model_version"] == "2", at_most=BACK_SECONDS)
    report("promoted to live", live)
    assert stack.inspect("bankchurn-api", "{{.State.StartedAt}}") == started


def test_the_trainer_retrains_promotes_and_reports(stack: Stack) -> None:
    rows = "head -n -20 projects/telecomai/data/raw/users_behavior.csv > /tmp/rows.csv"  # or it is the same model
    shown = stack.type(f"{TRAINER} sh -c '{rows} && portfolio retrain telecomai --quick --data-path /tmp/rows.csv'")
    assert "Version 2 is the champion, in place of version 1" in shown
    seconds_until(lambda: predict(address("telecom-api"))["model_version"] == "2", at_most=BACK_SECONDS)
    reports = stack.docker("exec", "telecom-api", "ls", "models/reports").split()
    assert sorted(name.rpartition(".")[2] for name in reports) == ["json", "md"]


def test_a_killed_process_comes_back_by_itself(stack: Stack) -> None:
    begun = time.monotonic()
    stack.must("kill", "-9", stack.inspect("bankchurn-api", "{{.State.Pid}}"))
    seconds_until(lambda: stack.inspect("bankchurn-api", "{{.RestartCount}}") == "1", at_most=BACK_SECONDS)
    seconds_until(lambda: stack.health("bankchurn-api") == "healthy", at_most=BACK_SECONDS)
    taken = time.monotonic() - begun
    report("kill -9 to healthy", taken)
    assert taken <= BACK_SECONDS
    assert predict(address("bankchurn-api"))["model_version"] == "2"


def test_a_killed_container_is_started_again_by_hand(stack: Stack) -> None:
    stack.docker("kill", "bankchurn-api")
    stack.docker("start", "bankchurn-api")
    taken = seconds_until(lambda: stack.health("bankchurn-api") == "healthy", at_most=BACK_SECONDS)
    report("docker start to healthy", taken)


def test_without_mlflow_every_api_serves_and_even_starts(stack: Stack) -> None:
    stack.docker("stop", "mlflow-server")
    before = {service: predict(address(service))["model_version"] for service in APIS}
    stack.docker("restart", *APIS)
    for service in APIS:
        seconds_until(lambda: ask(address(service, "/health"))[0] == 200, at_most=BACK_SECONDS)  # noqa: B023
    assert {service: predict(address(service))["model_version"] for service in APIS} == before
    stack.docker("start", "mlflow-server")
    seconds_until(lambda: stack.health("mlflow-server") == "healthy", at_most=60)


def test_a_second_start_reuses_the_champions(stack: Stack) -> None:
    stack.must("make", "docker-demo-down")
    begun = time.monotonic()
    shown = stack.must("make", "docker-demo")
    taken = time.monotonic() - begun
    report("warm start", taken)
    assert taken <= WARM_SECONDS
    assert "verdict" not in shown
    assert predict(address("bankchurn-api"))["model_version"] == "2"


def test_a_service_that_can_not_start_is_in_the_table_and_no_success(stack: Stack) -> None:
    stack.must("make", "docker-demo-down")
    stack.docker("create", "--name", "telecom-api", f"{PREFIX}dashboard:demo")  # somebody else's
    try:
        done = stack.run("make", "docker-demo")
    finally:
        stack.docker("rm", "telecom-api")
    assert done.returncode != 0
    assert "telecom-api does not answer" in done.stdout


def test_a_lost_registry_is_made_anew(stack: Stack) -> None:
    (stack.folder / "mlruns" / "mlflow.db").unlink()
    shown = stack.must("make", "docker-demo")
    assert shown.count("verdict: ") == len(APIS)
    seconds_until(lambda: predict(address("bankchurn-api"))["model_version"] == "1", at_most=BACK_SECONDS)


def test_every_command_of_the_runbook_works_as_it_stands(stack: Stack) -> None:
    commands = blocks(stack.folder / "docs" / "runbooks" / "containers.md")
    assert commands[0] == "make docker-demo\n"
    assert commands[-1] == "make docker-demo-down\n"
    for block in commands[:-1]:
        stack.type(block)
    seconds_until(lambda: stack.health("mlflow-server") == "healthy", at_most=60)
    assert versions() == ["1", "2"]
    seconds_until(lambda: predict(address("bankchurn-api"))["model_version"] == "1", at_most=BACK_SECONDS)


def test_every_command_of_the_runbook_of_promotion_works_as_it_stands(stack: Stack) -> None:
    """Two more versions, the last one the challenger, have come since; the champion is version 1 again."""
    for _ in range(2):
        stack.type(f"{TRAINER} portfolio train bankchurn --quick --register-model")
    shown = {command: stack.type(command) for command in commands("promotion.md", TRAINER)}
    assert len(shown) >= 9
    for command, said in shown.items():
        if " promote " in command or " rollback " in command:
            assert "the API serves it after" in said, command
    assert predict(address("bankchurn-api"))["model_version"] == "4"
    assert "ann" in stack.type(f"{TRAINER} portfolio history bankchurn")


def test_what_the_runbook_of_alerts_asks_the_monitoring_container_works_as_it_stands(stack: Stack) -> None:
    asked = set(commands("alerts.md", "docker exec monitoring portfolio "))
    assert {line.split()[4] for line in asked} == {"monitor", "store"}
    for line in asked:
        stack.type(f"{line} || [ $? -le 3 ]" if " monitor " in line else line)  # a decision is an exit code, too


def test_a_change_of_code_is_built_in_seconds(stack: Stack) -> None:
    stack.must("make", "docker-build", "PROJECT=bankchurn")
    with (stack.folder / "shared/src/portfolio/errors.py").open("a") as source:
        source.write("# changed\n")
    begun = time.monotonic()
    shown = stack.must("make", "docker-build", "PROJECT=bankchurn")
    taken = time.monotonic() - begun
    report("rebuild of both images", taken)
    assert taken <= REBUILD_SECONDS
    serve = next(line.split() for line in shown.splitlines() if "bankchurn-serve" in line)
    assert int(serve[-1]) <= SERVE_MB, shown
    revision = stack.must("git", "rev-parse", "--short=12", "HEAD").strip()
    assert serve[1:3] == ["1.0.0", f"{revision}-dirty"]


@pytest.mark.parametrize("absent", ["sklearn", "pandas", "scipy", "pip", "pytest"])
def test_the_serving_image_is_without(stack: Stack, absent: str) -> None:
    image = f"{PREFIX}bankchurn-serve:1.0.0"
    done = stack.run("docker", "run", "--rm", image, "python", "-c", f"import {absent}")
    assert f"ModuleNotFoundError: No module named '{absent}'" in done.stdout
    assert stack.run("docker", "run", "--rm", image, "sh", "-c", "command -v cc gcc git").returncode != 0


@pytest.mark.parametrize("target", ["serve", "full"])
def test_an_image_carries_nothing_of_its_making(stack: Stack, target: str) -> None:
    folders = "/root /var/cache/apt/archives /var/lib/apt/lists"
    look = f"for each in {folders}; do [ ! -d $each ] || ls -A $each; done; find /opt /tmp -name '*.whl'"
    found = stack.docker("run", "--rm", "--user", "0", f"{PREFIX}bankchurn-{target}:1.0.0", "sh", "-c", look)
    known = {"", ".bashrc", ".profile", "lock", "partial", "auxfiles"}
    assert [line for line in found.splitlines() if line not in known] == []
    assert "bundle.key" not in stack.docker("history", "--no-trunc", f"{PREFIX}bankchurn-{target}:1.0.0")


def test_a_released_image_serves_by_itself_what_was_champion(stack: Stack) -> None:
    champion = predict(address("bankchurn-api"))
    shown = stack.must("make", "docker-release", "PROJECT=bankchurn")
    image = shown.split()[-1]
    assert re.fullmatch(rf"{PREFIX}bankchurn:1\.0\.0-[0-9a-f]{{12}}-dirty-\d{{8}}T\d{{6}}Z-\w{{6}}", image), shown
    container = stack.docker("run", "--detach", "--publish", "127.0.0.1:28000:8000", "--network", "bridge", image)
    try:
        seconds_until(lambda: ask("http://127.0.0.1:28000/health")[0] == 200, at_most=BACK_SECONDS)
        released = predict("http://127.0.0.1:28000")
        assert {**released, "prediction_id": ""} == {**champion, "prediction_id": ""}
        assert ask("http://127.0.0.1:28000/explain", ask_example("http://127.0.0.1:28000"))[0] == 200
    finally:
        stack.docker("rm", "--force", container)


def ask_example(url: str) -> dict[str, object]:
    schemas = ask(f"{url}/openapi.json")[1]["components"]["schemas"]
    example: dict[str, object] = next(schema["examples"][0] for schema in schemas.values() if "examples" in schema)
    return example


def test_a_tampered_release_is_not_served(stack: Stack) -> None:
    image = stack.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"{PREFIX}bankchurn").splitlines()[0]
    spoil = "sed -i 's/1/2/' models/*/booster.txt && exec portfolio serve --host 0.0.0.0 --port 8000"
    container = stack.docker("run", "--detach", "--publish", "127.0.0.1:28000:8000", image, "sh", "-c", spoil)
    try:
        seconds_until(lambda: ask("http://127.0.0.1:28000/health")[0] == 503, at_most=BACK_SECONDS)
        assert "booster.txt" in stack.docker("logs", container)
    finally:
        stack.docker("rm", "--force", container)


def test_at_the_end_nothing_is_left(stack: Stack) -> None:
    stack.must("make", "docker-demo-down")
    label = f"label=com.docker.compose.project={STACK}"
    assert stack.docker("ps", "--all", "--quiet", "--filter", label) == ""
    assert stack.docker("network", "ls", "--quiet", "--filter", label) == ""
    assert stack.docker("volume", "ls", "--quiet", "--filter", label) != "", "models outlive the containers"
    stack.must("make", "docker-clean")
    assert stack.docker("volume", "ls", "--quiet", "--filter", label) == ""
    assert stack.docker("image", "ls", "--quiet", f"{PREFIX}*") == ""
    assert Path(stack.folder / "mlruns" / "mlflow.db").exists()
