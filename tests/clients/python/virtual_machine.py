"""A virtual machine: a software TPM with what a host puts into it, a boot log that its PCRs hold, and, of a
confidential one, the hardware evidence of its paravisor.

Hardware evidence and the log come from `avouch mint`; the TPM's key, certificate and indexes from tpm2-tools and
`cryptography`. Environment: AVOUCH_COMMAND names the command.
"""

import base64
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from instances import COMMAND
from pki import Holder, base64url_uint, issue, rsa_key

# Where the machines of Azure have them.
AK_HANDLE = "0x81000003"
AK_CERTIFICATE_INDEX = "0x1c101d0"
HCL_REPORT_INDEX = "0x1400001"
AK_ATTRIBUTES = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign"
INDEX_ATTRIBUTES = "ownerwrite|ownerread|authread|no_da"

# TCG: the usage of certificates of attestation keys.
AIK_USAGE = x509.ObjectIdentifier("2.23.133.8.3")
TPM_MANUFACTURER = x509.ObjectIdentifier("2.23.133.2.1")

LOG = "sys/kernel/security/tpm0/binary_bios_measurements"
OS_RELEASE = 'NAME="Avouch Test Linux"\nVERSION_ID="24.04"\n'
VM_ID = "6D696E74-0000-4000-8000-00000000C11E"
SNP_AREA, TD_REPORT = 1184, 1024
HCL_TYPES = {"snp": 2, "tdx": 4}

# TCG's numbers of hash algorithms: the names of their banks and the sizes of their digests.
BANKS = {0x0004: ("sha1", 20), 0x000B: ("sha256", 32), 0x000C: ("sha384", 48), 0x000D: ("sha512", 64)}
EV_NO_ACTION = 3


def swtpm_is_there():
    found = all(shutil.which(program) for program in ("swtpm", "tpm2_quote", "tpm2_rsadecrypt"))
    if not found and "AVOUCH_SWTPM_REQUIRED" in os.environ:
        raise RuntimeError("AVOUCH_SWTPM_REQUIRED is set: swtpm and tpm2-tools must be installed")
    return found


