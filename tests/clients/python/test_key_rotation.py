"""Clients that read the key set once and live on, while keys rotate and an instance restarts.

Unmodified SDKs for Python and JavaScript attest without pause through one address, behind which two
instances on one PostgreSQL answer. Ten times another key begins to sign. Every token must verify.

Environment: as in support.py; AVOUCH_COMMAND names the command, AVOUCH_JS a folder with the JavaScript
SDK and `key-rotation-client.js`.
"""

import json
import os
import random
import subprocess
import threading
import time
import unittest

from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError
from azure.security.attestation import AttestationClient
from instances import Service, binaries
from support import Credential, evidence

ROTATIONS = 10
# How long a key stands in key sets before it may sign: more than a busy machine needs to look.
PUBLISH_SECONDS = 15
PYTHON_CLIENTS = 3


class Client(threading.Thread):
    """One SDK object, kept alive."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.sdk = AttestationClient(
            service.url, Credential(), connection_verify=str(service.ca), retry_total=0)
        self.url = service.url
        self.kids, self.tokens, self.broken, self.failures = set(), 0, 0, []
        self.stopping = threading.Event()

    def attest(self):
        data, held = evidence("sgx-json")
        _, token = self.sdk.attest_sgx_enclave(
            data, issuer=self.url, validate_token=True, validate_issuer=True, **held)
        return token

    def run(self):
        while not self.stopping.is_set():
            try:
                self.kids.add(self.attest().key_id)
                self.tokens += 1
            except (ServiceRequestError, ServiceResponseError):
                # The instance that held the connection was killed.
                self.broken += 1
            except Exception as error:  # pylint: disable=broad-except
                self.failures.append(repr(error))
                # Of a service without its database, told so: no token came.
                if isinstance(error, HttpResponseError) and error.status_code == 503:
                    self.failures.pop()
                    self.broken += 1
            time.sleep(0.05)

    def stop(self):
        self.stopping.set()
        self.join(60)


class JavaScriptClient:
    """The same in a process of its own."""

    def __init__(self, service):
        environment = {
            **os.environ, "AVOUCH_URL": service.url, "NODE_EXTRA_CA_CERTS": str(service.ca)}
        self.process = subprocess.Popen(
            ["node", "key-rotation-client.js"], cwd=os.environ["AVOUCH_JS"], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "attested":
            raise RuntimeError("the client did not attest")

    def stop(self):
        out, _ = self.process.communicate("stop\n", timeout=60)
        return json.loads(out)


@unittest.skipUnless(binaries() and "AVOUCH_JS" in os.environ, "no PostgreSQL or no JavaScript")
class KeyRotation(unittest.TestCase):
    def setUp(self):
        self.service = Service(ROTATIONS, PUBLISH_SECONDS)
        self.addCleanup(self.service.stop)

        deadline = time.monotonic() + 60
        while len(self.tokens_in("published")) < ROTATIONS and time.monotonic() < deadline:
            time.sleep(0.2)

    def tokens_in(self, state):
        """The keys for tokens in a state."""
        _, listed = self.service.key("list")
        return [key["kid"] for key in listed["keys"] if key["purpose"] == "token" and key["state"] == state]

    def restart_at_random(self, stopping, restarts):
        while not stopping.wait(random.uniform(1, 5)):
            instance = random.choice(self.service.instances)
            instance.kill()
            time.sleep(random.uniform(0, 1))
            instance.start()
            restarts.append(instance.port)

    def rotate(self):
        """Lets the next key sign, as soon as it may."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            status, answer = self.service.key("rotate")
            if status == 0:
                self.assertEqual(answer["done"], "activated")
                return answer["key"]["kid"]
            self.assertEqual(status, 1, answer)
            time.sleep(0.5)
        self.fail("no key may sign yet")

    def test_clients_that_live_on_see_no_failing_token_across_ten_rotations(self):
        signed = self.tokens_in("active")
        clients = [Client(self.service) for _ in range(PYTHON_CLIENTS)]
        # Each has read the key set before the first rotation.
        for client in clients:
            client.attest()
        script = JavaScriptClient(self.service)
        for client in clients:
            client.start()
        stopping, restarts = threading.Event(), []
        restarting = threading.Thread(target=self.restart_at_random, args=(stopping, restarts))
        restarting.start()
        try:
            for _ in range(ROTATIONS):
                signed.append(self.rotate())
                time.sleep(2.5)
        finally:
            stopping.set()
            restarting.join()
            for client in clients:
                client.stop()
            script = script.stop()
        self.assertEqual(len(set(signed)), ROTATIONS + 1)
        seen = set().union(*(client.kids for client in clients), script["kids"])
        for client in clients:
            self.assertEqual(client.failures, [])
            self.assertGreater(client.tokens, 2 * ROTATIONS)
            self.assertLessEqual(client.kids, set(signed))
        self.assertEqual(script["failures"], [])
        self.assertGreater(script["tokens"], 2 * ROTATIONS)
        self.assertGreaterEqual(len(restarts), 2)
        # Every key signed for somebody: nobody went on with an old one.
        self.assertEqual(seen, set(signed))
        tokens = sum(client.tokens for client in clients)
        broken = sum(client.broken for client in clients) + script["broken"]
        print(f"{tokens} tokens for Python, {script['tokens']} for JavaScript, {len(restarts)} restarts, "
              f"{broken} broken connections, {len(seen)} keys")

    def test_a_key_that_nobody_could_know_is_what_such_clients_refuse(self):
        client = Client(self.service)
        client.attest()
        status, _ = self.service.key("rotate", "--now")
        self.assertEqual(status, 0)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                client.attest()
            except Exception as error:  # pylint: disable=broad-except
                self.assertIn("certificate", str(error).lower())
                return
            time.sleep(0.2)
        self.fail("the test above could not fail")


if __name__ == "__main__":
    unittest.main()
