# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of a test, known to nobody else."""

import datetime
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """Its certificate is the file .path."""

    def __init__(self, folder, title):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = name(title)
        self.path = folder / f"{title}.pem"
        self.path.write_bytes(
            self._sign(self.name, self.key.public_key(), 1, x509.
                       BasicConstraints(ca=True, path_length=0)))

    def context(self, host="localhost", days=1):
        """For the server of this host, until in so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        path = self.folder / f"{host}{days}.pem"
        path.write_bytes(
            self._sign(name(host), key.public_key(), days,
                       x509.SubjectAlternativeName([x509.DNSName(host)]))
            + key.private_bytes(PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _sign(self, subject, key, days, extension):
        end = datetime.datetime.utcnow() + datetime.timedelta(days=days)
        builder = x509.CertificateBuilder(
            self.name, subject, key, x509.random_serial_number(),
            end - datetime.timedelta(days=10), end)
        return builder.add_extension(extension, critical=True).sign(
            self.key, hashes.SHA256()).public_bytes(PEM)
