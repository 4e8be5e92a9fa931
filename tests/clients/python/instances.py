"""Two instances of the service on one PostgreSQL, reached under one address.

Environment: as in support.py; AVOUCH_COMMAND names the command.
"""

import glob
import json
import os
import pathlib
import random
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from support import MINTED

COMMAND = os.environ.get("AVOUCH_COMMAND", "avouch")
# What a database server runs as where the tests run as root.
NOBODY = 65534


def binaries():
    """The folder of PostgreSQL's programs; none if it is not installed."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    return pathlib.Path(found[-1]).parent if found else None


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class PostgreSql:
    """A server of its own, on a socket in its folder."""

    def __init__(self, folder):
        self.folder = folder / "postgresql"
        self.folder.mkdir()
        self.identity = {}
        if os.geteuid() == 0:
            os.chmod(folder, 0o755)
            os.chown(self.folder, NOBODY, NOBODY)
            self.identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        self.run("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        program = binaries() / "postgres"
        words = ["-D", "data", "-k", str(self.folder), "-c", "listen_addresses=", "-c", "fsync=off"]
        self.server = subprocess.Popen(
            [program, *words], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.identity)
        for _ in range(300):
            ready = subprocess.run(
                [binaries() / "pg_isready", "-h", self.folder], stdout=subprocess.DEVNULL, check=False)
            if ready.returncode == 0:
                break
            time.sleep(0.1)
        self.run("createdb", "-h", str(self.folder), "-U", "postgres", "keys")
        self.url = f"postgres://postgres@localhost:5432/keys?host={self.folder}"

    def run(self, program, *words):
        subprocess.run(
            [binaries() / program, *words], cwd=self.folder, stdout=subprocess.DEVNULL, check=True, **self.identity)

    def stop(self):
        self.server.send_signal(subprocess.signal.SIGINT)
        self.server.wait()


class Instance:
    """One process; it can be killed and started again at the same port."""

    def __init__(self, words):
        self.port = free_port()
        self.words = [COMMAND, *words, "--listen", f"127.0.0.1:{self.port}"]
        self.process, self.url = None, None
        self.start()

    def start(self):
        # What it has to say to people is not for this test.
        self.process = subprocess.Popen(
            self.words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("the service ended before it answered")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Front:
    """One address before all instances: each connection goes to one of them, whichever answers."""

    def __init__(self, port):
        self.ports = []
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        for port in random.sample(self.ports, len(self.ports)):
            try:
                service = socket.create_connection(("127.0.0.1", port), timeout=5)
            except OSError:
                continue
            service.settimeout(None)
            back = threading.Thread(target=self.pump, args=(service, client), daemon=True)
            back.start()
            self.pump(client, service)
            back.join()
            service.close()
            break
        client.close()

    @staticmethod
    def pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


class Service:
    """Both instances, and the command that changes their keys."""

    def __init__(self, published_ahead, publish_seconds):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="avouch-keys-"))
        self.database = PostgreSql(self.folder)
        (self.folder / "master").write_text(secrets.token_hex(32))
        os.chmod(self.folder / "master", 0o600)
        port = free_port()
        self.url = f"https://localhost:{port}"
        self.config = self.folder / "avouch.toml"
        self.config.write_text(
            f'[server]\npublic_url = "{self.url}"\n\n'
            f'[database]\nurl = "{self.database.url}"\nserved_without_seconds_max = {publish_seconds}\n\n'
            f'[signing]\nmaster_key_file = "master"\npublished_ahead = {published_ahead}\n'
            f"publish_seconds = {publish_seconds}\n")
        case = MINTED / "sgx-json"
        words = ["serve", "--dev", "--config", str(self.config), "--data-dir", str(self.folder / "data"),
                 "--endorsements", str(case / "endorsements.json"), "--trust-root", str(case / "root.pem")]
        self.instances = [Instance(words), Instance(words)]
        self.ca = self.folder / "data/tls/ca.pem"
        self.front = Front(port)
        self.front.ports = [instance.port for instance in self.instances]

    def key(self, *words):
        """A command on the keys: its status and its answer."""
        run = subprocess.run(
            [COMMAND, "--output", "json", "key", *words, "--config", str(self.config)],
            capture_output=True, text=True, check=False)
        return run.returncode, json.loads(run.stdout) if run.stdout else run.stderr

    def stop(self):
        self.front.close()
        for instance in self.instances:
            instance.kill()
        self.database.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
