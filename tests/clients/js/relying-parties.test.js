// Packages `jose` and `jwks-rsa` as relying parties that know nothing but a provider's URL.
// Environment: as in support.js.

import assert from "node:assert/strict";
import { test } from "node:test";

import attestation from "@azure/attestation";
import { createRemoteJWKSet, importSPKI, jwtVerify } from "jose";
import jwksRsa from "jwks-rsa";

import { attest, checking, url } from "./support.js";

const { AttestationClient } = attestation;

async function metadata() {
  const answer = await fetch(`${url}/.well-known/openid-configuration`);
  assert.equal(answer.status, 200);
  return answer.json();
}

async function token(options) {
  const response = await attest(new AttestationClient(url, checking()), "sgx-json", options);
  return response.token.serialize();
}

/** The same token with another first character of its signature. */
function forged(token) {
  const at = token.lastIndexOf(".") + 1;
  return token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
}

async function judge(verify, token) {
  const { payload, protectedHeader } = await verify(token, { issuer: url });
  assert.equal(payload.iss, url);
  assert.equal(payload["x-ms-attestation-type"], "sgx");
  assert.equal(protectedHeader.typ, "JWT");
  const claim = (claim) => (error) => error.code === "ERR_JWT_CLAIM_VALIDATION_FAILED" && error.claim === claim;
  await assert.rejects(verify(token, { issuer: `${url}/providers/other` }), claim("iss"));
  const signature = { code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" };
  await assert.rejects(verify(forged(token), { issuer: url }), signature);
}

test("jose verifies a token by the keys that the metadata names, and refuses its siblings", async () => {
  const { jwks_uri, id_token_signing_alg_values_supported: algorithms } = await metadata();
  const keys = createRemoteJWKSet(new URL(jwks_uri));
  await judge((token, options) => jwtVerify(token, keys, { algorithms, ...options }), await token());
});

test("jwks-rsa finds the key of a token, and none for a key that is not published", async () => {
  const { jwks_uri } = await metadata();
  const keys = jwksRsa({ jwksUri: jwks_uri });
  const key = async ({ kid }) => importSPKI((await keys.getSigningKey(kid)).getPublicKey(), "RS256");
  await judge((token, options) => jwtVerify(token, key, options), await token());
  await assert.rejects(keys.getSigningKey("unknown"), { name: "SigningKeyNotFoundError" });
});

test("the unsecured token of a draft is refused", async () => {
  const { jwks_uri } = await metadata();
  const draft = await token({
    draftPolicyForAttestation: "version=1.0; authorizationrules{=> permit();}; issuancerules{};",
  });
  await assert.rejects(jwtVerify(draft, createRemoteJWKSet(new URL(jwks_uri)), { issuer: url }));
});
