"""A taken port is named before anything starts."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from portfolio.demo import ports
from portfolio.demo.errors import DemoError
from portfolio.demo.ports import check_ports, owner_of
from portfolio.demo.procfile import Service


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def service(port: int) -> Service:
    return Service("bankchurn", "portfolio serve bankchurn", port)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_free_ports_are_no_reason_to_stop() -> None:
    check_ports([service(free_port())])


def test_a_taken_port_is_named_with_its_owner_and_the_remedy(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(DemoError) as caught:
        check_ports([service(free_port()), service(port)])
    assert f"Port {port}, which bankchurn needs, is taken by " in caught.value.detail
    assert f"(pid {os.getpid()})" in caught.value.detail
    assert f"kill {os.getpid()}" in caught.value.remedy
    assert "DEMO_PORT_OFFSET" in caught.value.remedy


def test_an_owner_that_the_system_does_not_tell_is_left_out(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "owner_of", lambda port: None)
    with pytest.raises(DemoError) as caught:
        check_ports([service(listener.getsockname()[1])])
    assert caught.value.detail.endswith("is taken.")
    assert caught.value.remedy.startswith("Stop what uses it, or move")


def test_every_taken_port_is_named_at_once(listener: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        numbers = [listener.getsockname()[1], other.getsockname()[1]]
        with pytest.raises(DemoError) as caught:
            check_ports([service(number) for number in numbers])
    assert all(f"Port {number}," in caught.value.detail for number in numbers)


def test_a_listener_on_any_address_takes_the_port() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server, pytest.raises(DemoError):
        check_ports([service(server.getsockname()[1])])


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="owners are read from /proc")
def test_the_owner_is_the_program_that_listens_and_not_one_that_is_connected(listener: socket.socket) -> None:
    owner = owner_of(listener.getsockname()[1])
    assert owner is not None
    assert owner.pid == os.getpid()
    assert "py" in owner.command
    assert owner_of(free_port()) is None
