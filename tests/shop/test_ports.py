import socket
import subprocess
import sys

from shop.tools.ports import free_port


def test_free_port__is_reserved_against_other_processes():
    code = (
        "from shop.tools.ports import free_port; print([free_port() for _ in range(40)]); input()"
    )
    others = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    lists = [eval(each.stdout.readline()) for each in others]
    for each in others:
        each.communicate("\n")
    ports = [port for ports in lists for port in ports]
    assert len(set(ports)) == 120


def test_free_port__skips_ports_in_use(monkeypatch):
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        busy = taken.getsockname()[1]
        monkeypatch.setattr("shop.tools.ports.random.sample", lambda *args: [busy, port, port + 1])
        assert free_port() not in (busy, port)
