"""Guest attestation from a machine with a software TPM: Microsoft's crate, unmodified, as a program that opens the
TPM itself; and a client out of tpm2-tools that shares no code with it or with the service.

Environment: as in support.py and virtual_machine.py; AVOUCH_GUEST_SDK names the program with Microsoft's crate,
AVOUCH_GUEST_DEVICES the library that gives it the machine's devices.
"""

import base64
import json
import os
import ssl
import subprocess
import unittest
import urllib.error
import urllib.request

import jwt
from instances import Instance
from metadata_service import MetadataService
from support import base64url, unpadded
from tpm_tools_client import LIBRARY, NULL, OWNER, PCRS, TOOL, TpmToolsClient, standard
from virtual_machine import COMMAND, VM_ID, VirtualMachine, swtpm_is_there

GUEST, SNP, TDX = "/attest/AzureGuest", "/attest/SevSnpVm", "/attest/TdxVm"
# The default policy asks for Microsoft's keys in the firmware, which a minted log has not.
POLICY = 'version=1.0; authorizationrules{[type=="secureboot", value==true] => permit();}; issuancerules{};'
# Read by name: whose token is nested in that of a confidential machine.
NESTED = {"snp": "sevsnpvm", "tdx": "tdxvm"}


class Service:
    """A service that trusts the CA of the machine's TPM, and the hardware of the minted evidence."""

    def __init__(self, machine, isolations):
        (machine.folder / "vtpm-ca.pem").write_text(machine.ca.pem)
        values, config = machine.folder / "paravisors.toml", machine.folder / "avouch.toml"
        values.write_text('compliance_status = "ours"\n')
        config.write_text(f'[appraisal]\nreference_values = "{values}"\n')
        words = ["serve", "--dev", "--offline", "--config", str(config), "--data-dir", str(machine.folder / "data"),
                 "--trust-root", f"tpm={machine.folder / 'vtpm-ca.pem'}"]
        for isolation in isolations:
            words += isolation.endorsed()
            # What its hardware measured is a paravisor, by an operator's word.
            subprocess.run([COMMAND, "reference", "add", isolation.evidence, "--type", isolation.kind, "--paravisor",
                            "--file", values, *isolation.endorsed()], check=True, stdout=subprocess.DEVNULL)
        self.instance = Instance(words)
        self.url, self.ca = self.instance.url, machine.folder / "data/tls/ca.pem"
        self.context = ssl.create_default_context(cafile=self.ca)
        header = base64url(json.dumps({"alg": "none"}).encode())
        policy = base64url(json.dumps({"AttestationPolicy": base64url(POLICY.encode())}).encode())
        status, answer = self.send("PUT", "/policies/AzureGuest", f"{header}.{policy}.")
        if status != 200:
            raise RuntimeError(answer)

    def send(self, method, path, body):
        request = urllib.request.Request(f"{self.url}{path}?api-version=2020-10-01", body.encode(), method=method)
        request.add_header("Authorization", "Bearer development")
        request.add_header("Content-Type", "application/json" if method == "POST" else "text/plain")
        try:
            with urllib.request.urlopen(request, context=self.context) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def attest(self, document):
        info = base64url(json.dumps(document).encode())
        return self.send("POST", GUEST, json.dumps({"AttestationInfo": info}))

    def verified(self, token):
        """The claims of a token, as a relying party finds them."""
        with urllib.request.urlopen(f"{self.url}/.well-known/openid-configuration", context=self.context) as answer:
            found = json.load(answer)
        keys = jwt.PyJWKClient(found["jwks_uri"], ssl_context=self.context)
        key = keys.get_signing_key_from_jwt(token)
        algorithms = found["id_token_signing_alg_values_supported"]
        return jwt.decode(token, key, algorithms=algorithms, issuer=self.url)


