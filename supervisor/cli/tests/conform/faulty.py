"""A plugin that keeps every rule but the one whose case its argument names; with `none`, all of them."""

import json
import os
import sys
import time

fault = sys.argv[1]
wire = (4, 5) if fault == "wire-given" else (0, 1)
wire_in, wire_out = os.fdopen(os.dup(wire[0]), "rb"), os.fdopen(os.dup(wire[1]), "wb")
os.dup2(2, 1)
LIMIT = 8 * 1024 * 1024 - (fault == "frame-largest")
DEPTH = 50 if fault == "frame-deep" else 1000
ready = False  # `start` was answered


def write(text):
    wire_out.write(text.encode())
    wire_out.flush()


def send(**message):
    if fault != "version-in-each" or message.get("method") != "log":
        message["jsonrpc"] = "2.0"
    text = json.dumps(message)
    if fault == "whole-messages" and message.get("method") == "log":
        text = text.replace('"params"', '\n"params"')
    write(text + "\n")


def refuse(number, code, **data):
    error = {"code": code, "message": "no", "data": {"reason": "some_reason", "retryable": False, **data}}
    if fault == "errors-worded":
        del error["message"]
    if fault == "errors-with-data":
        del error["data"]
    send(id=number, error=error)


def lines():
    """What comes, line by line; of a line over the limit its beginning."""
    if fault in ("frame-cut", "frames-joined"):  # takes what one read gives for one line, or for whole lines
        while chunk := os.read(wire_in.fileno(), 1 << 20):
            pieces = chunk.split(b"\n")
            yield from pieces[:1] if fault == "frames-joined" else filter(None, pieces)
        return
    while line := wire_in.readline(LIMIT + 3):
        yield line
        while not line.endswith(b"\n"):
            line = wire_in.readline(65536)


def messages():
    for line in lines():
        if len(line.rstrip(b"\r\n")) > LIMIT:
            if fault != "frame-oversized":
                refuse(None, -32003)
            continue
        if not line.strip() and fault != "frame-padded":
            continue
        if line.count(b"[") > DEPTH:
            refuse(None, -32003)
            continue
        try:
            message = json.loads(line)
        except ValueError:
            if fault == "frame-padded":
                sys.exit(1)
            if fault != "broken-json":
                refuse(None, -32700)
            continue
        if isinstance(message, list):
            if fault != "batch":
                refuse(None, -32600)
            continue
        version, number = message.get("jsonrpc"), message.get("id", "")
        if (fault == "broken-id-null" and number is None) or fault == "broken-version":
            yield message
        elif fault == "broken-id-object" and isinstance(number, dict):
            continue
        elif version != "2.0" or ("method" in message and not isinstance(number, (str, int))):
            refuse(None, -32600)
        else:
            yield message


def wait_for(number):
    """Reads on until a call of ours is answered, and answers nothing meanwhile."""
    for message in conversation:
        if message.get("id") == number and "method" not in message:
            return message


def serve(door):
    while True:
        connection = door.accept()[0]
        if fault == "http-several":
            converse(connection)
        else:
            threading.Thread(target=converse, args=(connection,), daemon=True).start()


def converse(connection):
    head, version = b"", "1.0" if fault == "http-spoken" else "1.1"
    while chunk := connection.recv(4096):
        head += chunk
        while b"\r\n\r\n" in head:
            head = head.split(b"\r\n\r\n", 1)[1]
            connection.sendall(f"HTTP/{version} 200 OK\r\nContent-Length: 2\r\n\r\nhi".encode())
            if fault == "http-kept-open":
                connection.close()
                return


def hear(message):
    """A notification."""
    method = message["method"]
    if method == "$/cancelRequest" and fault in ("cancel-unknown", "cancelled-channel"):
        sys.exit(1)
    if method.startswith("service.") and fault == "service-told":
        sys.exit(1)
    if method == "service.event" and fault == "service-asked":
        for _ in range(2):
            send(method="service.reply", params={"answer": message["params"]["answer"], "result": None})
    if fault == "notification-unknown" and method.startswith("outboard-conform"):
        sys.exit(1)
    if fault == "notifications-unanswered" and method == "ping":
        send(id=None, result={})


