"""An ordinary server, as it would run anywhere: it listens on PORT of 127.0.0.1, and SIGTERM ends it."""

import http.server
import os
import signal
import sys


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers every GET with where it came."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = f"hello from port {self.server.server_port}, path {self.path}\n".encode()
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_: object) -> None:
        """Health checks would fill the log."""


def leave(*_: object) -> None:
    print("shutting down in good order", flush=True)
    sys.exit(0)


signal.signal(signal.SIGTERM, leave)
address = ("127.0.0.1", int(os.environ.get("PORT", "3000")))
http.server.ThreadingHTTPServer(address, Answers).serve_forever()
