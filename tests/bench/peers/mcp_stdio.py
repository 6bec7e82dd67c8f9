"""The MCP Python SDK between two processes over standard input and output: a client calls a tool of the server that it has
started, so many calls at once. Prints the processor time of both a call, and calls a second.

    python3 mcp_stdio.py CALLS AT_ONCE
"""

import asyncio
import json
import sys
import time

import mcp.types as types
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

VALUE = "x" * 60


async def serve() -> None:
    server: Server = Server("bench")

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        return [types.Tool(name=name, inputSchema={"type": "object"}) for name in ("get", "spent")]

    @server.call_tool(validate_input=False)
    async def call_tool(name: str, arguments: dict) -> list[types.TextContent]:
        text = VALUE if name == "get" else str(time.process_time())
        return [types.TextContent(type="text", text=text)]

    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


async def ask(calls: int, at_once: int) -> None:
    server = StdioServerParameters(command=sys.executable, args=[__file__])
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()

        async def spent() -> float:
            answer = await session.call_tool("spent", {})
            return time.process_time() + float(answer.content[0].text)

        async def caller(number: int, count: int) -> None:
            for _ in range(number, count, at_once):
                await session.call_tool("get", {"key": "key"})

        await asyncio.gather(*(caller(number, 200) for number in range(at_once)))
        before, begun = await spent(), time.perf_counter()
        await asyncio.gather(*(caller(number, calls) for number in range(at_once)))
        seconds = time.perf_counter() - begun
        cpu = await spent() - before
        print(json.dumps({"cpu_us": cpu / calls * 1e6, "a_second": calls / seconds}))


asyncio.run(ask(int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 1 else serve())