@unittest.skipUnless(swtpm_is_there(), "no swtpm or no tpm2-tools")
class Guest(unittest.TestCase):
    """A machine, its hardware evidence and a service that knows them; without tests of its own."""

    @classmethod
    def setUpClass(cls):
        cls.machine = VirtualMachine()
        cls.addClassCleanup(cls.machine.stop)
        cls.isolations = {kind: cls.machine.mint_isolation(kind) for kind in NESTED}
        cls.service = Service(cls.machine, cls.isolations.values())
        cls.addClassCleanup(cls.service.instance.kill)

    def replace_machine(self):
        """Takes another machine for this test, and a service for it; what is extended stays until the next boot."""
        self.machine = VirtualMachine()
        self.addCleanup(self.machine.stop)
        self.service = Service(self.machine, [])
        self.addCleanup(self.service.instance.kill)

    def check_claims(self, claims, payload):
        self.assertEqual(claims["x-ms-attestation-type"], "vtpm")
        self.assertIs(claims["secureboot"], True)
        self.assertEqual(claims["avouch-vtpm-attested-pcrs"], PCRS)
        self.assertEqual(claims["avouch-vtpm-ostype"], "Linux")
        self.assertEqual(claims["avouch-vtpm-osdistro"], "Avouch Test Linux")
        self.assertEqual((claims["avouch-vtpm-osversion-major"], claims["avouch-vtpm-osversion-minor"]), (24, 4))
        self.assertEqual(claims["x-ms-runtime"]["client-payload"], payload)
        key = claims["x-ms-runtime"]["keys"][0]
        self.assertEqual((key["kid"], key["key_ops"]), ("TpmEphemeralEncryptionKey", ["encrypt"]))
        isolation = self.machine.isolation
        if isolation is None:
            self.assertNotIn("x-ms-isolation-tee", claims)
            return
        nested = claims["x-ms-isolation-tee"]
        self.assertEqual(nested["x-ms-attestation-type"], NESTED[isolation.kind])
        self.assertEqual(nested["x-ms-compliance-status"], "ours")
        self.assertEqual(nested["x-ms-runtime"], json.loads(isolation.runtime_data))
        self.assertEqual(claims["avouch-vtpm-vmid"], VM_ID)


@unittest.skipUnless("AVOUCH_GUEST_SDK" in os.environ, "AVOUCH_GUEST_SDK is not set")
class MicrosoftsCrate(Guest):
    def setUp(self):
        self.reach_service()

    def reach_service(self):
        self.host = self.enterContext(MetadataService(self.machine, self.service.url, self.service.ca))

    def run_crate(self, *words, data=""):
        environment = os.environ | self.host.environment | {
            "LD_PRELOAD": os.environ["AVOUCH_GUEST_DEVICES"],
            "GUEST_TPM_PORT": str(self.machine.tpm.port),
            "GUEST_FILES": str(self.machine.files),
        }
        words = [os.environ["AVOUCH_GUEST_SDK"], *words]
        return subprocess.run(words, env=environment, input=data, capture_output=True, text=True, timeout=120)

    def answer(self, *words, data=""):
        run = self.run_crate(*words, data=data)
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)

    def test_a_guest_of_each_kind_gets_a_token_that_its_tpm_opens(self):
        payload = {"nonce": standard(b"told to the relying party")}
        for kind, document_name in ((None, "TrustedLaunch"), ("snp", "SevSnp"), ("tdx", "Tdx")):
            with self.subTest(kind):
                self.machine.isolate(self.isolations.get(kind))
                answer = self.answer("attest", self.host.url)
                # It took what it was to take.
                sent = answer["request"]
                self.assertEqual(sent["IsolationInfo"]["Type"], document_name)
                self.assertEqual(base64.b64decode(sent["TcgLogs"]), self.machine.log)
                self.assertEqual(self.host.asked[-1], (GUEST, 200))
                self.check_claims(self.service.verified(answer["token"]), payload)

    def test_the_platform_of_each_kind_gets_a_token(self):
        for kind, path in (("snp", SNP), ("tdx", TDX)):
            with self.subTest(kind):
                isolation = self.isolations[kind]
                self.machine.isolate(isolation)
                claims = self.service.verified(self.answer("platform", self.host.url)["token"])
                self.assertEqual(self.host.asked[-1], (path, 200))
                self.assertEqual(claims["x-ms-attestation-type"], NESTED[kind])
                self.assertEqual(claims["x-ms-runtime"], json.loads(isolation.runtime_data))

    def test_an_answer_stays_sealed_once_a_pcr_has_changed(self):
        self.replace_machine()
        self.reach_service()
        answer = self.answer("request", self.host.url)
        pcrs, sealed = json.dumps(answer["pcrs"]), answer["sealed"]
        self.assertNotIn(".", sealed, "it is no token yet")
        # One that was not quoted says nothing.
        self.machine.tpm.extend(16)
        token = self.answer("open", pcrs, data=sealed)["token"]
        self.service.verified(token)
        self.machine.tpm.extend(7)
        run = self.run_crate("open", pcrs, data=sealed)
        self.assertNotEqual(run.returncode, 0, run.stdout)
        self.assertIn("RsaDecrypt", run.stderr)
        # Its log says another thing than its PCRs now.
        refused = self.run_crate("request", self.host.url)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("log-replay", refused.stderr)

    def test_evidence_of_another_machine_is_refused_in_the_words_of_the_service(self):
        other = VirtualMachine()
        self.addCleanup(other.stop)
        for kind, path in (("snp", SNP), ("tdx", TDX)):
            with self.subTest(kind):
                # A genuine report, which binds the key of another TPM.
                self.machine.isolate(other.mint_isolation(kind))
                run = self.run_crate("attest", self.host.url)
                self.assertNotEqual(run.returncode, 0, run.stdout)
                self.assertIn("ak-reported-key", run.stderr)
                # A report and runtime data that are not of one machine.
                self.machine.isolation.runtime_data = self.isolations[kind].runtime_data
                self.machine.isolate(self.machine.isolation)
                for words in (("attest", self.host.url), ("platform", self.host.url)):
                    run = self.run_crate(*words)
                    self.assertNotEqual(run.returncode, 0, run.stdout)
                    self.assertIn("runtime-data", run.stderr)
                self.assertEqual(self.host.asked[-1], (path, 400))


