// Attests without pause with one client object, which reads the key set once, until its input has a line;
// then tells what it saw. Run by `python/test_key_rotation.py`; environment as in support.js.

import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";

import attestation from "@azure/attestation";

import { attest, checking, url } from "./support.js";

const service = new attestation.AttestationClient(url, checking());
const kids = new Set();
const failures = [];
let [tokens, broken, stopping] = [0, 0, false];

once(process.stdin, "data").then(() => {
  stopping = true;
});

/** Whether a connection broke before an answer, or the service said that it has no database: no token came. */
function isBroken(error) {
  return error.name === "RestError" && (error.statusCode === undefined || error.statusCode === 503);
}

await attest(service, "sgx-json");
console.log("attested");
while (!stopping) {
  try {
    const { token } = await attest(service, "sgx-json");
    kids.add(JSON.parse(Buffer.from(token.serialize().split(".")[0], "base64url")).kid);
    tokens += 1;
  } catch (error) {
    if (isBroken(error)) broken += 1;
    else failures.push(String(error));
  }
  await pause(50);
}
console.log(JSON.stringify({ kids: [...kids], tokens, broken, failures }));
process.exit(0);