def initialize(number, params):
    if fault == "answers-first":
        send(method="log", params={"level": "info", "tag": "x", "message": "early"})
    if fault == "features-unknown" and params["features"]:
        refuse(number, -32602)
    elif 1 not in params["protocolVersions"] and fault != "version-refused":
        refuse(number, -32009, **({} if fault == "version-named" else {"protocolVersions": [1]}))
    else:
        version = 2 if fault == "version-offered" else 1
        hooks = "none" if fault == "hooks-are-words" else []
        send(id=number, result={"protocolVersion": version, "hooks": hooks, "features": ["http"]})


def start(number):
    send(id="handle", method="ipc.handle", params={"channel": "work"})
    if fault in ("reads-while-calling", "not-in-line", "ping-while-starting"):
        wait_for("handle")
    if fault == "no-secrets":
        send(id="token", method="auth.getToken", params={})
        print("the token is", wait_for("token")["result"]["token"], flush=True)
    if fault == "ids-apart":
        send(id="handle", method="config.getAll", params={})
    if fault == "wire-clean":
        write("hello from a library\n")
    send(
        method="log",
        params={"level": "info", "tag": "x", "message": "." * (LIMIT if fault == "frames-in-bounds" else 1)},
    )
    if fault == "starts":
        refuse(number, -32603)
    else:
        send(id=number, result={})


def ping(number, message):
    if fault == "params-absent" and message.get("params") is None:
        sys.exit(1)
    if fault == "members-unknown" and "later" in message:
        sys.exit(1)
    send(id="1" if fault == "ids-repeated" and number == 1 else number, result={})
    if fault == "many-at-once":
        send(id=number, result={})


def invoke(number, channel):
    if fault == "cancelled-at-once":
        return
    if channel != "work":
        refuse(number, -32008)
    elif fault == "ping-behind-calls":
        send(id=f"for {number}", method="config.getAll", params={})
        wait_for(f"for {number}")
        send(id=number, result=None)
    elif fault != "cancelled-channel":
        send(id=number, result=None)


if fault == "none" or fault.startswith("http"):
    import socket
    import threading

    threading.Thread(
        target=serve, args=(socket.socket(fileno=int(os.environ["OUTBOARD_HTTP_FD"])),), daemon=True
    ).start()
if fault == "silent-at-first":
    send(method="log", params={"level": "info", "tag": "x", "message": "early"})
conversation = messages()
for message in conversation:
    method, number = message.get("method"), message.get("id")
    if method is None:
        if fault == "stray-answers" and number != "handle":
            sys.exit(1)
    elif "id" not in message:
        hear(message)
    elif method == "initialize":
        initialize(number, message["params"])
    elif method == "start":
        start(number)
        ready = True
    elif method == "ping":
        ping(number, message)
    elif method == "ipc.invoke":
        params = message["params"]
        if isinstance(params, dict):
            invoke(number, params["channel"])
        elif fault == "params-by-place":
            send(id=number, result=None)
        else:
            refuse(number, -32602)
    elif method == "service.call" and fault == "service-unknown":
        refuse(number, -32603)
    elif method == "service.call" and fault == "service-calls-apart" and number == "two":
        send(id="one", result={})
    elif method == "service.call" and fault == "service-cancelled" and number == "given-up":
        continue
    elif method == "stop":
        send(id=number, result={})
        if fault == "whole-frames":
            write('{"jsonrpc"')
        sys.exit(3 if fault == "stops" else 0)
    else:
        refuse(number, -32600 if fault == "method-unknown" else -32601)
if (fault == "end-of-wire" and ready) or (fault == "end-before-initialize" and not ready):
    time.sleep(3600)
