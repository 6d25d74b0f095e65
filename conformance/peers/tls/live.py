"""What the adapters in Python share: the lines of the live protocol (spec/live-protocol.md, section 8), PEM files in a
folder that is removed at the end, and a program that does not outlive its adapter."""

import base64
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

_lock = threading.Lock()


class Refused(Exception):
    """The program does not take this configuration."""


def run(name: str, version: str, language: str, roles: dict) -> None:
    """Runs the endpoint until its input ends. `roles` has a class for each role."""
    implementation = {"name": name, "version": version, "language": language}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    start = json.loads(sys.stdin.buffer.readline())
    if start["v"] != 1:
        sys.exit("this endpoint speaks version 1 of the live protocol only")
    if start["role"] not in roles:
        return write({"ready": False, "unsupported": [f"the role {start['role']}"], "implementation": implementation})
    endpoint = roles[start["role"]](start, folder_for_a_while())
    try:
        if lacks := endpoint.lacks():
            return write({"ready": False, "unsupported": lacks, "implementation": implementation})
        try:
            ready = endpoint.start()
        except Refused as refused:
            lacks = [f"its configuration: {refused}"]
            return write({"ready": False, "unsupported": lacks, "implementation": implementation})
        write({"ready": True, **ready, "implementation": implementation})
        for line in sys.stdin.buffer:
            endpoint.command(json.loads(line))
    finally:
        endpoint.stop()


def folder_for_a_while() -> Path:
    """A folder that is removed when this process ends, also if it is killed, which is how the harness ends endpoints: by
    a process in a group of its own, which waits for just that."""
    folder = Path(tempfile.mkdtemp(prefix="tls-endpoint-"))
    end, held = os.pipe()  # never written to, and open as long as this process is there
    if remover := os.fork():
        os.setpgid(remover, remover)
    else:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        os.close(held)
        os.read(end, 1)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)
    os.close(end)
    return folder


def write(line: dict) -> None:
    with _lock:
        print(json.dumps(line), flush=True)


def lacks(tls: dict | None, *policies: str) -> list:
    """What no program here can do, and policies other than these."""
    if tls is None:
        return ["a tunnel without TLS"]
    found = ["a tunnel inside"] if tls["tunnel"] else []
    return found + [f"the policy {policy}" for policy in tls.get("policies", []) if policy not in policies]


def lists(tls: dict) -> list:
    """The lists that are configured, for programs that have none."""
    return [f"{article} {name} list" for article, name in (("an", "allow"), ("a", "deny")) if tls.get(name) is not None]


def pem(label: str, der: str) -> str:
    text = base64.b64encode(bytes.fromhex(der)).decode()
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def write_certificates(path: Path, certificates: list, crls: list | None = None) -> str:
    texts = [pem("CERTIFICATE", der) for der in certificates] + [pem("X509 CRL", der) for der in crls or []]
    return write_text(path, "".join(texts))


def write_key(path: Path, key: str) -> str:
    return write_text(path, pem("PRIVATE KEY", key))


def write_text(path: Path, text: str) -> str:
    """Replaces the file at once: a program that reads it again never sees half of it."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)
    return str(path)


def least_version(tls: dict) -> str:
    return "TLSv1.2" if "tls12" in tls.get("policies", []) else "TLSv1.3"


def free_port(host: str) -> int:
    """For a program that can't be told to choose one; somebody else may get it first, so its start is tried again."""
    with socket.socket() as listener:
        listener.bind((host, 0))
        return listener.getsockname()[1]


def spawn(command: list, **streams) -> subprocess.Popen:
    """Starts a program that is killed when the calling thread ends: call it from the main thread."""
    return subprocess.Popen(command, preexec_fn=_die_with_parent, **streams)


def end(process: subprocess.Popen | None) -> None:
    """Ends a program, by force if it takes longer than a second."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def watch(process: subprocess.Popen) -> None:
    """Ends the adapter when the program ends by itself: that is its crash."""

    def wait():
        status = process.wait()
        if not getattr(process, "is_ended", False):
            print(f"{process.args[0]} has ended with {status}", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
