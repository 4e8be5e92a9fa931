// Packages `jose` and `jwks-rsa` as relying parties that know nothing but a provider's URL.
// Environment: as in support.js.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

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

const audience = "https://sts.example";

/** An attestation token whose evidence binds an audience. */
async function attested(audience) {
  const folder = await mkdtemp(join(tmpdir(), "avouch-"));
  const held = { "token-exchange": { audience, issued_at: Math.floor(Date.now() / 1000) } };
  const [data, out] = [join(folder, "held.json"), join(folder, "minted")];
  await writeFile(data, JSON.stringify(held));
  const words = ["mint", "sgx", "--out", out, "--runtime-data", data];
  await promisify(execFile)(process.env.AVOUCH_COMMAND, words);
  const body = JSON.parse(await readFile(join(out, "request.json"), "utf8"));
  await rm(folder, { recursive: true });
  const answer = await fetch(`${url}/attest/SgxEnclave?api-version=2022-08-01`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200);
  return (await answer.json()).token;
}

async function exchange(token) {
  const answer = await fetch(`${url}/avouch/token-exchange`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      subject_token: token,
      audience,
    }),
  });
  return { status: answer.status, ...(await answer.json()) };
}

test("jose takes a short token as an identity for its audience, and for no other", async () => {
  const { issuer, jwks_uri, id_token_signing_alg_values_supported: algorithms } = await metadata();
  const keys = createRemoteJWKSet(new URL(jwks_uri));
  const { status, access_token: short } = await exchange(await attested(audience));
  assert.equal(status, 200);
  const options = { issuer, algorithms, requiredClaims: ["sub"], maxTokenAge: "10m" };
  const { payload } = await jwtVerify(short, keys, { ...options, audience });
  assert.match(payload.sub, /^sgx\/[0-9a-f]{64}$/);
  const refused = (error) => error.code === "ERR_JWT_CLAIM_VALIDATION_FAILED" && error.claim === "aud";
  await assert.rejects(jwtVerify(short, keys, { ...options, audience: "https://other.example" }), refused);
  const other = await exchange(await attested("https://other.example"));
  assert.equal(other.status, 400);
  assert.equal(other.error, "invalid_request");
  assert.equal(other.access_token, undefined);
});
