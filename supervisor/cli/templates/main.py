"""A plugin in Python's standard library alone. What is yours to change stands first; the rest is Outboard's protocol."""

import json
import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def greet(name="world"):  # outboard call @ID@ greet world
    return f"Hello, {name}!"


CHANNELS = {"greet": greet}


class Web(BaseHTTPRequestHandler):  # what http://127.0.0.1:2066/api/@ID@/ answers
    protocol_version, log_message = "HTTP/1.1", lambda *_: None

    def do_GET(self):
        body = json.dumps({"hello": "world"}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


# --- the protocol: one JSON message a line ---------------------------------------------------------------------------

if "OUTBOARD_PROTOCOL" not in os.environ:
    sys.exit(
        "this is a plugin: `outboard run --plugins FOLDER` starts it, FOLDER being the one that holds the plugin's"
    )
wire_in, wire_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the wire is private from here on:
os.dup2(2, 1)  # print() writes to the log
FRAME_MAX = 8 * 1024 * 1024
writing = threading.Lock()


class Refusal(Exception):  # an error of the protocol: its code, its word, and a sentence
    def __init__(self, code, reason, sentence, **data):
        super().__init__(sentence)
        self.code, self.data = code, {"reason": reason, "retryable": False, **data}


def send(**message):
    with writing:
        wire_out.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        wire_out.flush()


def answer(method, params):
    if method == "initialize":
        if 1 not in params["protocolVersions"]:
            raise Refusal(-32009, "conflict", "this plugin speaks protocol version 1", protocolVersions=[1])
        return {"protocolVersion": 1, "hooks": ["onStart", "onStop"], "features": ["http"]}
    if method == "start":
        web = ThreadingHTTPServer(None, Web, bind_and_activate=False)
        web.socket = socket.socket(fileno=int(os.environ["OUTBOARD_HTTP_FD"]))
        threading.Thread(target=web.serve_forever, daemon=True).start()
        for number, channel in enumerate(CHANNELS):
            send(id=number, method="ipc.handle", params={"channel": channel})
        return {}
    if method == "ipc.invoke" and params["channel"] in CHANNELS:
        return CHANNELS[params["channel"]](*params["args"])
    if method in ("stop", "ping"):
        return {}
    raise Refusal(-32601, "method_not_found", f"no method {method!r}")


def work(message):
    try:
        send(id=message["id"], result=answer(message["method"], message.get("params") or {}))
    except Exception as error:
        refuse(
            message["id"],
            error if isinstance(error, Refusal) else Refusal(-32603, "internal_error", str(error)),
        )


def refuse(number, refusal):
    send(id=number, error={"code": refusal.code, "message": str(refusal), "data": refusal.data})


def read(line):  # one line to one message; None where it is none
    if len(line.rstrip(b"\r\n")) > FRAME_MAX:
        while line and not line.endswith(b"\n"):
            line = wire_in.readline(1 << 16)
        raise Refusal(-32003, "limit_exceeded", "a message has at most 8 MiB")
    if b'"jsonrpc"' not in line or line.strip()[:1] not in (b"{", b"["):
        return None
    try:
        message = json.loads(line)
    except ValueError as error:
        raise Refusal(-32700, "parse_error", f"this is not JSON: {error}") from None
    if (
        not isinstance(message, dict)
        or message.get("jsonrpc") != "2.0"
        or ("method" in message and not isinstance(message.get("id", ""), (str, int, float)))
    ):
        raise Refusal(-32600, "invalid_request", "this is not one JSON-RPC 2.0 message")
    return message


while line := wire_in.readline(FRAME_MAX + 3):  # until the host hangs up
    try:
        message = read(line)
    except Refusal as refusal:
        refuse(None, refusal)
        continue
    if message and "method" in message and "id" in message:
        threading.Thread(target=work, args=(message,), daemon=True).start()
