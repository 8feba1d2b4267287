"""A reverse proxy on this machine that serves another server below a sub-path, as people put one before the page."""

import http.client
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")


class Proxy:
    """Serves 127.0.0.1:`port` at `url`, whose path is `prefix`; nothing is found elsewhere. forwarded: whether its own
    address goes on as X-Forwarded-Host, else as Host."""

    def __init__(self, port: int, prefix: str, forwarded: bool):
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                if not self.path.startswith(prefix + "/"):
                    return self.send_error(404)
                length = int(self.headers.get("Content-Length", 0))
                headers = dict(self.headers.items()) | {"Connection": "close"}
                if forwarded:
                    host = headers.pop("Host")
                    headers |= {"X-Forwarded-Host": host, "X-Forwarded-Proto": "http"}
                behind = http.client.HTTPConnection("127.0.0.1", port)
                behind.request(self.command, self.path.removeprefix(prefix), self.rfile.read(length), headers)
                answer = behind.getresponse()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("Connection", "close")
                self.end_headers()
                with suppress(http.client.HTTPException, OSError):  # one of both ends hung up
                    while part := answer.read1(65536):  # as it comes: events are told over connections that stay open
                        self.wfile.write(part)
                behind.close()

            do_POST = do_HEAD = do_GET

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}{prefix}/"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
