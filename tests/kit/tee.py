"""A relay of TCP connections that remembers what the client said: so that what
a server stored can be compared with what was sent, byte by byte."""

import contextlib
import re
import socket
import threading


class Tee:
    """with Tee(server_port) as tee: ... tee.port, tee.messages()"""

    def __init__(self, server_port):
        self.server_port = server_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.said = []

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1",
                                                   self.server_port))
                said = bytearray()
                self.said.append(said)
                for pair in ((client, server, said), (server, client, None)):
                    threading.Thread(target=self._copy, args=pair,
                                     daemon=True).start()

    @staticmethod
    def _copy(source, target, said):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if said is not None:
                    said += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def messages(self):
        """Each message that was sent whole, in no order, dot-stuffing
        undone."""
        return [m for said in self.said for m in _messages(bytes(said))]


def _messages(said):
    body = None
    for line in re.findall(rb"(?s).*?\r\n", said):
        if body is None:
            body = [] if line.upper() == b"DATA\r\n" else None
        elif line == b".\r\n":
            yield b"".join(body)
            body = None
        else:
            body.append(line.removeprefix(b"."))
