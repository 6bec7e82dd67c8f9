"""The peers: other programs that do the same work, in front of the very same plugin."""

import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from packages import npm_install
from scene import GUARD, PEERS, children, wait_for

HERE = Path(__file__).resolve().parent
# What the figures are taken beside; a newer one is a change of the table.
PACKAGES = {"socket.io": "4.8.4", "http-proxy": "1.18.1"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def wrk(url, connections, seconds=3, may_fail=False):
    """Requests that were answered; with `may_fail` also how many were not, or not well."""
    out = subprocess.check_output(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", url], text=True, timeout=GUARD
    )
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    lost = int(bad.group(1)) if bad else 0
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    lost += sum(map(int, broken.groups())) if broken else 0
    if lost and not may_fail:
        raise SystemExit(f"wrk saw errors:\n{out}")
    done = int(re.search(r"(\d+) requests in", out).group(1))
    return (done, lost) if may_fail else done


class Peer:
    """A program that serves on a port of its own; `pid` is the process whose time counts."""

    def start(self, command, worker=False):
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
        wait_for(lambda: listens(self.port))
        self.pid = children(self.process.pid)[0] if worker else self.process.pid

    def folder_for(self, name):
        self.folder = Path(tempfile.mkdtemp(prefix=f"{name}-bench-"))
        self.port = free_port()
        return self.folder

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(GUARD)
        shutil.rmtree(self.folder, ignore_errors=True)


class Nginx(Peer):
    """nginx as a proxy to the same Unix socket: keep-alive upstream, no access log, one worker."""

    def __init__(self, upstream):
        folder = self.folder_for("nginx")
        config = f"""
            worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
            user root;
            events {{ worker_connections 1024; }}
            http {{
              access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
              fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
              keepalive_requests 100000000;
              upstream plugin {{ server unix:{upstream}; keepalive 64; keepalive_requests 100000000; }}
              server {{ listen 127.0.0.1:{self.port}; location / {{
                proxy_pass http://plugin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering on; }} }}
            }}"""
        (folder / "nginx.conf").write_text(config)
        self.start(["nginx", "-c", folder / "nginx.conf", "-p", folder], worker=True)


class Haproxy(Peer):
    """haproxy as a proxy to the same Unix socket: keep-alive upstream, no log, one thread."""

    def __init__(self, upstream):
        folder = self.folder_for("haproxy")
        config = f"""
            global
              nbthread 1
            defaults
              mode http
              http-reuse always
              timeout connect 5s
              timeout client 60s
              timeout server 60s
            frontend in
              bind 127.0.0.1:{self.port}
              default_backend plugin
            backend plugin
              server plugin unix@{upstream}
            """
        (folder / "haproxy.cfg").write_text("\n".join(line[12:] for line in config.splitlines()) + "\n")
        self.start(["haproxy", "-db", "-f", folder / "haproxy.cfg"])


class Node(Peer):
    """A Node.js program of the folder `peers`, with its package from the folder of peers."""

    def __init__(self, script, *arguments):
        npm_install(PEERS, PACKAGES)
        self.folder_for(script)
        program = self.folder / script
        # Beside a link to the packages, as Node.js looks for them from where a module lies.
        program.write_bytes((HERE / "peers" / script).read_bytes())
        (self.folder / "node_modules").symlink_to(PEERS / "node_modules")
        self.start(["node", program, self.port, *arguments])
