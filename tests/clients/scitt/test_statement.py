"""Signed statements and receipts, beside pyscitt: it reads and verifies what Avouch writes, and of the receipts that a small
ledger gives here both say the same. The ledger is written with cbor2 and cryptography alone.

Environment: AVOUCH_COMMAND names the command.
"""

import base64
import hashlib
import json
import os
import subprocess
import tempfile
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID
from pyscitt import crypto, verify

AT = "2026-01-31T12:00:00Z"
STATEMENT_AT = 1769860800
EVIDENCE = "ce:2.15:0123456789abcdef"


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def pem(key):
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()).decode()


def certificate(key, name):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(timezone.utc)
    built = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
    built = built.public_key(key.public_key()).serial_number(x509.random_serial_number())
    built = built.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
    return built.sign(key, hashes.SHA384())


class Ledger:
    """A ledger as over CCF, with a few other entries."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP384R1())
        self.certificate = certificate(self.key, "ledger.example")
        spki = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.kid = hashlib.sha256(spki).hexdigest().encode()

    def trust_store(self):
        parameters = verify.ServiceParameters(
            "CCF", "ES384", self.certificate.public_bytes(serialization.Encoding.DER), "ledger")
        return verify.StaticTrustStore({"ledger": parameters})

    def register(self, statement, vds=2, edit=lambda proof: proof, signer=None):
        data = sha256(statement)
        leaf = [bytes([5]) * 32, EVIDENCE, data]
        path = [[True, bytes([1]) * 32], [False, bytes([2]) * 32], [True, bytes([3]) * 32]]
        root = sha256(leaf[0], sha256(EVIDENCE.encode()), data)
        for left, other in path:
            root = sha256(other, root) if left else sha256(root, other)
        proof = edit({1: leaf, 2: path})
        protected = cbor2.dumps({
            1: -35, 4: self.kid, 395: vds,
            15: {1: "ledger.example", 2: "scitt.ccf.signature.v1", 6: STATEMENT_AT},
            "ccf.v1": {"txid": "2.15"}})
        message = cbor2.dumps(["Signature1", protected, b"", root])
        r, s = decode_dss_signature((signer or self.key).sign(message, ec.ECDSA(hashes.SHA384())))
        signature = r.to_bytes(48, "big") + s.to_bytes(48, "big")
        unprotected = {396: {-1: [cbor2.dumps(proof)]}}
        return cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected, None, signature]))


class Statements(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.place.name)
        cls.key = ec.generate_private_key(ec.SECP256R1())
        cls.file("publisher-key.pem", private_pem(cls.key))
        cls.public = cls.file("publisher.pem", pem(cls.key.public_key()))
        cls.list = cls.folder / "measurements.json"
        workload = json.dumps({"snp": {"measurement": "11" * 48}})
        cls.avouch("make", cls.list, "--publisher", "attest.example", "--name", "release 1",
                   "--workload", workload, "--at", "2026-01-01T00:00:00Z")
        cls.signed = cls.folder / "measurements.jws"
        key = cls.folder / "publisher-key.pem"
        cls.avouch("sign", cls.list, "--key", key, "--out", cls.signed)
        out = cls.folder / "measurements.cose"
        cls.avouch("statement", cls.list, "--key", key, "--issuer", "https://attest.example",
                   "--at", AT, "--out", out)
        cls.statement = out.read_bytes()
        cls.ledger = Ledger()
        chain = cls.ledger.certificate.public_bytes(serialization.Encoding.PEM).decode()
        cls.ledger_key = cls.file("ledger.pem", chain)

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    @classmethod
    def file(cls, name, content):
        path = cls.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    @classmethod
    def avouch(cls, *words, status=0):
        command = [os.environ["AVOUCH_COMMAND"], "measurements", *map(str, words), "--output", "json"]
        run = subprocess.run(command, capture_output=True, text=True)
        assert run.returncode == status, (run.returncode, run.stdout, run.stderr)
        return json.loads(run.stdout)

    def ours(self, transparent, ledger_key=None):
        """What Avouch says of a transparent statement: none, or the check that it fails."""
        path = self.file("transparent.cose", transparent)
        words = [os.environ["AVOUCH_COMMAND"], "measurements", "check", self.signed, "--publisher-key",
                 self.public, "--statement", path, "--ledger-key", ledger_key or self.ledger_key,
                 "--at", AT, "--output", "json"]
        run = subprocess.run(list(map(str, words)), capture_output=True, text=True)
        self.assertIn(run.returncode, (0, 1), run.stderr)
        answer = json.loads(run.stdout)
        if run.returncode == 0:
            self.assertIn("ledger.example", answer["transparency"])
            return None
        return answer["error"]["check"]

    def theirs(self, transparent, statement=None, ledger=None):
        """Whether pyscitt takes it."""
        store = (ledger or self.ledger).trust_store()
        try:
            verify.verify_transparent_statement(transparent, store, statement or self.statement)
        except Exception as refused:
            return f"{type(refused).__name__}: {refused}"
        return None

    def attach(self, *receipts):
        """As the command does it; pyscitt's own way has to agree."""
        statement = self.file("statement.cose", self.statement)
        out = self.folder / "attached.cose"
        words = []
        for number, receipt in enumerate(receipts):
            words += ["--receipt", self.file(f"receipt-{number}.cose", receipt)]
        self.avouch("attach", statement, *words, "--out", out)
        return out.read_bytes()

    def test_pyscitt_reads_and_verifies_the_statement(self):
        header, payload = crypto.parse_cose_sign1(self.statement)
        self.assertEqual(header["alg"], "ES256")
        self.assertEqual(header["cty"], "application/vnd.avouch.measurements+json")
        spki = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.assertEqual(header["kid"], hashlib.sha256(spki).hexdigest())
        self.assertEqual(header["CWT_CLAIMS"], {1: "https://attest.example", 2: "attest.example", 6: STATEMENT_AT})
        self.assertEqual(payload, self.list.read_bytes().strip())
        verify.verify_cose_sign1(self.statement, pem(self.key.public_key()))
        stranger = ec.generate_private_key(ec.SECP256R1())
        with self.assertRaises(ValueError):
            verify.verify_cose_sign1(self.statement, pem(stranger.public_key()))
        # Nothing is written in another way than their library would.
        self.assertEqual(cbor2.dumps(cbor2.loads(self.statement)), self.statement)

    def test_both_take_a_receipt_that_the_ledger_gave(self):
        transparent = self.attach(self.ledger.register(self.statement))
        self.assertIsNone(self.theirs(transparent))
        self.assertIsNone(self.ours(transparent))

    def test_both_refuse_what_is_next_to_it(self):
        stranger = ec.generate_private_key(ec.SECP384R1())

        def path_bit(proof):
            proof[2][1][1] = bytes([2]) * 31 + bytes([3])
            return proof

        def other_side(proof):
            proof[2][0][0] = False
            return proof

        def shorter(proof):
            return {**proof, 2: proof[2][:-1]}

        def other_data(proof):
            proof[1][2] = sha256(b"another")
            return proof

        def no_path(proof):
            return {1: proof[1]}

        def no_leaf(proof):
            return {2: proof[2]}

        register = self.ledger.register
        for receipt, check in [
            (register(self.statement, edit=path_bit), "receipt-signature"),
            (register(self.statement, edit=other_side), "receipt-signature"),
            (register(self.statement, edit=shorter), "receipt-signature"),
            (register(self.statement, edit=other_data), "receipt-statement"),
            (register(self.statement, edit=no_path), "receipt-proof"),
            (register(self.statement, edit=no_leaf), "receipt-proof"),
            (register(self.statement, signer=stranger), "receipt-signature"),
            (register(self.statement, vds=3), "receipt-data-structure"),
            (register(b"another statement"), "receipt-statement"),
        ]:
            transparent = self.attach(receipt)
            self.assertEqual(self.ours(transparent), check)
            self.assertIsNotNone(self.theirs(transparent), check)

    def test_both_refuse_another_ledgers_key_and_a_receipt_that_is_cut(self):
        good = self.ledger.register(self.statement)
        other = Ledger()
        chain = other.certificate.public_bytes(serialization.Encoding.PEM).decode()
        of_other = self.attach(other.register(self.statement))
        self.assertEqual(self.ours(of_other), "receipt-ledger")
        self.assertEqual(self.ours(self.attach(good), self.file("other.pem", chain)), "receipt-ledger")
        self.assertIsNone(self.ours(of_other, self.file("other.pem", chain)))
        self.assertIsNone(self.theirs(of_other, ledger=other))
        for length in (len(good) - 1, len(good) // 2, 1):
            cut = self.attach(good[:length])
            self.assertEqual(self.ours(cut), "receipt-form")
            self.assertIsNotNone(self.theirs(cut))

    def test_a_statement_that_was_altered_or_is_another_is_refused(self):
        receipt = self.ledger.register(self.statement)
        message = cbor2.loads(self.statement)
        protected, _, payload, signature = message.value
        altered = payload.replace(b"11", b"12", 1)
        forged = cbor2.dumps(cbor2.CBORTag(18, [protected, {394: [receipt]}, altered, signature]))
        self.assertEqual(self.ours(forged), "statement-signature")
        bare = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, altered, signature]))
        self.assertIsNotNone(self.theirs(forged, statement=bare))
        with self.assertRaises(ValueError):
            verify.verify_cose_sign1(bare, pem(self.key.public_key()))

    def test_the_key_set_that_a_ledger_publishes_is_taken(self):
        numbers = self.ledger.key.public_key().public_numbers()
        member = lambda number: base64.urlsafe_b64encode(number.to_bytes(48, "big")).rstrip(b"=").decode()
        key = {"kty": "EC", "crv": "P-384", "x": member(numbers.x), "y": member(numbers.y),
               "kid": self.ledger.kid.decode()}
        keys = self.file("jwks.json", json.dumps({"keys": [key]}))
        transparent = self.attach(self.ledger.register(self.statement))
        self.assertIsNone(self.ours(transparent, keys))


if __name__ == "__main__":
    unittest.main()
