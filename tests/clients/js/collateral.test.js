// An unmodified client of caching services (PCCS) that fetches through Avouch and verifies by what it gets.
// It asks for the list of the Processor CA whoever issued the PCK certificate, so it gets a platform of
// that one. Environment: as in support.js.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import dcap from "@phala/dcap-qvl";

import { url } from "./support.js";

const { QuoteVerifier, getCollateral } = dcap;
const folder = join(process.env.AVOUCH_MINTED, "sgx-processor");
const quote = readFileSync(join(folder, "quote.bin"));
const root = new X509Certificate(readFileSync(join(folder, "root.pem"))).raw;
const now = Math.floor(Date.now() / 1000);

test("a quote verifies by the collateral that is fetched for it", async () => {
  for (const address of [url, `${url}/sgx/certification/v4/`]) {
    const collateral = await getCollateral(address, quote);
    const verdict = QuoteVerifier.newWithRootCa(root).verify(quote, collateral, now);
    assert.equal(verdict.status, "UpToDate");
    assert.deepEqual(verdict.advisory_ids, []);
    // The same under Intel's own root is not believed.
    assert.throws(() => QuoteVerifier.newProd().verify(quote, collateral, now), /chain/);
    // Nor is another platform's word for it.
    const other = { ...collateral, tcb_info: collateral.tcb_info.replace("UpToDate", "OutOfDate") };
    assert.throws(() => QuoteVerifier.newWithRootCa(root).verify(quote, other, now), /tcb_info/);
  }
});

/** The key that signed a list, as the list names it: the same list may have been signed more than once. */
function authority(hex) {
  return /0603551d23041830168014([0-9a-f]{40})/.exec(hex)[1];
}

test("both lists are those of the platform's hierarchy", async () => {
  const collateral = await getCollateral(url, quote);
  const minted = JSON.parse(readFileSync(join(folder, "endorsements.json"), "utf8"));
  const lists = ["root_ca_crl", "pck_crl"];
  for (const list of lists) {
    const fetched = Buffer.from(collateral[list]).toString("hex");
    assert.equal(authority(fetched), authority(minted[list]), list);
  }
  assert.notEqual(...lists.map((list) => authority(minted[list])));
});
