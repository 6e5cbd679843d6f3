"""A Docker engine of the tests' own: its bridge, folders and socket are made here, and gone or at rest afterwards."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

HOME = ROOT / "build/container"
"""Where images and built functions stay between two runs."""

BRIDGE = "brainscan0"
ADDRESS = "10.213.77.1"
"""This machine's address on the bridge: what the containers' AWS endpoint listens on."""

START_S = 60


def why_not() -> str:
    """Why these tests cannot run here; empty if they can."""
    if os.geteuid() != 0:
        return "needs root: it starts a Docker engine of its own"
    missing = [tool for tool in ("dockerd", "docker", "debootstrap", "ip") if shutil.which(tool) is None]
    if missing:
        return f"needs {', '.join(missing)}: `make test-container` installs them on Debian"
    return ""


@dataclass(frozen=True)
class Engine:
    """A running engine. Containers reach this machine at `ADDRESS`, and nothing beyond it: nothing is forwarded."""

    socket: Path

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment, with the engine as Docker's."""
        # The older builder takes a build's network from the command line alone, and needs no plugin.
        return dict(os.environ) | {"DOCKER_HOST": f"unix://{self.socket}", "DOCKER_BUILDKIT": "0"}

    def docker(self, *arguments: str, timeout_s: float = 600) -> str:
        """Run one docker command; what it printed.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        command = ["docker", *arguments]
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s
        )
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, command, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout.strip()

    @contextmanager
    def container(self, *arguments: str) -> Iterator["Container"]:
        """`docker run --detach` with `arguments`; the container is removed afterwards."""
        container = Container(self, self.docker("run", "--detach", *arguments))
        try:
            yield container
        finally:
            self.docker("rm", "--force", "--volumes", container.name)


@dataclass(frozen=True)
class Container:
    """A container by its id."""

    engine: Engine
    name: str

    def inspect(self, template: str) -> str:
        """One fact of it, by a Go template such as "{{.State.Pid}}"."""
        return self.engine.docker("inspect", "--format", template, self.name)

    @property
    def address(self) -> str:
        """Its address on the bridge."""
        return self.inspect("{{.NetworkSettings.IPAddress}}")

    @property
    def peak_mib(self) -> float:
        """The most memory that it ever had, as the kernel counts it against the limit; page cache included."""
        files = "/sys/fs/cgroup/memory/memory.max_usage_in_bytes /sys/fs/cgroup/memory.peak"
        return int(self.engine.docker("exec", self.name, "sh", "-c", f"cat {files} 2>/dev/null || true")) / 1024**2

    def logs(self) -> str:
        """What it wrote so far."""
        done = subprocess.run(
            ["docker", "logs", self.name], env=self.engine.environment, capture_output=True, text=True, timeout=60
        )
        return done.stdout + done.stderr


@contextmanager
def engine(home: Path) -> Iterator[Engine]:
    """An engine that keeps its images in `home`; it forwards no packets and touches no firewall rule.

    Raises:
        RuntimeError: it did not come up; the text ends with its log.
    """
    home.mkdir(parents=True, exist_ok=True)
    with _bridge(), (home / "dockerd.log").open("w") as log:
        daemon = subprocess.Popen(_dockerd(home), stdout=log, stderr=log, start_new_session=True)
        try:
            running = Engine(home / "docker.sock")
            _wait(running, daemon, home / "dockerd.log")
            yield running
        finally:
            _stop(running, daemon)
            # What containers without a network shared stays mounted when the engine ends.
            subprocess.run(["umount", str(home / "exec/netns/default")], capture_output=True, check=False)


def _dockerd(home: Path) -> list[str]:
    return [
        "dockerd",
        "--storage-driver=overlay2",
        "--default-ulimit=nofile=10000:10000",
        f"--data-root={home / 'data'}",
        f"--exec-root={home / 'exec'}",
        f"--pidfile={home / 'docker.pid'}",
        f"--host=unix://{home / 'docker.sock'}",
        f"--bridge={BRIDGE}",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-masq=false",
        "--ip-forward=false",
    ]


@contextmanager
def _bridge() -> Iterator[None]:
    # A run that was killed leaves its own behind.
    subprocess.run(["ip", "link", "delete", BRIDGE], check=False, capture_output=True)
    _ip("link", "add", BRIDGE, "type", "bridge")
    try:
        _ip("address", "add", f"{ADDRESS}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        yield
    finally:
        _ip("link", "delete", BRIDGE)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def _wait(running: Engine, daemon: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            running.docker("version", timeout_s=10)
            return
        except subprocess.SubprocessError:
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"dockerd did not come up: {log.read_text()[-2000:]}") from None
            time.sleep(0.3)


def _stop(running: Engine, daemon: "subprocess.Popen[bytes]") -> None:
    """Remove what still runs, then end the engine, which ends its containerd."""
    if daemon.poll() is None:
        if left := running.docker("ps", "--all", "--quiet").split():
            running.docker("rm", "--force", "--volumes", *left)
        daemon.terminate()
        daemon.wait(60)
