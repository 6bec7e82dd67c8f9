"""A consumer of a service without an SDK, from docs/PROTOCOL.md and Python's standard library alone."""
import itertools, json, os, queue, sys, threading

if sys.stdin.isatty() or "OUTBOARD_PROTOCOL" not in os.environ:
    sys.exit("briefing-plain is a plugin: Outboard starts it; put its folder among your plugins and run `outboard run`")
wire_in, wire_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the wire is private from here on:
os.dup2(2, 1)                                 # print() writes to the log
FRAME_MAX = 8 * 1024 * 1024
HOST_LIMIT = 30  # seconds that the host takes for an answer, where no `timeoutMs` is said
writing, numbers, awaited = threading.Lock(), itertools.count(1), {}
changes, state = [], "unknown"  # what was heard of the service

def send(**message):
    with writing:
        wire_out.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        wire_out.flush()

class Refusal(Exception):  # an error of the protocol: its code, its word, and a sentence
    def __init__(self, code, reason, sentence, **data):
        super().__init__(sentence)
        self.code, self.reason, self.data = code, reason, data

def call(method, /, **params):  # from any thread but the reading one
    number, answers = next(numbers), queue.SimpleQueue()
    awaited[number] = answers
    send(id=number, method=method, params=params)
    try:
        message = answers.get(timeout=HOST_LIMIT + 1)  # longer than the host, which always answers
    except queue.Empty:
        send(method="$/cancelRequest", params={"id": number})
        raise Refusal(-32002, "timeout", f"{method}: no answer") from None
    finally:
        del awaited[number]
    if "error" in message:  # `no_provider`, `unavailable` (which may be retried), or the provider's own
        error = message["error"]
        data = dict(error.get("data") or {})
        raise Refusal(error["code"], data.pop("reason", ""), error["message"], **data)
    return message["result"]

def answer(method, params):
    if method == "initialize":
        if 1 not in params["protocolVersions"]:
            raise Refusal(-32009, "conflict", "briefing-plain speaks protocol version 1", protocolVersions=[1])
        return {"protocolVersion": 1, "sdk": {"name": "none", "language": "python"}, "hooks": ["onStart", "onStop"], "features": []}
    if method == "start":
        # It outlives the provider, which need not be there yet, and ends with this process.
        call("service.subscribe", service="weather", event="changed")
        for channel in ("get-briefing", "await-report", "report", "heard"):
            call("ipc.handle", channel=channel)
        return {}
    if method == "ipc.invoke":
        channel, args = params["channel"], params.get("args") or []
        if channel == "get-briefing":  # get-briefing STATION
            return call("service.call", service="weather", method="getReport", params={"station": args[0]})
        if channel == "await-report":  # await-report STATION
            return call("service.call", service="weather", method="nextReport", params={"station": args[0]})
        if channel == "report":        # report STATION WIND; what it says of the caller is believed by nobody
            report = {"station": args[0], "wind": args[1], "caller": "somebody-else"}
            return call("service.call", service="weather", method="setReport", params=report, caller="somebody-else")
        if channel == "heard":
            return {"changes": changes, "state": state}
    if method in ("stop", "ping"):
        return {}
    raise Refusal(-32601, "method_not_found", f"no method {method!r}")

def told(method, params):
    global state
    if params.get("service") != "weather":
        return
    if method == "service.event" and params.get("event") == "changed":
        changes.append(params.get("payload"))
        del changes[:-100]
    if method == "service.event" and "answer" in params:  # the provider waits, and this plugin has nothing to say
        error = {"code": -32008, "message": "briefing-plain answers no events"}
        send(method="service.reply", params={"answer": params["answer"], "error": error})
    if method == "service.changed":
        state = params["state"]

def refuse(number, refusal):
    data = {"reason": refusal.reason, "retryable": refusal.code == -32003, **refusal.data}
    send(id=number, error={"code": refusal.code, "message": str(refusal), "data": data})

def work(number, method, params):
    try:
        send(id=number, result=answer(method, params))
    except Exception as error:
        refuse(number, error if isinstance(error, Refusal) else Refusal(-32603, "internal_error", f"{type(error).__name__}: {error}"))

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
    try:
        message = read(line)
    except Refusal as refusal:
        refuse(None, refusal)
        continue
    if message is None:
        continue
    number, params = message.get("id"), message.get("params")
    if "method" not in message:
        if isinstance(number, int) and number in awaited:
            awaited[number].put(message)
    elif number is None:
        if params is None or isinstance(params, dict):
            told(message["method"], params or {})
    elif params is not None and not isinstance(params, dict):
        refuse(number, Refusal(-32602, "invalid_params", "`params` is an object"))
    elif message["method"] == "ping":
        send(id=number, result={})
    else:
        threading.Thread(target=work, args=(number, message["method"], params or {}), daemon=True).start()
