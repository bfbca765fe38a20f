# SPDX-License-Identifier: MIT
"""A relay behind TLS, and certificates for it, made by the openssl program."""

import http.client
import socket
import ssl
import subprocess
import urllib.parse

from harness import SLOW, Relay


def openssl(*arguments, **options):
    done = subprocess.run(["openssl", *map(str, arguments)],
                          capture_output=True, **options)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Certificate:
    """A key and a certificate for localhost that signs itself."""

    def __init__(self, folder, name="own", days=(-1, 30)):
        folder.mkdir(parents=True, exist_ok=True)
        self.cert = folder / f"{name}.cert.pem"
        self.key = folder / f"{name}.key.pem"
        self.name = name
        request = folder / f"{name}.csr"
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key,
                "-out", request, "-subj", f"/CN={name}",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        self.sign(request, folder, days)

    def sign(self, request, folder, days):
        """`openssl x509` cannot set the first day, `openssl ca` can."""
        (folder / "index").write_text("")
        config = folder / "ca.cnf"
        config.write_text(
            "[ca]\ndefault_ca=one\n[one]\ndatabase=" + str(folder / "index") +
            "\nnew_certs_dir=" + str(folder) + "\ndefault_md=sha256\n"
            "policy=any\nrand_serial=yes\ncopy_extensions=copy\n"
            "unique_subject=no\n[any]\ncommonName=supplied\n")
        openssl("ca", "-batch", "-selfsign", "-config", config, "-in", request,
                "-keyfile", self.key, "-out", self.cert, "-notext",
                "-startdate", moment(days[0]), "-enddate", moment(days[1]))

    def flags(self):
        return ("--tls-cert", self.cert, "--tls-key", self.key)

    def trusting(self, *others):
        """What a client needs that believes this one (and the others)."""
        context = ssl.create_default_context(cafile=str(self.cert))
        for other in others:
            context.load_verify_locations(cafile=str(other.cert))
        return context


def moment(days):
    import datetime
    at = (datetime.datetime.now(datetime.timezone.utc) +
          datetime.timedelta(days=days))
    return at.strftime("%Y%m%d%H%M%SZ")


class SecureRelay(Relay):
    def __init__(self, folder, redis_server, certificate, *arguments,
                 **options):
        self.certificate = certificate
        super().__init__(folder, redis_server, *certificate.flags(),
                         *arguments, **options)
        self.client_options = {"ssl": certificate.trusting()}

    def ws(self, path, **query):
        text = urllib.parse.urlencode(query)
        return f"wss://{self.address}{path}" + (f"?{text}" if text else "")

    def open(self, context=None, seconds=10):
        """A socket with TLS done."""
        host, port = self.address.rsplit(":", 1)
        raw = socket.create_connection((host, int(port)), seconds * SLOW)
        try:
            return (context or self.certificate.trusting()).wrap_socket(
                raw, server_hostname="localhost", suppress_ragged_eofs=False)
        except BaseException:
            raw.close()
            raise

    def get_secure(self, path):
        host, port = self.address.rsplit(":", 1)
        client = http.client.HTTPSConnection(
            host, int(port), timeout=10 * SLOW,
            context=self.certificate.trusting())
        client.request("GET", path)
        answer = client.getresponse()
        body = answer.read()
        client.close()
        return answer.status, body
