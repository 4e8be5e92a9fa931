"""AMD's own tool, unmodified, fetches chain, VCEK and CRL through Avouch and verifies a report by them."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from cryptography import x509
from kds_proxy import Proxy
from support import CA, MINTED, URL

REPORT = MINTED / "snp-json" / "report.bin"


@unittest.skipUnless("AVOUCH_SNPGUEST" in os.environ, "snpguest could not be built here")
class SnpGuest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.certificates = self.folder / "certificates"
        self.proxy = self.enterContext(Proxy(self.folder, URL, CA))

    def run_tool(self, *words):
        environment = os.environ | {
            "HTTPS_PROXY": self.proxy.url,
            "https_proxy": self.proxy.url,
            "NO_PROXY": "",
            "no_proxy": "",
            "SSL_CERT_FILE": str(self.proxy.ca),
        }
        words = [os.environ["AVOUCH_SNPGUEST"], *map(str, words)]
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120)

    def fetch(self, what, *words):
        run = self.run_tool("fetch", what, "pem", self.certificates, *words)
        self.assertEqual(run.returncode, 0, run.stderr + run.stdout)

    def verify(self, report=REPORT):
        words = ("verify", "attestation", "-p", "milan", self.certificates, report)
        return self.run_tool(*words).returncode

    def test_a_report_verifies_by_what_is_fetched(self):
        self.fetch("ca", "milan")
        self.fetch("vcek", "-p", "milan", REPORT)
        self.fetch("crl", "milan")
        self.assertEqual(len(self.proxy.asked), 3, self.proxy.asked)
        self.assertTrue(all(path.startswith("/vcek/v1/Milan/") for path in self.proxy.asked))

        minted = (MINTED / "snp-json" / "endorsements.pem").read_bytes()
        leaf, ask, ark = x509.load_pem_x509_certificates(minted)
        for name, expected in (("vcek", leaf), ("ask", ask), ("ark", ark)):
            found = (self.certificates / f"{name}.pem").read_bytes()
            self.assertEqual(x509.load_pem_x509_certificate(found), expected, name)
        crl = x509.load_pem_x509_crl((self.certificates / "crl.pem").read_bytes())
        self.assertTrue(crl.is_signature_valid(ark.public_key()))

        chain = self.run_tool("verify", "certs", self.certificates)
        self.assertEqual(chain.returncode, 0, chain.stderr + chain.stdout)
        self.assertEqual(self.verify(), 0)
        # A report that the chip did not sign is refused by the same certificates.
        changed = bytearray(REPORT.read_bytes())
        changed[0x50] ^= 1
        (self.folder / "changed.bin").write_bytes(changed)
        self.assertNotEqual(self.verify(self.folder / "changed.bin"), 0)

    def test_a_chip_that_nobody_has_is_not_found(self):
        other = bytearray(REPORT.read_bytes())
        other[0x1A0] ^= 1
        (self.folder / "other.bin").write_bytes(other)
        run = self.run_tool(
            "fetch", "vcek", "pem", self.certificates, "-p", "milan", self.folder / "other.bin"
        )
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("404", run.stderr + run.stdout)
