"""A provider of a service without an SDK, from docs/PROTOCOL.md and Python's standard library alone."""
import json, os, sys, threading

if sys.stdin.isatty() or "OUTBOARD_PROTOCOL" not in os.environ:
    sys.exit("weather-plain is a plugin: Outboard starts it; put its folder among your plugins and run `outboard run`")
wire_in, wire_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the wire is private from here on:
os.dup2(2, 1)                                 # print() writes to the log
FRAME_MAX = 8 * 1024 * 1024
SERVICE = "weather"
writing = threading.Lock()
reports = {"EDDF": {"wind": 12, "by": "weather-plain"}}  # what the service knows
listening = {}                                           # who is subscribed, by event: the host says so
awaited = []                                             # calls that wait until there is a report: (station, id)

def send(**message):
    with writing:
        wire_out.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        wire_out.flush()

class Refusal(Exception):  # an error of the protocol: its code, its word, and a sentence
    def __init__(self, code, reason, sentence, **data):
        super().__init__(sentence)
        self.code, self.reason, self.data = code, reason, data

def refuse(number, refusal):
    data = {"reason": refusal.reason, "retryable": refusal.code == -32003, **refusal.data}
    send(id=number, error={"code": refusal.code, "message": str(refusal), "data": data})

def station_of(params):
    station = params.get("station") if isinstance(params, dict) else None
    if not isinstance(station, str):
        raise Refusal(-32602, "invalid_params", "say which `station`, such as EDDF")
    return station

# The service. `caller` is the host's word, and nothing within `params` can say otherwise.

def called(number, method, params, caller):
    """Answers now, or later under the same id: another call may be answered meanwhile."""
    if method == "getReport":
        station = station_of(params)
        if station not in reports:
            raise Refusal(-32008, "not_found", f"there is no report of {station}")
        send(id=number, result=reports[station])
    elif method == "nextReport":
        awaited.append((station_of(params), number))
    elif method == "setReport":
        station, report = station_of(params), {"wind": params.get("wind"), "by": caller}
        reports[station] = report
        for waiting in [one for one in awaited if one[0] == station]:
            awaited.remove(waiting)
            send(id=waiting[1], result=report)
        if listening.get("changed"):  # an event that nobody hears need not be made
            payload = {"station": station, **report}
            send(method="service.emit", params={"service": SERVICE, "event": "changed", "payload": payload})
        send(id=number, result=report)
    else:
        raise Refusal(-32601, "method_not_found", f"{SERVICE} has no method {method!r}")

# The rest is the life of any plugin.

def answer(number, method, params):
    if method == "initialize":
        if 1 not in params["protocolVersions"]:
            raise Refusal(-32009, "conflict", "weather-plain speaks protocol version 1", protocolVersions=[1])
        sdk = {"name": "none", "language": "python"}
        send(id=number, result={"protocolVersion": 1, "sdk": sdk, "hooks": ["onStart", "onStop"], "features": []})
    elif method in ("start", "stop", "ping"):
        send(id=number, result={})
    elif method == "service.call" and params.get("service") == SERVICE:
        called(number, params.get("method"), params.get("params"), params.get("caller"))
    else:
        raise Refusal(-32601, "method_not_found", f"no method {method!r}")

def told(method, params):
    if method == "service.subscribed" and params.get("service") == SERVICE:
        listening[params["event"]] = params["consumers"]
    elif method == "$/cancelRequest":
        for waiting in [one for one in awaited if one[1] == params.get("id")]:  # it is still answered, once
            awaited.remove(waiting)
            refuse(waiting[1], Refusal(-32800, "cancelled", "the caller withdrew the call"))

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

while line := wire_in.readline(FRAME_MAX + 3):  # until the host hangs up
    number = None
    try:
        message = read(line)
        if message is None or "method" not in message:
            continue
        number, params = message.get("id"), message.get("params")
        if params is not None and not isinstance(params, dict):
            raise Refusal(-32602, "invalid_params", "`params` is an object")
        if number is None:
            told(message["method"], params or {})
        else:
            answer(number, message["method"], params or {})
    except Exception as error:
        if not isinstance(error, Refusal):
            error = Refusal(-32603, "internal_error", f"{type(error).__name__}: {error}")
        refuse(number, error)
