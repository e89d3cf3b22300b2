"""The end of another process of the same run is seen at once, not after a time-out.

The first process has a connection to each other one, and it ends with its process,
however that ends. Where there can be none, across some networks, what is left is JAX's
own heartbeat, which ends all processes some time later.
"""

import contextlib
import os
import secrets
import socket
import sys
import threading
from collections.abc import Iterator

import jax

from rewardlab.system.processes import agreed, several

PATIENCE = 20.0  # seconds for a connection to be made
BYE = b"."  # said by who leaves in good order
LOST = (
    "error: another process of this run has ended, and so does this one; start all of "
    "them again with the same command to go on from the last checkpoint"
)


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Inside, the end of another process ends this one, with one sentence and status 1.

    An error here is what the others see as the end of this process; a stop that all
    agreed on is none.
    """
    if not several():
        yield
        return
    connections = _connected()
    left, in_order = threading.Event(), False
    for one in connections:
        threading.Thread(target=_listen, args=(one, left), daemon=True).start()
    try:
        yield
        in_order = True
    except SystemExit as stop:
        in_order = getattr(stop, "together", False)
        raise
    except jax.errors.JaxRuntimeError as error:
        if "Gloo" in str(error) or "peer" in str(error):
            end()
        raise
    finally:
        left.set()
        for one in connections:
            with contextlib.suppress(OSError):
                if in_order:
                    one.sendall(BYE)
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def end() -> None:
    """Ends this process at once: the others would be waited for in vain."""
    sys.stdout.flush()
    os.write(2, f"{LOST}\n".encode())  # a thread may hold the lock of `print`
    os._exit(1)


def _listen(connection: socket.socket, left: threading.Event) -> None:
    said = b""
    with contextlib.suppress(OSError):
        said = connection.recv(1)
    if said != BYE and not left.is_set():
        end()


def _connected() -> list[socket.socket]:
    """The first process's connections to all others; another one's to the first."""
    token = secrets.token_bytes(16)
    with contextlib.ExitStack() as stack:
        server: socket.socket | None = None

        def listening() -> tuple[list[str], int, bytes]:
            nonlocal server
            server = stack.enter_context(socket.create_server(("", 0)))
            return [socket.gethostname(), "127.0.0.1"], server.getsockname()[1], token

        hosts, port, token = agreed(listening)
        if server is None:
            found = _to_first(hosts, port, token)
            return [found] if found else []
        return _from_others(server, token)


def _from_others(server: socket.socket, token: bytes) -> list[socket.socket]:
    found: list[socket.socket] = []
    server.settimeout(PATIENCE)
    with contextlib.suppress(OSError):
        while len(found) < jax.process_count() - 1:
            one, _ = server.accept()
            one.settimeout(PATIENCE)
            if one.recv(len(token)) == token:
                one.sendall(token[::-1])
                one.settimeout(None)
                found.append(one)
    return found


def _to_first(hosts: list[str], port: int, token: bytes) -> socket.socket | None:
    for host in hosts:
        with contextlib.suppress(OSError):
            one = socket.create_connection((host, port), PATIENCE / 4)
            one.sendall(token)
            if one.recv(len(token)) == token[::-1]:
                one.settimeout(None)
                return one
    return None
