"""A client of guest attestation out of tpm2-tools and `cryptography`: it makes the key that the answer is sealed to,
writes the document in the encodings of both public clients, and opens the answer.
"""

import base64
import json
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from support import base64url, unpadded
from virtual_machine import AK_CERTIFICATE_INDEX, AK_HANDLE

# Linux: firmware, its keys and the boot loader.
PCRS = list(range(8))
SELECTION = "sha256:" + ",".join(map(str, PCRS))
# No password opens it, and it decrypts, whatever it is handed.
SEALING_ATTRIBUTES = "fixedtpm|fixedparent|sensitivedataorigin|noda|decrypt"
NULL, OWNER = "n", "o"
LIBRARY, TOOL = "azure-guest-attestation-sdk", "attest.py"

TPM_ST_SESSIONS, TPM_CC_CERTIFY, TPM_RS_PW, TPM_ALG_NULL = 0x8002, 0x148, 0x40000009, 0x0010


def standard(data):
    return base64.b64encode(data).decode()


def sized(data):
    return struct.pack(">H", len(data)) + data


class TpmToolsClient:
    """With the key of one request, in a hierarchy."""

    def __init__(self, tpm, hierarchy=NULL):
        self.tpm = tpm
        tpm.tool("tpm2_startauthsession", "-S", "trial.ctx")
        tpm.tool("tpm2_policypcr", "-S", "trial.ctx", "-l", SELECTION, "-L", "policy.bin")
        tpm.tool("tpm2_flushcontext", "trial.ctx")
        tpm.tool("tpm2_createprimary", "-C", hierarchy, "-G", "rsa2048:null:null", "-g", "sha256",
                 "-a", SEALING_ATTRIBUTES, "-L", "policy.bin", "-c", "sealing.ctx")

    def public(self, key, names=False):
        """TPM2B_PUBLIC of a key; with its two names behind it, the whole answer to TPM2_ReadPublic."""
        self.tpm.tool("tpm2_readpublic", "-c", key, "-f", "tss", "-o", "public.bin", "-n", "name.bin", "-q", "place.bin")
        public = self.tpm.read("public.bin")
        return public + sized(self.tpm.read("name.bin")) + sized(self.tpm.read("place.bin")) if names else public

    def quote(self):
        """TPMS_ATTEST, bare signature, and the value of each PCR."""
        self.tpm.tool("tpm2_quote", "-c", AK_HANDLE, "-l", SELECTION, "-g", "sha256", "-m", "quote.bin",
                      "-s", "quote.sig", "-f", "plain", "-o", "pcrs.bin", "-F", "values")
        values = self.tpm.read("pcrs.bin")
        digests = [values[32 * place:32 * place + 32] for place in range(len(PCRS))]
        return self.tpm.read("quote.bin"), self.tpm.read("quote.sig"), digests

    def certification(self):
        """TPMS_ATTEST and bare signature. By a command of its own: tpm2_certify asks with a challenge of its own."""
        self.tpm.tool("tpm2_readpublic", "-c", "sealing.ctx", keep=True)
        loaded = self.tpm.tool("tpm2_getcap", "handles-transient", keep=True).split()[1]
        handles = struct.pack(">II", int(loaded, 16), int(AK_HANDLE, 16))
        password = struct.pack(">IHBH", TPM_RS_PW, 0, 0, 0)
        body = handles + struct.pack(">I", 2 * len(password)) + 2 * password + sized(b"") + struct.pack(">H", TPM_ALG_NULL)
        command = struct.pack(">HII", TPM_ST_SESSIONS, 10 + len(body), TPM_CC_CERTIFY) + body
        answer = self.tpm.tool("tpm2_send", data=command)
        (code,) = struct.unpack_from(">I", answer, 6)
        if code != 0:
            raise RuntimeError(f"TPM2_Certify: {code:#x}")
        # Header, size of the parameters; the structure; a signature after its algorithm and hash.
        (size,) = struct.unpack_from(">H", answer, 14)
        attested = answer[16:16 + size]
        (length,) = struct.unpack_from(">H", answer, 16 + size + 4)
        return attested, answer[16 + size + 6:16 + size + 6 + length]

    def tpm2_certify(self):
        """What the tool of that name answers: over a challenge."""
        self.tpm.tool("tpm2_certify", "-c", "sealing.ctx", "-C", AK_HANDLE, "-g", "sha256", "-o", "certified.bin",
                      "-s", "certified.sig", "-f", "plain")
        return self.tpm.read("certified.bin"), self.tpm.read("certified.sig")

    def document(self, machine, style, certification=None):
        """The document as one of the public clients writes it."""
        quote, signature, digests = self.quote()
        certified, certified_signature = certification or self.certification()
        certificate = self.tpm.tool("tpm2_nvread", "-C", "o", AK_CERTIFICATE_INDEX)
        tpm_info = {
            "AikCert": standard(certificate),
            "AikPub": standard(self.public(AK_HANDLE, names=style == TOOL)),
            "PcrQuote": standard(quote),
            "PcrSignature": standard(signature),
            "PcrSet": PCRS,
            "PCRs": [{"Index": index, "Digest": standard(digest)} for index, digest in zip(PCRS, digests)],
            "EncKeyPub": standard(self.public("sealing.ctx")),
            "EncKeyCertifyInfo": standard(certified),
            "EncKeyCertifyInfoSignature": standard(certified_signature),
        }
        number = str if style == TOOL else int
        return {
            "AttestationProtocolVersion": "2.0",
            "OSType": standard(b"Linux"),
            "OSDistro": standard(b"Avouch Test Linux"),
            "OSVersionMajor": number(24),
            "OSVersionMinor": number(4),
            "OSBuild": standard(b"NotApplicable"),
            "TcgLogs": standard(machine.log),
            "ClientPayload": {"nested": {"nonce": [1, 2]}} if style == TOOL else {"nonce": standard(b"for you")},
            "TpmInfo": tpm_info,
            "IsolationInfo": isolation_info(machine.isolation),
        }

    def open(self, sealed):
        """The token in an answer. None if the TPM does not give the key in the state of now."""
        answer = json.loads(unpadded(sealed))
        parameters = answer["EncryptionParams"]
        if (parameters["Cipher"], parameters["BlockMode"]) != ("AES", "ChainingModeGCM"):
            raise ValueError(parameters)
        key = self.unseal(base64.b64decode(answer["EncryptedInnerKey"], validate=True))
        if key is None:
            return None
        if 8 * len(key) != parameters["KeySizeInBits"]:
            raise ValueError(f"{len(key)} bytes of key")
        member = {name: base64.b64decode(answer[name], validate=True) for name in ("Jwt", "AuthenticationData")}
        nonce = base64.b64decode(parameters["Iv"], validate=True)
        return AESGCM(key).decrypt(nonce, member["Jwt"] + member["AuthenticationData"], b"Transport Key").decode()

    def unseal(self, encrypted, *values):
        """The inner key; `values` are words that tell tpm2_policypcr which state to claim, not that of now."""
        tpm = self.tpm
        tpm.write("inner.bin", encrypted)
        tpm.tool("tpm2_startauthsession", "--policy-session", "-S", "session.ctx")
        try:
            if tpm.run("tpm2_policypcr", "-S", "session.ctx", "-l", SELECTION, *values).returncode != 0:
                return None
            run = tpm.run("tpm2_rsadecrypt", "-c", "sealing.ctx", "-s", "rsaes", "-p", "session:session.ctx",
                          "-o", "inner.key", "inner.bin")
            return tpm.read("inner.key") if run.returncode == 0 else None
        finally:
            tpm.run("tpm2_flushcontext", "session.ctx")


def isolation_info(isolation):
    if isolation is None:
        return {"Type": "TrustedLaunch"}
    if isolation.kind == "tdx":
        proof, runtime_data = standard(isolation.read("quote.bin")), standard(isolation.runtime_data)
        return {"Type": "Tdx", "Evidence": {"Proof": proof, "RunTimeData": runtime_data}}
    chain = base64url("".join(isolation.certificates).encode())
    proof = base64url(json.dumps({"SnpReport": base64url(isolation.report), "VcekCertChain": chain}).encode())
    return {"Type": "SevSnp", "Evidence": {"Proof": proof, "RunTimeData": base64url(isolation.runtime_data)}}
