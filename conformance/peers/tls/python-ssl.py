#!/usr/bin/env python3
"""A server and a client by Python's module ssl, a thread for each connection."""

import hashlib
import platform
import queue
import select
import socket
import ssl
import sys
import threading
from pathlib import Path

import live


class Connection:
    """An open connection, in one thread: a socket of the module is not to be used in two at a time."""

    def __init__(self, secured: ssl.SSLSocket):
        self.secured, self.is_clean, self.session = secured, False, None
        self.wake, self.waker = socket.socketpair()
        self.told = queue.SimpleQueue()

    def tell(self, octets: bytes | None) -> None:
        """Sends octets, or closes the connection for None."""
        self.told.put(octets)
        self.waker.send(b"!")

    def run(self, receive) -> None:
        """Hands on what arrives, until the connection ends. The module takes FIN for the end that close_notify is."""
        with self.wake, self.waker:
            while True:
                ready = [self.secured] if self.secured.pending() else select.select([self.secured, self.wake], [], [])[0]
                if self.wake in ready:
                    self.wake.recv(1)
                    octets = self.told.get()
                    if octets is None:
                        break
                    self.secured.sendall(octets)
                if self.secured in ready:
                    octets = self._receive()
                    if octets == b"":
                        break
                    if octets:
                        receive(octets)
            self.session = self.secured.session
            self.secured.unwrap()
            self.is_clean = True

    def _receive(self) -> bytes | None:
        """None if there was no more than half a record, or a ticket."""
        self.secured.settimeout(0)
        try:
            return self.secured.recv(65536)
        except ssl.SSLWantReadError:
            return None
        finally:
            self.secured.settimeout(None)


class Server:
    def __init__(self, line: dict, folder: Path):
        self.host, self.tls, self.folder = line["host"], line.get("tls"), folder
        self.connections = {}

    def lacks(self) -> list:
        # A leaf without extendedKeyUsage is accepted in any case.
        found = live.lacks(self.tls, "tls12", "eku-if-present")
        if found:
            return found
        return live.lists(self.tls)

    def start(self) -> dict:
        try:
            self.contexts = {c["name"].lower(): self._context(c) for c in self.tls["contexts"]}
            self.default = self._context(self.tls["default"])
        except ssl.SSLError as error:
            raise live.Refused(error) from error
        self.default.sni_callback = self._choose
        self.listener = socket.create_server((self.host, 0), backlog=100)
        threading.Thread(target=self._accept, daemon=True).start()
        return {"port": self.listener.getsockname()[1], "reload": False}

    def _context(self, own: dict | None) -> ssl.SSLContext:
        tls = self.tls
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        modes = {"none": ssl.CERT_NONE, "ask": ssl.CERT_OPTIONAL, "require": ssl.CERT_REQUIRED}
        context.verify_mode = modes[tls["clients"]]
        if context.verify_mode != ssl.CERT_NONE:
            load(context, self.folder, tls)
        return with_own(context, self.folder, tls, own)

    def _choose(self, connection: ssl.SSLSocket, name: str | None, _default: ssl.SSLContext):
        """The name is whatever the client has sent; the module leaves the choice to this function."""
        name = (name or "").lower()
        _, _, parent = name.partition(".")
        context = self.contexts.get(name) or self.contexts.get(f"*.{parent}")
        if context:
            connection.context = context
        elif self.tls["default"] is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.name_sent = name
        return None

    def _accept(self) -> None:
        while True:
            connection, (_, peer) = self.listener.accept()
            threading.Thread(target=self._serve, args=(connection, peer), daemon=True).start()

    def _serve(self, raw: socket.socket, peer: int) -> None:
        connection = None
        try:
            with self.default.wrap_socket(raw, server_side=True) as secured:
                connection = self.connections[peer] = Connection(secured)
                tls = describe(secured) | {"server_name": getattr(secured, "name_sent", None) or None}
                live.write({"event": "open", "peer": peer, "tls": tls})
                connection.run(secured.sendall)
        except OSError as error:  # ssl.SSLError is one
            print(f"connection of {peer}: {error}", file=sys.stderr, flush=True)
        finally:
            raw.close()
            self.connections.pop(peer, None)
            live.write({"event": "end", "peer": peer, "clean": connection is not None and connection.is_clean})

    def command(self, line: dict) -> None:
        command(self.connections, line)

    def stop(self) -> None:
        pass  # connections end with the process