def two_free_ports():
    """Next to each other: for commands, and for control."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


class SoftwareTpm:
    """swtpm in a folder of its own, and tpm2-tools that talk to it."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "state").mkdir()
        for _ in range(32):
            self.port = two_free_ports()
            address = "type=tcp,bindaddr=127.0.0.1,port="
            self.process = subprocess.Popen(
                ["swtpm", "socket", "--tpm2", "--flags", "not-need-init,startup-clear",
                 "--tpmstate", f"dir={folder / 'state'}",
                 "--server", f"{address}{self.port}", "--ctrl", f"{address}{self.port + 1}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self.answers():
                return
            self.stop()
        raise RuntimeError("swtpm does not start")

    def answers(self):
        """Whether its control channel takes connections; it may be too late for the port."""
        begun = time.monotonic()
        while self.process.poll() is None and time.monotonic() - begun < 30:
            try:
                socket.create_connection(("127.0.0.1", self.port + 1)).close()
                return True
            except OSError:
                time.sleep(0.02)
        return False

    def stop(self):
        self.process.kill()
        self.process.wait()

    def run(self, program, *words, data=None, keep=False):
        """One of tpm2-tools, which may fail: its status, output and errors. The objects that it loads are unloaded
        again, as by a resource manager, unless they are to be kept."""
        environment = os.environ | {"TPM2TOOLS_TCTI": f"swtpm:host=127.0.0.1,port={self.port}", "TSS2_LOG": "all+none"}
        options = {"cwd": self.folder, "env": environment, "capture_output": True, "check": False}
        run = subprocess.run([program, *map(str, words)], input=data, **options)
        if not keep:
            subprocess.run(["tpm2_flushcontext", "-t"], **options)
        return run

    def tool(self, program, *words, **options):
        run = self.run(program, *words, **options)
        if run.returncode != 0:
            raise RuntimeError(f"{program} {words}: {run.stderr.decode()}")
        return run.stdout

    def read(self, name):
        return (self.folder / name).read_bytes()

    def write(self, name, data):
        (self.folder / name).write_bytes(data)

    def extend(self, pcr, data=b"something else"):
        self.tool("tpm2_pcrextend", f"{pcr}:sha256={hashed(data).hex()}")


def hashed(data, algorithm=hashes.SHA256):
    digest = hashes.Hash(algorithm())
    digest.update(data)
    return digest.finalize()


def minted(folder, kind, *words):
    out = folder / f"minted-{kind}-{len(list(folder.iterdir()))}"
    subprocess.run([COMMAND, "mint", kind, "--out", out, *map(str, words)], check=True, stdout=subprocess.DEVNULL)
    return out


def events(log):
    """Register, type and digests by bank of each event after the first, which tells of the log itself."""
    (size,) = struct.unpack_from("<I", log, 28)
    place = 32 + size
    while place < len(log):
        register, event_type, count = struct.unpack_from("<III", log, place)
        place += 12
        digests = {}
        for _ in range(count):
            (algorithm,) = struct.unpack_from("<H", log, place)
            name, length = BANKS[algorithm]
            digests[name] = log[place + 2:place + 2 + length]
            place += 2 + length
        (size,) = struct.unpack_from("<I", log, place)
        place += 4 + size
        yield register, event_type, digests


class VirtualMachine:
    """Booted, with a certified attestation key. `isolate` makes it a confidential one."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="avouch-guest-"))
        self.tpm = SoftwareTpm(self.folder)
        self.ca = Holder("vTPM CA", rsa_key())
        self.isolation = None
        try:
            self.boot()
            self.make_attestation_key()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        self.tpm.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def files(self):
        """The folder with the files that the machine's kernel shows."""
        return self.folder / "files"

    @property
    def log(self):
        return (self.files / LOG).read_bytes()

    def boot(self):
        """Extends every event of a log, as firmware and loaders do when they write it."""
        info = json.loads((minted(self.folder, "azure-guest") / "attestation-info.json").read_bytes())
        log = base64.b64decode(info["TcgLogs"])
        (self.files / LOG).parent.mkdir(parents=True)
        (self.files / LOG).write_bytes(log)
        (self.files / "etc").mkdir()
        (self.files / "etc/os-release").write_text(OS_RELEASE)
        words = []
        for register, event_type, digests in events(log):
            if event_type != EV_NO_ACTION:
                words.append(f"{register}:" + ",".join(f"{bank}={digest.hex()}" for bank, digest in digests.items()))
        self.tpm.tool("tpm2_pcrextend", *words)

    def make_attestation_key(self):
        """A primary key of the endorsement hierarchy at its handle, and a certificate in its index."""
        tpm = self.tpm
        tpm.tool("tpm2_createprimary", "-C", "e", "-G", "rsa2048:rsassa-sha256:null", "-g", "sha256",
                 "-a", AK_ATTRIBUTES, "-c", "ak.ctx")
        tpm.tool("tpm2_evictcontrol", "-C", "o", "-c", "ak.ctx", AK_HANDLE)
        tpm.tool("tpm2_readpublic", "-c", AK_HANDLE, "-f", "pem", "-o", "ak.pem")
        self.ak = serialization.load_pem_public_key(tpm.read("ak.pem"))
        manufacturer = x509.Name([x509.NameAttribute(TPM_MANUFACTURER, "id:4D494E54")])
        extensions = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (x509.KeyUsage(True, *[False] * 8), True),
            (x509.SubjectAlternativeName([x509.DirectoryName(manufacturer)]), True),
            (x509.ExtendedKeyUsage([AIK_USAGE]), False),
        ]
        certificate = issue(x509.Name([]), self.ak, self.ca, extensions)
        # The index of Azure's machines is longer than the certificate.
        self.put(AK_CERTIFICATE_INDEX, certificate + bytes(64))

    def put(self, index, data):
        tpm = self.tpm
        if tpm.run("tpm2_nvreadpublic", index).returncode == 0:
            tpm.tool("tpm2_nvundefine", "-C", "o", index)
        if data is not None:
            tpm.write("index.bin", data)
            tpm.tool("tpm2_nvdefine", "-C", "o", "-s", len(data), "-a", INDEX_ATTRIBUTES, index)
            tpm.tool("tpm2_nvwrite", "-C", "o", "-i", "index.bin", index)

    def runtime_data(self):
        """What the paravisor says: which key the TPM has, and how the machine is configured."""
        numbers = self.ak.public_numbers()
        key = {"kid": "HCLAkPub", "key_ops": ["sign"], "kty": "RSA",
               "e": base64url_uint(numbers.e), "n": base64url_uint(numbers.n)}
        configuration = {"console-enabled": True, "secure-boot": True, "tpm-enabled": True, "vmUniqueId": VM_ID}
        said = {"keys": [key], "vm-configuration": configuration, "user-data": "00" * 64}
        return json.dumps(said, separators=(",", ":")).encode()

    def mint_isolation(self, kind):
        """The hardware's evidence of a machine whose paravisor binds what it says."""
        held = self.runtime_data()
        (self.folder / "runtime.json").write_bytes(held)
        return Isolation(kind, held, minted(self.folder, kind, "--runtime-data", self.folder / "runtime.json"))

    def isolate(self, isolation):
        """Leaves the report of the paravisor in the TPM; without one, the machine is not confidential."""
        self.isolation = isolation
        self.put(HCL_REPORT_INDEX, isolation and isolation.hcl_report())


class Isolation:
    """Minted evidence of hardware."""

    def __init__(self, kind, runtime_data, folder):
        self.kind, self.runtime_data, self.folder = kind, runtime_data, folder

    def read(self, name):
        return (self.folder / name).read_bytes()

    @property
    def endorsements(self):
        return self.folder / ("endorsements.pem" if self.kind == "snp" else "endorsements.json")

    @property
    def evidence(self):
        return self.folder / ("report.bin" if self.kind == "snp" else "quote.bin")

    def endorsed(self):
        """The words by which a command knows its hardware."""
        return ["--endorsements", str(self.endorsements), "--trust-root", str(self.folder / "root.pem")]

    @property
    def certificates(self):
        """The chip's certificate and those above it, PEM."""
        text = self.endorsements.read_text()
        return re.findall("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", text, re.DOTALL)

    @property
    def report(self):
        """The hardware report in the paravisor's. That of a trust domain is for its own platform, which gives a
        quote for it; nobody else reads more of it than its first byte and the report data."""
        if self.kind == "snp":
            return self.read("report.bin")
        head = bytes([0x81]) + bytes(127) + hashed(self.runtime_data) + bytes(32)
        return head + bytes(TD_REPORT - len(head))

    def hcl_report(self):
        data = self.runtime_data
        header = b"HCLA" + struct.pack("<IIII", 2, 32 + SNP_AREA + 20 + len(data), 2, 0) + bytes(12)
        said = struct.pack("<IIIII", 20 + len(data), 1, HCL_TYPES[self.kind], 1, len(data))
        return header + self.report.ljust(SNP_AREA, b"\0") + said + data
