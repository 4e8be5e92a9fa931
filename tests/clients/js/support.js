// What the tests share: the service, minted evidence, and hashes.
// Environment: AVOUCH_URL names a server that judges at the present time, AVOUCH_MINTED a folder of
// minted evidence that it accepts; NODE_EXTRA_CA_CERTS names the CA of the server.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import attestation from "@azure/attestation";

export const url = process.env.AVOUCH_URL;
const minted = process.env.AVOUCH_MINTED;

/** Any bearer token will do for `serve --dev`. */
export const credential = {
  getToken: async () => ({ token: "development", expiresOnTimestamp: Date.now() + 3_600_000 }),
};

/** Options of a data-plane client: every check of result tokens on, no patience. */
export function checking(issuer = url) {
  const validationOptions = {
    validateToken: true,
    validateExpirationTime: true,
    validateNotBeforeTime: true,
    validateIssuer: true,
    expectedIssuer: issuer,
  };
  return { validationOptions, retryOptions: { maxRetries: 0 } };
}

export function evidence(name) {
  const folder = join(minted, name);
  const file = name.startsWith("open-enclave") ? "report.bin" : "quote.bin";
  const json = join(folder, "runtime-data.json");
  const held = existsSync(json)
    ? { runTimeJson: readFileSync(json) }
    : { runTimeData: readFileSync(join(folder, "runtime-data.bin")) };
  return { bytes: readFileSync(join(folder, file)), held };
}

/** Attests minted evidence by the method for its kind. */
export function attest(service, name, options = {}) {
  const { bytes, held } = evidence(name);
  const all = { ...held, ...options };
  return name.startsWith("open-enclave")
    ? service.attestOpenEnclave(bytes, all)
    : service.attestSgxEnclave(bytes, all);
}

/** Attests through a provider; returns the claims of its token as they stand in it. */
export async function claimsThrough(provider, name = "sgx-json") {
  const { token } = await attest(new attestation.AttestationClient(provider, checking(provider)), name);
  return token.getBody();
}

export async function refused(promise, code, words = /./) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.statusCode, 400);
    assert.equal(error.code, code);
    assert.match(error.message, words);
    return true;
  });
}

export function base64url(text) {
  return Buffer.from(text).toString("base64url");
}

export function hashOf(text) {
  return createHash("sha256").update(text).digest("base64url");
}

/** `x-ms-policy-hash`: of the base64url form of the text, not of the text. */
export function policyHash(text) {
  return hashOf(base64url(text));
}
