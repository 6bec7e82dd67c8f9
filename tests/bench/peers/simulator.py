"""Plugins around one service, in Python's standard library alone: `sim` provides it, `slow` subscribes and never reads again, any other
subscribes and notes how old each event is. Run by services.py.

    call sim fly SECONDS HZ BYTES      emits, and gives how often
    call NAME seen                     the ages of the events since the last time, in microseconds
"""

import json
import os
import sys
import threading
import time

NAME = os.environ["OUTBOARD_PLUGIN_ID"]
wire_in, wire_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
writing = threading.Lock()
ages = []


def send(**message):
    with writing:
        wire_out.write(json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode() + b"\n")
        wire_out.flush()


def fly(seconds, hz, size):
    begun = time.monotonic()
    for tick in range(seconds * hz):
        time.sleep(max(0.0, begun + tick / hz - time.monotonic()))
        payload = {"at": time.monotonic_ns(), "data": "x" * size}
        params = {"service": "sim", "event": "data", "latest": True, "payload": payload}
        send(method="service.emit", params=params)
    return {"emitted": seconds * hz}


def seen():
    told = ages.copy()
    ages.clear()
    return {"ages": told}


def answer(method, params):
    if method == "initialize":
        return {"protocolVersion": 1, "hooks": ["onStart", "onStop"], "features": []}
    if method == "start":
        send(id=1, method="ipc.handle", params={"channel": "fly" if NAME == "sim" else "seen"})
        if NAME != "sim":
            send(id=2, method="service.subscribe", params={"service": "sim", "event": "data"})
    elif method == "ipc.invoke":
        return fly(*params["args"]) if params["channel"] == "fly" else seen()
    return {}


def work(message):
    send(id=message["id"], result=answer(message["method"], message.get("params") or {}))


while line := wire_in.readline():
    message = json.loads(line)
    if message.get("method") == "service.event":
        ages.append((time.monotonic_ns() - message["params"]["payload"]["at"]) / 1000)
        if NAME == "slow":
            while not os.path.exists("read-on"):
                time.sleep(0.1)
    elif "method" in message and "id" in message:
        threading.Thread(target=work, args=(message,), daemon=True).start()
sys.exit(0)
