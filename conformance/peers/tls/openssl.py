#!/usr/bin/env python3
"""`openssl s_server` and `openssl s_client` as a server and a client.

`openssl.py --go-on` has s_client without -verify_return_error and without a name to check, as it is mostly used by hand.
"""

import ipaddress
import re
import subprocess
import sys
import threading
from pathlib import Path

import live

PROBE = b"reversed\n"  # s_server -rev answers with each line backwards


class Server:
    def __init__(self, line: dict, folder: Path):
        self.host, self.tls, self.folder, self.process = line["host"], line.get("tls"), folder, None

    def lacks(self) -> list:
        # A leaf without extendedKeyUsage is accepted in any case.
        found = live.lacks(self.tls, "tls12", "eku-if-present")
        if found:
            return found
        names = [context["name"] for context in self.tls["contexts"]]
        if len(names) > 1:
            found.append("several contexts beside the default")
        if any(name.startswith("*") for name in names):
            found.append("a context for a wildcard")
        if self.tls["default"] is None:
            found.append("no default context")
        return found + live.lists(self.tls)

    def start(self) -> dict:
        command = ["openssl", "s_server", "-accept", f"{self.host}:0", "-rev", *self._options()]
        self.process = live.spawn(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=sys.stderr)
        for line in self.process.stdout:
            if accept := re.match(rb"ACCEPT \S*:(\d+)$", line.strip()):
                break
        else:
            raise live.Refused("s_server does not start with it")
        threading.Thread(target=self._pass_on, daemon=True).start()
        live.watch(self.process)
        probe = {"send": PROBE.hex(), "expect": PROBE[-2::-1].hex()}
        return {"port": int(accept[1]), "events": False, "reload": False, "probe": probe}

    def _options(self) -> list:
        tls, folder = self.tls, self.folder
        options = own(folder, tls["default"])
        for context in tls["contexts"]:
            options += ["-servername", context["name"]]
            options += ["-cert2", live.write_certificates(folder / "cert2.pem", context["chain"])]
            options += ["-key2", live.write_key(folder / "key2.pem", context["key"])]
        if tls["clients"] != "none":
            options += verification(folder, tls)
        # Without -verify_return_error it goes on with a certificate that it does not accept.
        options += {"none": [], "ask": ["-verify", "6"], "require": ["-Verify", "6", "-verify_return_error"]}[tls["clients"]]
        return options + common(tls)

    def _pass_on(self) -> None:
        for line in self.process.stdout:
            sys.stderr.buffer.write(line)

    def command(self, line: dict) -> None:
        raise ValueError(f"unknown line with the fields {sorted(line)}")

    def stop(self) -> None:
        if self.process:
            self.process.is_ended = True
        live.end(self.process)


