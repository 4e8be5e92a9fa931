// `avouch serve --config`: the service as an operator starts it, with TLS, a signing key and an
// OpenID issuer of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { call } from "./http.js";
import { rsaKey } from "./pki.js";

// What the SDKs ask tokens for, on the data plane and on the control plane.
export const AUDIENCE = "https://attest.azure.net";
const MANAGEMENT_AUDIENCE = "https://management.azure.com";

/** An environment without the variables that mean something to the tests or to the service. */
function withoutOurs(environment) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("AVOUCH_")));
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

export class Service {
  static async start({ authority, holder, issuer }) {
    const service = new Service();
    service.authority = authority;
    service.url = `https://127.0.0.1:${await freePort()}`;
    service.folder = mkdtempSync(join(tmpdir(), "avouch-production-"));
    const write = (name, text) => writeFileSync(join(service.folder, name), text, { mode: 0o600 });
    write("tls.pem", holder.pem);
    write("tls-key.pem", holder.keyPem);
    write("issuer-ca.pem", authority.pem);
    write("signing-key.pem", rsaKey().privateKey);
    write("avouch.toml", service.configuration(issuer));
    service.child = spawn(process.env.AVOUCH_COMMAND, ["serve", "--config", join(service.folder, "avouch.toml")], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...withoutOurs(process.env), AVOUCH_LOG: "error" },
    });
    service.ended = once(service.child, "exit");
    // Whatever ends the tests ends the service too.
    process.once("exit", () => service.child.kill("SIGKILL"));
    const lines = createInterface({ input: service.child.stdout });
    const first = await Promise.race([once(lines, "line"), service.ended.then(() => [])]);
    if (first[0] !== service.url) {
      throw new Error(`the service says ${first[0]} instead of ${service.url}`);
    }
    return service;
  }

  configuration(issuer) {
    return `
[server]
listen = "${new URL(this.url).host}"
public_url = "${this.url}"
data_dir = "data"

[server.tls]
certificates = "tls.pem"
private_key = "tls-key.pem"

[signing]
key_file = "signing-key.pem"

[endorsements]
offline = true

[[auth.issuers]]
issuer = "${issuer.url}"
audiences = ["${AUDIENCE}", "${AUDIENCE}/", "${MANAGEMENT_AUDIENCE}"]
ca_file = "issuer-ca.pem"
roles = [
  { role = "Owner", claim = "roles", value = "attestation-owner" },
  { role = "Contributor", claim = "roles", value = "attestation-contributor" },
  { role = "Reader", claim = "scope", value = "policies.read" },
  { role = "Contributor", claim = "roles", value = "contoso-policies", providers = ["contoso"] },
]
`;
  }

  /** A request with a bearer token, or with none. */
  call(path, { token, ...options } = {}) {
    const headers = { ...(token && { authorization: `Bearer ${token}` }), ...options.headers };
    return call(`${this.url}${path}`, { ...options, ca: this.authority.pem, headers });
  }

  async stop() {
    this.child.kill("SIGTERM");
    await this.ended;
    rmSync(this.folder, { recursive: true });
  }
}
