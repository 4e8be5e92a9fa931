"""What a machine of Azure's reaches over plain HTTP: the instance metadata service, which gives the certificates of
the chip and quotes of the domain; and, under another name, the attestation service.

The clients have the metadata service's address in them. They take a proxy from the environment (`http_proxy`), and
this is one.
"""

import base64
import http.server
import json
import ssl
import threading
import urllib.error
import urllib.parse
import urllib.request

METADATA = "169.254.169.254"
# TLS ends here: the clients trust public CAs alone.
ATTESTATION = "attestation.example"


class MetadataService:
    """Runs while it is used as a context; `machine` is the one that asks, `asked` has paths with their statuses."""

    url = f"http://{ATTESTATION}"

    def __init__(self, machine, service_url, ca):
        outside, asked = ssl.create_default_context(cafile=ca), []
        self.asked = asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(None)

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers["Content-Length"])))

            def answer(self, body):
                target = urllib.parse.urlsplit(self.path)
                if target.hostname == ATTESTATION:
                    status, found = relayed(f"{target.path}?{target.query}", body)
                elif target.hostname == METADATA and self.headers.get("Metadata") == "true":
                    status, found = metadata(machine.isolation, target.path, body)
                else:
                    status, found = 403, b""
                asked.append((target.path, status))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(found)))
                self.end_headers()
                self.wfile.write(found)

            def log_message(self, *_):
                pass

        def relayed(path, body):
            request = urllib.request.Request(service_url + path, body, {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request, context=outside) as answer:
                    return answer.status, answer.read()
            except urllib.error.HTTPError as error:
                return error.code, error.read()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def environment(self):
        proxy = f"http://127.0.0.1:{self.server.server_port}"
        return {"http_proxy": proxy, "HTTP_PROXY": proxy, "no_proxy": "", "NO_PROXY": ""}

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def metadata(isolation, path, body):
    """The host's answer about the machine that it runs."""
    if path == "/metadata/THIM/amd/certification" and isolation and isolation.kind == "snp":
        chip, *above = isolation.certificates
        return 200, json.dumps({"vcekCert": chip, "certificateChain": "".join(above)}).encode()
    if path == "/acc/tdquote" and isolation and isolation.kind == "tdx":
        if base64.b64decode(json.loads(body)["report"]) != isolation.report:
            return 400, b"{}"
        quote = base64.urlsafe_b64encode(isolation.read("quote.bin")).rstrip(b"=").decode()
        return 200, json.dumps({"quote": quote}).encode()
    return 404, b"{}"
