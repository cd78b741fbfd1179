"""A running program with an embedded broker behind mutual TLS that keeps shadows, for the checks beside this file."""

import contextlib
import json
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

HOST = "localhost"
DEVICE = "sensor-1"
START_LIMIT = 30  # seconds

PIPELINE = """
pipeline: plant
connections:
  broker:
    type: mqtt
    broker: embedded
    shadows: true
    listen: "127.0.0.1:{port}"
    listen_tls: {{ cert: certs/server.pem, key: certs/server.key }}
    tls: {{ ca: certs/ca.pem, cert: certs/plant.pem, key: certs/plant.key }}
sources:
  changes: {{ type: mqtt, connection: broker, topics: [changes] }}
sinks:
  print: {{ type: stdout, inputs: changes }}
"""


class Plant:
    """Where the broker is, and the certificates of a device."""

    def __init__(self, folder, port):
        self.port = port
        self.authority = str(folder / "certs/ca.pem")
        self.certificate = str(folder / f"certs/{DEVICE}.pem")
        self.key = str(folder / f"certs/{DEVICE}.key")


@contextlib.contextmanager
def running(program):
    """Runs `program` until the end of the `with`."""
    program = pathlib.Path(program).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        devices = ["--device", DEVICE, "--device", "plant"]
        subprocess.run([program, "certs", *devices], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        (folder / "plant.yaml").write_text(PIPELINE.format(port=port))
        command = [program, "run", "plant.yaml", "--no-admin", "--no-watch"]
        with open(folder / "log", "w") as log:
            process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            await_port(process, port, folder / "log")
            yield Plant(folder, port)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=START_LIMIT)


def await_port(process, port, log):
    """Returns when the broker accepts connections."""
    limit = time.monotonic() + START_LIMIT
    while time.monotonic() < limit and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the broker does not accept:\n" + log.read_text())


def equal(what, found, expected):
    """Prints a line for a check that holds, and ends the program at one that does not."""
    if found != expected:
        raise SystemExit(f"{what}: {json.dumps(expected)} expected, {json.dumps(found)} found")
    print(f"   {what}: {json.dumps(found)}", flush=True)
