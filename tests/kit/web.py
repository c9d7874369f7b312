"""The web server of recipients' domains that publish MTA-STS policies."""

import http.server
import ssl
import threading

STS = "version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: 86400\n"


class Web:
    """The policy host of several domains: a certificate for each name."""

    def __init__(self, policies, certificates, address="127.0.2.1"):
        self.asked = []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host = self.headers["Host"].split(":")[0]
                web.asked.append((host, self.path))
                kind, text = policies.get(host, (None, ""))
                self.send_response(200 if kind else 404)
                self.send_header("Content-Type", kind or "text/plain")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        contexts = {}
        for name, path in certificates.items():
            contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            contexts[name].load_cert_chain(path)

        def choose(socket, name, _):
            socket.context = contexts.get(name, first)

        first = next(iter(contexts.values()))
        first.sni_callback = choose
        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.server.socket = first.wrap_socket(self.server.socket,
                                               server_side=True)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
