# SPDX-License-Identifier: MIT
"""TLS under the clients made of bytes: the same suites over a listener that
speaks it (pytest --tls). What a plain socket says in exceptions of its own is
said in the same ones here."""

import socket
import ssl

contexts = {}  # address of a listener -> what its clients trust


class Socket(ssl.SSLSocket):
    def shutdown(self, how):
        socket.socket.shutdown(self, how)  # what comes is still TLS

    def recv(self, size, flags=0):
        try:
            return super().recv(size, flags)
        except ssl.SSLWantReadError as nothing:
            raise BlockingIOError from nothing
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def sendall(self, data, flags=0):
        try:
            return super().sendall(data, flags)
        except ssl.SSLError as gone:
            raise BrokenPipeError from gone


def trust(address, certificate):
    context = certificate.trusting()
    context.sslsocket_class = Socket
    contexts[address] = context


def scheme(address):
    return "https" if address in contexts else "http"


def wrap(address, peer):
    """The socket itself where the listener is plain."""
    if address not in contexts:
        return peer
    return contexts[address].wrap_socket(peer, server_hostname="localhost")