class Client:
    def __init__(self, _line: dict, folder: Path):
        self.folder, self.connections, self.sessions = folder, {}, {}

    def lacks(self) -> list:
        return []

    def start(self) -> dict:
        return {}

    def command(self, line: dict) -> None:
        if "dial" in line:
            threading.Thread(target=self._dial, args=(line,), daemon=True).start()
        else:
            command(self.connections, line)

    def _dial(self, line: dict) -> None:
        dial, tls = line["dial"], line.get("tls")
        if what := live.lacks(tls, "tls12", "eku-if-present"):
            return live.write({"dial": dial, "event": "unsupported", "what": what})
        # A session belongs to the context in which it began.
        configured = {name: tls.get(name) for name in ("anchors", "crls", "chain", "check", "alpn", "policies")}
        before, context, session = self.sessions.get(tls.get("session"), (configured, None, None))
        if before != configured:
            what = ["to resume a session with another configuration"]
            return live.write({"dial": dial, "event": "unsupported", "what": what})
        connection = None
        try:
            context = context or self._context(dial, tls)
            raw = socket.create_connection((line["host"], line["port"]))
            with context.wrap_socket(raw, server_hostname=tls["server_name"], session=session) as secured:
                connection = self.connections[dial] = Connection(secured)
                live.write({"dial": dial, "event": "open", "tls": describe(secured)})
                for payload in line.get("send", []):
                    secured.sendall(bytes.fromhex(payload))

                def message(octets: bytes) -> None:
                    live.write({"dial": dial, "event": "message", "payload": octets.hex()})

                connection.run(message)
                if tls.get("session"):
                    self.sessions[tls["session"]] = configured, context, connection.session
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            print(f"dial {dial}: {error}", file=sys.stderr, flush=True)
        finally:
            self.connections.pop(dial, None)
            live.write({"dial": dial, "event": "end", "clean": connection is not None and connection.is_clean})

    def stop(self) -> None:
        pass

    def _context(self, dial: int, tls: dict) -> ssl.SSLContext:
        folder = self.folder / str(dial)
        folder.mkdir()
        context = ssl.create_default_context(cadata="".join(live.pem("CERTIFICATE", der) for der in tls["anchors"]))
        load(context, folder, tls)
        if not tls["check"]:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return with_own(context, folder, tls, tls if tls["chain"] else None)


def load(context: ssl.SSLContext, folder: Path, tls: dict) -> None:
    """Anchors and CRLs, which may be in one file."""
    if tls["crls"] is not None:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    if tls["anchors"] or tls["crls"]:
        context.load_verify_locations(live.write_certificates(folder / "anchors.pem", tls["anchors"], tls["crls"]))


def with_own(context: ssl.SSLContext, folder: Path, tls: dict, own: dict | None) -> ssl.SSLContext:
    if own:
        chain = live.write_certificates(folder / "own.pem", own["chain"])
        context.load_cert_chain(chain, live.write_key(folder / "own.key", own["key"]))
    if tls["alpn"]:
        context.set_alpn_protocols(["secure-tunnel/1"])
    context.minimum_version = getattr(ssl.TLSVersion, live.least_version(tls).replace(".", "_"))
    return context


def command(connections: dict, line: dict) -> None:
    """`close` and `send` for an open connection."""
    if connection := connections.get(line.get("close", line.get("send"))):
        octets = None if "close" in line else bytes.fromhex(line["payload"]) * line.get("times", 1)
        connection.tell(octets)


def describe(connection: ssl.SSLSocket) -> dict:
    """The field `tls` of `open`, from what the socket tells."""
    told = {
        "alpn": connection.selected_alpn_protocol(),
        "version": connection.version().removeprefix("TLSv"),
        "resumed": connection.session_reused,
        "authorized": False,
    }
    der = connection.getpeercert(binary_form=True)
    if der is None:
        return told | dict.fromkeys(["fingerprint", "subject", "issuer", "serial", "not_before", "not_after"])
    told["fingerprint"] = hashlib.sha256(der).hexdigest()
    if certificate := connection.getpeercert():  # empty if it was not checked
        told |= {
            "authorized": True,
            "subject": one_line(certificate["subject"]),
            "issuer": one_line(certificate["issuer"]),
            "serial": certificate["serialNumber"].lower(),
            "not_before": ssl.cert_time_to_seconds(certificate["notBefore"]),
            "not_after": ssl.cert_time_to_seconds(certificate["notAfter"]),
        }
    return told


def one_line(name: tuple) -> str:
    return ", ".join(f"{key}={value}" for part in name for key, value in part)


if __name__ == "__main__":
    roles = {"server": Server, "client": Client}
    live.run("python-ssl", platform.python_version(), f"Python, {ssl.OPENSSL_VERSION}", roles)
