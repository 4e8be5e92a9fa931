"""A proxy that leads AMD's host name, and no other, to the service.

snpguest has the name of AMD's service in it, and takes proxy and CA from the environment (HTTPS_PROXY,
SSL_CERT_FILE). So a site may answer under that name with a certificate of its own CA, as this does.
"""

import datetime
import http.server
import ssl
import threading
import urllib.error
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "kdsintf.amd.com"


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject, key, issuer, issuer_key, extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def write_pki(folder):
    """A CA, and what the proxy shows for AMD's name."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = _certificate("site CA", ca_key, "site CA", ca_key, [(x509.BasicConstraints(True, 0), True)])
    names = x509.SubjectAlternativeName([x509.DNSName(HOST)])
    own = _certificate(HOST, key, "site CA", ca_key, [(names, False)])
    (folder / "ca.pem").write_bytes(ca)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "proxy.pem").write_bytes(private + own)
    return folder / "ca.pem"


class Proxy:
    """Runs while it is used as a context; `asked` has the paths that were asked for."""

    def __init__(self, folder, url, ca):
        self.ca = write_pki(folder)
        self.asked = []
        inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        inside.load_cert_chain(folder / "proxy.pem")
        outside = ssl.create_default_context(cafile=ca)
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_CONNECT(self):
                if self.path != f"{HOST}:443":
                    asked.append(self.path)
                    self.send_error(403)
                    return
                self.send_response(200)
                self.end_headers()
                self.connection = inside.wrap_socket(self.connection, server_side=True)
                self.rfile = self.connection.makefile("rb", self.rbufsize)
                self.wfile = self.connection.makefile("wb", 0)

            def do_GET(self):
                asked.append(self.path)
                try:
                    with urllib.request.urlopen(url + self.path, context=outside) as answer:
                        status, body = answer.status, answer.read()
                except urllib.error.HTTPError as error:
                    status, body = error.code, error.read()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def finish(self):
                super().finish()
                self.connection.close()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
