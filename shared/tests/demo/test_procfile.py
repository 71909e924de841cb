"""The Procfile is the one list of the demo's processes."""

from pathlib import Path

import pytest

from portfolio.demo.procfile import Service, find_root, read_procfile
from portfolio.errors import ConfigError
from portfolio.settings import read_config
from portfolio.spec.projects import find_project, project_names

TEXT = (
    "# a comment\nmlflow: mlflow server --port 5000 --workers 1\n\nbankchurn: portfolio serve bankchurn --port 8001\n"
)


def procfile(folder: Path, text: str = TEXT) -> Path:
    path = folder / "Procfile"
    path.write_text(text)
    return path


def test_every_line_is_a_service_with_its_port(tmp_path: Path) -> None:
    assert read_procfile(procfile(tmp_path)) == (
        Service("mlflow", "mlflow server --port 5000 --workers 1", 5000),
        Service("bankchurn", "portfolio serve bankchurn --port 8001", 8001),
    )


def test_an_offset_moves_every_port_and_nothing_else(tmp_path: Path) -> None:
    mlflow, bankchurn = read_procfile(procfile(tmp_path), port_offset=20000)
    assert mlflow.command == "mlflow server --port 25000 --workers 1"
    assert bankchurn == Service("bankchurn", "portfolio serve bankchurn --port 28001", 28001)
    assert bankchurn.url == "http://localhost:28001"


def test_a_port_is_found_and_moved_by_either_name_of_the_option(tmp_path: Path) -> None:
    text = TEXT + "dashboard: cd dashboard && streamlit run app.py --server.port 8501 --server.address 127.0.0.1\n"
    *_, dashboard = read_procfile(procfile(tmp_path, text), port_offset=20000)
    assert dashboard.port == 28501
    assert dashboard.command == "cd dashboard && streamlit run app.py --server.port 28501 --server.address 127.0.0.1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mlflow mlflow server --port 5000", "has the line"),
        ("mlflow: mlflow server", "--port 8001"),
        ("bankchurn: portfolio serve bankchurn --port 8001", "mlflow among them"),
        (TEXT + "bankchurn: portfolio serve bankchurn --port 8009", "every service once"),
        ("", "names nothing"),
    ],
)
def test_a_procfile_that_cannot_be_meant_is_refused_with_a_remedy(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_procfile(procfile(tmp_path, text))


def test_an_offset_beyond_the_ports_that_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mlflow would get port 65900\. Choose another DEMO_PORT_OFFSET"):
        read_procfile(procfile(tmp_path), port_offset=60900)


def test_it_is_found_from_any_folder_below(tmp_path: Path) -> None:
    procfile(tmp_path)
    below = tmp_path / "projects" / "bankchurn"
    below.mkdir(parents=True)
    assert find_root(below) == tmp_path
    with pytest.raises(ConfigError, match="Run it inside the repository"):
        find_root(tmp_path.parent)


def test_the_repository_s_own_names_every_project_with_its_configured_port() -> None:
    named = read_procfile(find_root(Path(__file__).parent) / "Procfile")
    services = [service for service in named if service.name not in ("mlflow", "monitoring", "dashboard")]
    listed = {service.name: service.port for service in services}
    configured = {
        name: read_config(find_project(name).root / "configs" / "config.yaml").port for name in project_names()
    }
    assert listed == configured
    assert all(f"portfolio serve {s.name} " in s.command for s in services)


def test_the_dashboard_listens_on_this_machine_alone_where_its_configuration_is_found() -> None:
    root = find_root(Path(__file__).parent)
    dashboard = next(service for service in read_procfile(root / "Procfile") if service.name == "dashboard")
    assert dashboard.port == 8501
    assert "--server.address 127.0.0.1" in dashboard.command
    folder = dashboard.command.removeprefix("cd ").partition(" ")[0]
    assert (root / folder / ".streamlit" / "config.toml").is_file()  # streamlit looks into the folder it is started in
