"""A plugin that uses services, on the bare protocol: it calls what it is told to call, and remembers the events that it hears."""

import json
import sys

asked, heard = {}, []


def say(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


for line in sys.stdin:
    message = json.loads(line)
    method, number, params = message.get("method"), message.get("id"), message.get("params") or {}
    if method == "initialize":
        say(id=number, result={"protocolVersion": 1})
    elif method == "start":
        for channel in ("call", "heard"):
            say(id=channel, method="ipc.handle", params={"channel": channel})
        say(
            id="subscribed",
            method="service.subscribe",
            params={"service": "acme.billing", "event": "changed"},
        )
        say(id=number, result={})
    elif method == "ipc.invoke" and params["channel"] == "call":
        # What it says is answered when the provider has answered: a result, or an error as it came.
        asked[f"s{number}"] = number
        say(id=f"s{number}", method="service.call", params=params["args"][0])
    elif method == "ipc.invoke":
        say(id=number, result=heard)
    elif method == "service.event":
        heard.append(params["payload"])
        if "answer" in params:
            say(method="service.reply", params={"answer": params["answer"], "result": {"allow": True}})
    elif method == "$/cancelRequest":
        say(method="$/cancelRequest", params={"id": f"s{params['id']}"})
    elif method is None and number in asked:
        outcome = {"result": message["result"]} if "result" in message else {"error": message["error"]}
        say(id=asked.pop(number), result=outcome)
    elif method and number is not None:
        say(id=number, result={})
        if method == "stop":
            break