class Client:
    goes_on = False

    def __init__(self, _line: dict, folder: Path):
        self.folder, self.processes, self.opened = folder, {}, set()

    def lacks(self) -> list:
        return []

    def start(self) -> dict:
        return {}

    def command(self, line: dict) -> None:
        if "dial" in line:
            self._dial(line)
        elif process := self.processes.get(line.get("close", line.get("send"))):
            if "close" in line:
                process.stdin.close()  # at the end of its input it sends close_notify
            else:
                self._send(process, *[line["payload"]] * line.get("times", 1))

    def _dial(self, line: dict) -> None:
        dial, tls = line["dial"], line.get("tls")
        what = live.lacks(tls, "tls12", "eku-if-present")
        if "\0" in tls["server_name"]:
            what.append("a NUL in an argument")
        if what:
            return live.write({"dial": dial, "event": "unsupported", "what": what})
        address = f"{line['host']}:{line['port']}"
        command = ["openssl", "s_client", "-brief", "-nocommands", "-connect", address, *self._options(dial, tls)]
        pipe = subprocess.PIPE
        process = live.spawn(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)
        self.processes[dial] = process
        threading.Thread(target=self._watch, args=(dial, process, line.get("send", [])), daemon=True).start()

    def _options(self, dial: int, tls: dict) -> list:
        folder = self.folder / str(dial)
        folder.mkdir()
        options = common(tls) + verification(folder, tls)
        if tls["chain"]:
            options += own(folder, tls)
        name, address = tls["server_name"], is_address(tls["server_name"])
        options += ["-noservername"] if address else ["-servername", name]
        if tls["check"] and not self.goes_on:
            # -verify is the longest path; the name is not checked unless one is given.
            options += ["-verify", "6", "-verify_return_error", "-verify_ip" if address else "-verify_hostname", name]
        if tls.get("session"):
            session = self.folder / f"session-{tls['session'].encode().hex()}"
            options += ["-sess_out", str(session)] + (["-sess_in", str(session)] if session.exists() else [])
        return options

    def _watch(self, dial: int, process: subprocess.Popen, send: list) -> None:
        report = threading.Thread(target=self._read_report, args=(dial, process, send), daemon=True)
        report.start()
        while octets := process.stdout.read(65536):
            live.write({"dial": dial, "event": "message", "payload": octets.hex()})
        report.join()
        self.processes.pop(dial, None)
        # Its status is 0 also where the server has said close_notify in the handshake.
        clean = process.wait() == 0 and dial in self.opened
        live.write({"dial": dial, "event": "end", "clean": clean})

    def _read_report(self, dial: int, process: subprocess.Popen, send: list) -> None:
        """What -brief writes to standard error: first a line that the connection is there, and then, of what."""
        report = {}
        for line in process.stderr:
            text = line.decode(errors="replace").strip()
            print(f"dial {dial}: {text}", file=sys.stderr, flush=True)
            key, _, value = text.partition(": ")
            report[key] = value
            if "CONNECTION ESTABLISHED" in report and key in ("Verification", "Verification error"):
                version = report["Protocol version"].removeprefix("TLSv")
                tls = {"authorized": value == "OK", "version": version, "subject": report.get("Peer certificate")}
                self.opened.add(dial)
                live.write({"dial": dial, "event": "open", "tls": tls})
                self._send(process, *send)

    def _send(self, process: subprocess.Popen, *payloads: str) -> None:
        try:
            for payload in payloads:
                process.stdin.write(bytes.fromhex(payload))
        except (BrokenPipeError, ValueError):
            pass  # it has ended, and `end` says so

    def stop(self) -> None:
        for process in list(self.processes.values()):
            live.end(process)


class CarelessClient(Client):
    goes_on = True


def own(folder: Path, context: dict) -> list:
    """The options for a certificate and its key."""
    leaf, *others = context["chain"]
    options = ["-cert", live.write_certificates(folder / "cert.pem", [leaf])]
    options += ["-key", live.write_key(folder / "key.pem", context["key"])]
    return options + (["-cert_chain", live.write_certificates(folder / "chain.pem", others)] if others else [])


def verification(folder: Path, tls: dict) -> list:
    """The options for anchors and CRLs. -CRL takes one; a file for -CAfile may have any number beside the anchors."""
    if not tls["anchors"]:
        return ["-no-CAfile", "-no-CApath", "-no-CAstore"]
    options = ["-CAfile", live.write_certificates(folder / "anchors.pem", tls["anchors"], tls["crls"])]
    return options + (["-crl_check_all"] if tls["crls"] is not None else [])


def common(tls: dict) -> list:
    return ["-min_protocol", live.least_version(tls)] + (["-alpn", "secure-tunnel/1"] if tls["alpn"] else [])


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    version = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout.split()[1]
    go_on = sys.argv[1:] == ["--go-on"]
    name = "openssl s_client, as it is" if go_on else "openssl s_server and s_client"
    live.run(name, version, "C", {"client": CarelessClient} if go_on else {"server": Server, "client": Client})
