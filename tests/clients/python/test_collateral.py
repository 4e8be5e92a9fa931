"""Unmodified clients of Intel's and AMD's services that fetch through Avouch and verify by what they get.

The transport of dcap-qvl takes its CAs from SSL_CERT_FILE, that of cvm-attest from REQUESTS_CA_BUNDLE.
The address of AMD's service is a constant in cvm-attest; nothing else of it is changed.
"""

import asyncio
import os
import ssl
import time
import unittest
from unittest import mock

import dcap_qvl
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cvm_attest.snp import report as snp_report
from cvm_attest.snp import verify as snp_verify
from support import CA, MINTED, URL


def root(case):
    return ssl.PEM_cert_to_DER_cert((MINTED / case / "root.pem").read_text())


class Intel(unittest.TestCase):
    def test_a_quote_verifies_by_the_collateral_that_is_fetched_for_it(self):
        for case, level in (("sgx-json", "UpToDate"), ("tdx-json", "UpToDate")):
            with self.subTest(case), mock.patch.dict(os.environ, SSL_CERT_FILE=CA):
                quote = (MINTED / case / "quote.bin").read_bytes()

                async def fetch(url=URL):
                    return await dcap_qvl.get_collateral(url, quote)

                collateral = asyncio.run(fetch())
                now = int(time.time())
                verdict = dcap_qvl.verify_with_root_ca(quote, collateral, root(case), now)
                self.assertEqual(verdict.status, level)
                # The same under Intel's own root is not believed.
                with self.assertRaises(ValueError):
                    dcap_qvl.verify(quote, collateral, now)
                # An address with the path of the API in it is as good.
                asyncio.run(fetch(f"{URL}/sgx/certification/v4/"))


class Amd(unittest.TestCase):
    def test_chain_and_vcek_of_a_report_are_fetched(self):
        report = (MINTED / "snp-json" / "report.bin").read_bytes()
        chip_id, tcb = report[0x1A0:0x1E0].hex(), report[0x180:0x188]
        levels = {"boot_loader": tcb[0], "tee": tcb[1], "snp": tcb[6], "microcode": tcb[7]}
        self.assertEqual(snp_report.parse_snp_report(report)["chip_id"], chip_id)
        pem = (MINTED / "snp-json" / "endorsements.pem").read_bytes()
        leaf, *above = x509.load_pem_x509_certificates(pem)
        with (
            mock.patch.object(snp_verify, "AMD_KDS_BASE", URL),
            mock.patch.dict(os.environ, REQUESTS_CA_BUNDLE=CA),
        ):
            chain = snp_verify._fetch_cert_chain("Milan")
            vcek = snp_verify._fetch_vcek_cert("Milan", chip_id, levels)
            other = snp_verify._fetch_vcek_cert("Milan", chip_id, levels | {"snp": 0})
        self.assertEqual(x509.load_pem_x509_certificates(chain), above)
        self.assertEqual(vcek, leaf.public_bytes(Encoding.DER))
        self.assertIsNone(other)