class TpmTools(Guest):
    def test_both_clients_encodings_get_an_answer_that_the_tpm_opens(self):
        for kind in (None, "snp", "tdx"):
            self.machine.isolate(self.isolations.get(kind))
            for style, hierarchy in ((LIBRARY, OWNER), (TOOL, NULL)):
                with self.subTest(kind=kind, style=style):
                    client = TpmToolsClient(self.machine.tpm, hierarchy)
                    document = client.document(self.machine, style)
                    self.assertEqual(len(base64.b64decode(document["TpmInfo"]["AikPub"])), 354 if style == TOOL else 282)
                    status, answer = self.service.attest(document)
                    self.assertEqual(status, 200, answer)
                    claims = self.service.verified(client.open(answer["token"]))
                    self.check_claims(claims, document["ClientPayload"])

    def test_an_answer_stays_sealed_once_a_pcr_has_changed(self):
        self.replace_machine()
        tpm = self.machine.tpm
        client = TpmToolsClient(tpm)
        status, answer = self.service.attest(client.document(self.machine, TOOL))
        self.assertEqual(status, 200, answer)
        self.service.verified(client.open(answer["token"]))
        # One that was not quoted says nothing.
        tpm.extend(16)
        self.service.verified(client.open(answer["token"]))
        inner = base64.b64decode(json.loads(unpadded(answer["token"]))["EncryptedInnerKey"])
        self.assertIsNotNone(client.unseal(inner, "-f", "pcrs.bin"))
        tpm.extend(7)
        self.assertIsNone(client.open(answer["token"]))
        # Nor does it help to claim the state that was, or to use the key without its policy.
        self.assertIsNone(client.unseal(inner, "-f", "pcrs.bin"))
        run = tpm.run("tpm2_rsadecrypt", "-c", "sealing.ctx", "-s", "rsaes", "inner.bin")
        self.assertNotEqual(run.returncode, 0)

    def test_another_machine_does_not_open_it(self):
        self.machine.isolate(None)
        status, answer = self.service.attest(TpmToolsClient(self.machine.tpm).document(self.machine, TOOL))
        self.assertEqual(status, 200, answer)
        other = VirtualMachine()
        self.addCleanup(other.stop)
        self.assertIsNone(TpmToolsClient(other.tpm).open(answer["token"]))

    def test_what_tpm2_tools_sign_otherwise_is_refused_by_its_check(self):
        self.machine.isolate(None)
        client = TpmToolsClient(self.machine.tpm)
        good = client.document(self.machine, LIBRARY)

        def refused(check, change):
            document = json.loads(json.dumps(good))
            change(document)
            status, answer = self.service.attest(document)
            self.assertEqual(status, 400, answer)
            self.assertIn(check, answer["error"]["message"])

        def flip(member):
            def change(document):
                data = bytearray(base64.b64decode(document["TpmInfo"][member]))
                data[-1] ^= 1
                document["TpmInfo"][member] = standard(data)
            return change

        self.assertEqual(self.service.attest(good)[0], 200)
        challenge = client.document(self.machine, LIBRARY, client.tpm2_certify())
        refused("tpm-qualifying-data", lambda document: document.update(challenge))
        for member in ("PcrQuote", "PcrSignature", "EncKeyCertifyInfo", "EncKeyCertifyInfoSignature"):
            with self.subTest(member):
                refused("tpm-signature", flip(member))
        with self.subTest("EncKeyPub"):
            refused("tpm-certified-name", flip("EncKeyPub"))


if __name__ == "__main__":
    unittest.main()
