// An unmodified client of a PCCS that fetches through Avouch and verifies by what it gets.
// Environment: as in support.js.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import dcap from "@phala/dcap-qvl";

import { url } from "./support.js";

const { QuoteVerifier, getCollateral } = dcap;

for (const name of ["sgx-json", "tdx-json"]) {
  test(`${name} verifies by the collateral that is fetched for it`, async () => {
    const folder = join(process.env.AVOUCH_MINTED, name);
    const quote = readFileSync(join(folder, "quote.bin"));
    const root = new X509Certificate(readFileSync(join(folder, "root.pem"))).raw;
    const collateral = await getCollateral(url, quote);
    const now = Math.floor(Date.now() / 1000);
    const verdict = QuoteVerifier.newWithRootCa(root).verify(quote, collateral, now);
    assert.equal(verdict.status, "UpToDate");
    assert.throws(() => QuoteVerifier.newProd().verify(quote, collateral, now));
  });
}
