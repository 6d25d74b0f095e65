#!/usr/bin/env python3
"""nginx with ssl_verify_client, as a server. A request in HTTP shows that the application is reached."""

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import live

OWN = Path(__file__).parent / "nginx/usr/sbin/nginx"  # where setup puts one that it has fetched
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin") or str(OWN)
START = 5  # seconds
REQUEST = "GET / HTTP/1.0\r\nHost: {}\r\nConnection: keep-alive\r\n\r\n"
# `optional` answers 400 to a certificate that is not accepted; this one goes on and tells the application.
VERIFY = {"none": "off", "ask": "optional_no_ca", "require": "on"}

CONFIGURATION = """
daemon off;
pid {folder}/pid;
error_log stderr warn;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  ssl_protocols {protocols};
  ssl_verify_client {verify};
  ssl_verify_depth 6;
  {anchors}
  {crls}
  {servers}
}}
"""
SERVER = """
  server {{
    listen {address} ssl{default};
    server_name {name};
    {certificate}
    location / {{ return 200 "here you are: $ssl_client_verify\\n"; }}
  }}
"""


class Server:
    def __init__(self, line: dict, folder: Path):
        self.host, self.tls, self.folder, self.process, self.port = line["host"], line.get("tls"), folder, None, None

    def lacks(self) -> list:
        # A leaf without extendedKeyUsage is accepted in any case.
        found = live.lacks(self.tls, "tls12", "eku-if-present")
        if found:
            return found
        if self.tls["alpn"]:
            found.append("ALPN for a protocol that is not HTTP")
        names = [context["name"] for context in self.tls["contexts"]]
        if self.tls["clients"] != "none" and (len(names) > 1 or any(name.startswith("*") for name in names)):
            # With ssl_verify_client it answers 421 unless Host is the name indicated, and there is one probe for all.
            found.append("one request for several names beside client certificates")
        return found + live.lists(self.tls)

    def start(self) -> dict:
        for _ in range(3):
            self.port = live.free_port(self.host)
            self._write()
            test = subprocess.run([*self._command(), "-t", "-q"], capture_output=True, text=True, check=False)
            if test.returncode:
                raise live.Refused(reason(test.stderr).replace(f"{self.folder}/", ""))
            self.process = live.spawn(self._command(), stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=sys.stderr)
            if self._answers():
                live.watch(self.process)
                host = self.tls["contexts"][0]["name"] if self.tls["contexts"] else "localhost"
                probe = {"send": REQUEST.format(host).encode().hex(), "expect": b"HTTP/1.1 200".hex()}
                return {"port": self.port, "events": False, "probe": probe}
            live.end(self.process)
        raise live.Refused(f"nginx does not listen within {START} s")

    def _command(self) -> list:
        return [NGINX, "-p", str(self.folder), "-e", "stderr", "-c", str(self.folder / "nginx.conf")]

    def _answers(self) -> bool:
        over = time.monotonic() + START
        while time.monotonic() < over and self.process.poll() is None:
            try:
                socket.create_connection((self.host, self.port), 1).close()
                return True
            except OSError:
                time.sleep(0.02)
        return False

    def _write(self) -> None:
        tls, folder = self.tls, self.folder
        anchors = crls = ""
        if tls["clients"] != "none":
            anchors = f"ssl_client_certificate {live.write_certificates(folder / 'anchors.pem', tls['anchors'])};"
            if tls["crls"] is not None:
                crls = f"ssl_crl {live.write_certificates(folder / 'crls.pem', [], tls['crls'])};"
        servers = [self._server(" default_server", "_", tls["default"])]
        servers += [self._server("", context["name"], context) for context in tls["contexts"]]
        text = CONFIGURATION.format(
            folder=folder,
            protocols="TLSv1.2 TLSv1.3" if "tls12" in tls["policies"] else "TLSv1.3",
            verify=VERIFY[tls["clients"]],
            anchors=anchors,
            crls=crls,
            servers="".join(servers),
        )
        live.write_text(folder / "nginx.conf", text)

    def _server(self, default: str, name: str, context: dict | None) -> str:
        certificate = "ssl_reject_handshake on;"
        if context:
            file = "default" if default else name.replace("*", "_")
            chain = live.write_certificates(self.folder / f"{file}.pem", context["chain"])
            key = live.write_key(self.folder / f"{file}.key", context["key"])
            certificate = f"ssl_certificate {chain}; ssl_certificate_key {key};"
        address = f"{self.host}:{self.port}"
        return SERVER.format(address=address, default=default, name=name, certificate=certificate)

    def command(self, line: dict) -> None:
        if "tls" not in line:
            raise ValueError(f"unknown line with the fields {sorted(line)}")
        self.tls |= line["tls"]
        self._write()
        # It goes on with what it has if the new configuration has an error.
        subprocess.run([*self._command(), "-s", "reload"], stdout=sys.stderr, check=False)
        live.write({"tls": True})

    def stop(self) -> None:
        if self.process:
            self.process.is_ended = True
        live.end(self.process)


def reason(log: str) -> str:
    """The first line of level emerg, without time and process."""
    line = next((line for line in log.splitlines() if "[emerg]" in line), log)
    return line.partition("[emerg] ")[2].partition(": ")[2] or line


if __name__ == "__main__":
    if "--version" in sys.argv:
        sys.exit(subprocess.run([NGINX, "-v"], check=False).returncode)
    version = subprocess.run([NGINX, "-v"], capture_output=True, text=True, check=True).stderr.strip()
    linked = subprocess.run([NGINX, "-V"], capture_output=True, text=True, check=True).stderr
    library = next((line for line in linked.splitlines() if "OpenSSL" in line), "").removeprefix("built with ")
    live.run("nginx", version.rpartition("/")[2], f"C, {library}", {"server": Server})
