// Providers made through the control plane by the unmodified management SDK.

import { randomBytes, randomUUID } from "node:crypto";

import { AttestationManagementClient } from "@azure/arm-attestation";

import { credential, url } from "./support.js";

// One of this run alone, so that lists hold what its tests made.
export const subscription = randomUUID();
export const group = "client-tests";
export const location = "westeurope";

export function management(of = subscription) {
  return new AttestationManagementClient(credential, of, { endpoint: url, retryOptions: { maxRetries: 0 } });
}

/** A name that no other test takes. */
export function freeName() {
  return `js${randomBytes(6).toString("hex")}`;
}

/** The parameters of a new provider; with signers it is an Isolated one. */
export function creation({ signers = [], tags, ...properties } = {}) {
  const keys = signers.map(([kty, holder]) => ({ kty, x5C: [holder.x5c] }));
  return { location, tags, properties: { ...properties, ...(keys.length && { policySigningCertificates: { keys } }) } };
}

export function create(options, name = freeName()) {
  return management().attestationProviders.create(group, name, creation(options));
}
