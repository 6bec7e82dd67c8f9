"""A plugin without an SDK, from docs/PROTOCOL.md and Python's standard library alone."""
import itertools, json, os, queue, socket, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if sys.stdin.isatty() or "OUTBOARD_PROTOCOL" not in os.environ:
    sys.exit("hello-plain is a plugin: Outboard starts it; put its folder among your plugins and run `outboard run`")
wire_in, wire_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the wire is private from here on:
os.dup2(2, 1)                                 # print() writes to the log
FRAME_MAX = 8 * 1024 * 1024
writing, numbers, awaited = threading.Lock(), itertools.count(1), {}

def send(**message):
    with writing:
        wire_out.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        wire_out.flush()

def call(method, **params):  # from any thread but the reading one
    number, answers = next(numbers), queue.SimpleQueue()
    awaited[number] = answers
    send(id=number, method=method, params=params)
    try:
        message = answers.get(timeout=30)
    finally:
        del awaited[number]
    if "error" in message:
        raise RuntimeError(f"{method}: {message['error']['message']}")
    return message["result"]

class Refusal(Exception):  # an error of the protocol: its code, its word, and a sentence
    def __init__(self, code, reason, sentence, **data):
        super().__init__(sentence)
        self.code, self.reason, self.data = code, reason, data

class Web(BaseHTTPRequestHandler):
    protocol_version, log_message = "HTTP/1.1", lambda *_: None
    def do_GET(self):
        with counting:
            visits = call("config.get", key="visits", default=0)["value"] + 1
            call("config.set", key="visits", value=visits)
        send(method="ipc.send", params={"channel": "visited", "payload": {"visits": visits}})
        body = json.dumps({"greeting": "Hello from plain Python", "visits": visits}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

def answer(method, params):
    if method == "initialize":
        if 1 not in params["protocolVersions"]:
            raise Refusal(-32009, "conflict", "hello-plain speaks protocol version 1", protocolVersions=[1])
        return {"protocolVersion": 1, "sdk": {"name": "none", "language": "python"}, "hooks": ["onStart", "onStop"], "features": ["http"]}
    if method == "start":
        web = ThreadingHTTPServer(None, Web, bind_and_activate=False)
        web.socket = socket.socket(fileno=int(os.environ["OUTBOARD_HTTP_FD"]))
        threading.Thread(target=web.serve_forever, daemon=True).start()
        call("ipc.handle", channel="get-status")
        send(method="log", params={"level": "info", "tag": "Plain", "message": "started"})
        return {}
    if method == "ipc.invoke" and params["channel"] == "get-status":
        return {"online": True, "visits": call("config.get", key="visits", default=0)["value"]}
    if method in ("stop", "ping"):
        return {}
    raise Refusal(-32601, "method_not_found", f"no method {method!r}")

def refuse(number, refusal):
    data = {"reason": refusal.reason, "retryable": refusal.code == -32003, **refusal.data}
    send(id=number, error={"code": refusal.code, "message": str(refusal), "data": data})

def work(message):
    try:
        send(id=message["id"], result=answer(message["method"], message.get("params") or {}))
    except Exception as error:
        refuse(message["id"], error if isinstance(error, Refusal) else Refusal(-32603, "internal_error", str(error)))

def read(line):  # one frame to one message; None for a blank line, and for text that does not try to be one
    if len(line.rstrip(b"\r\n")) > FRAME_MAX:
        while line and not line.endswith(b"\n"):  # the rest is not gathered
            line = wire_in.readline(1 << 16)
        raise Refusal(-32003, "limit_exceeded", "a frame has at most 8 MiB")
    if b'"jsonrpc"' not in line or line.strip()[:1] not in (b"{", b"["):
        return None
    try:
        message = json.loads(line)
    except ValueError as error:
        raise Refusal(-32700, "parse_error", f"this is not JSON: {error}") from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or (
            "method" in message and not isinstance(message.get("id", ""), (str, int, float))):
        raise Refusal(-32600, "invalid_request", "this is not one JSON-RPC 2.0 message")
    return message

counting = threading.Lock()
while line := wire_in.readline(FRAME_MAX + 3):  # until the host hangs up
    try:
        message = read(line)
    except Refusal as refusal:
        refuse(None, refusal)
        continue
    if message and "method" in message and "id" in message:
        threading.Thread(target=work, args=(message,), daemon=True).start()
    elif message and "method" not in message and message.get("id") in awaited:
        awaited[message["id"]].put(message)
