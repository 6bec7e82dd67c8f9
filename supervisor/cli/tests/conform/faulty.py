"""A plugin that keeps every rule but the one that its argument names."""
import json, os, sys, threading, time

fault = sys.argv[1]
wire_in, wire_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
LIMIT = 8 * 1024 * 1024

def write(text):
    wire_out.write(text.encode())
    wire_out.flush()

def send(**message):
    if fault != "P-MSG-1":
        message["jsonrpc"] = "2.0"
    text = json.dumps(message)
    if fault == "P-FRAME-1" and message.get("result") == {}:
        text = text.replace('"result"', '\n"result"')
    write(text + "\n")

def refuse(number, code, **data):
    error = {"code": code, "message": "no", "data": {"reason": "some_reason", "retryable": False, **data}}
    if fault == "P-ERR-1":
        del error["message"]
    send(id=number, error=error)

def read():
    line = wire_in.readline(LIMIT + 3)
    if not line:
        return None
    if len(line.rstrip(b"\r\n")) > LIMIT:
        while not line.endswith(b"\n"):
            line = wire_in.readline(65536)
        if fault != "P-FRAME-4":
            refuse(None, -32003)
        return {}
    if not line.strip() and fault != "P-FRAME-3":
        return {}
    try:
        message = json.loads(line)
    except ValueError:
        if fault == "P-FRAME-3":
            sys.exit(1)
        if fault != "P-MSG-6":
            refuse(None, -32700)
        return {}
    if isinstance(message, list):
        if fault != "P-MSG-7":
            refuse(None, -32600)
        return {}
    wrong = message.get("jsonrpc") != "2.0" or ("method" in message and not isinstance(message.get("id", ""), (str, int)))
    if wrong:
        refuse(None, -32600)
        return {}
    return message

if fault == "P-LIFE-1":
    send(method="log", params={"level": "info", "tag": "x", "message": "early"})
while (message := read()) is not None:
    method, number = message.get("method"), message.get("id")
    if method is None:
        continue
    if number is None:
        if fault == "P-CANCEL-2" and method == "$/cancelRequest":
            sys.exit(1)
        if fault == "P-MSG-10" and method.startswith("outboard-conform"):
            sys.exit(1)
        continue
    if fault == "P-MSG-3":
        number = str(number) if number == 1 else number
    if method == "initialize":
        if 1 in message["params"]["protocolVersions"] or fault == "P-LIFE-3":
            version = 2 if fault == "P-LIFE-2" else 1
            send(id=number, result={"protocolVersion": version, "hooks": "none" if fault == "P-LIFE-4" else []})
        else:
            refuse(number, -32009, protocolVersions=[1])
    elif method == "start" and fault != "P-LIFE-6":
        if fault == "P-LOG-1":
            send(id=1, method="auth.getToken", params={})
            print("the token is", read()["result"]["token"], flush=True)
        if fault == "P-MSG-2":
            send(id=1, method="config.getAll", params={})
            send(id=1, method="config.getAll", params={})
        if fault in ("P-FRAME-7", "P-LIFE-8", "P-MSG-5"):
            send(id="first", method="config.getAll", params={})
            while "result" not in (read() or {"result": 1}):
                pass
        if fault == "P-SPAWN-2":
            write("hello from a library\n")
        send(id=number, result={})
    elif method == "ping" and fault == "P-MSG-8" and message.get("params") is None:
        sys.exit(1)
    elif method == "ping" and fault == "P-MSG-9" and "later" in message:
        sys.exit(1)
    elif method == "ping" and fault == "P-MSG-4":
        send(id=number, result={})
        send(id=number, result={})
    elif method == "ping" and fault == "P-CANCEL-1" and number == "never":
        pass
    elif method == "ipc.invoke" and fault == "P-CANCEL-1":
        pass
    elif method == "ping":
        send(id=number, result={})
    elif method == "stop":
        if fault != "P-LIFE-9":
            send(id=number, result={})
            if fault == "P-FRAME-6":
                write('{"jsonrpc"')
            sys.exit(0)
        send(id=number, result={})
        os._exit(3)
    else:
        refuse(number, -32601)
if fault == "P-LIFE-10":
    time.sleep(3600)
