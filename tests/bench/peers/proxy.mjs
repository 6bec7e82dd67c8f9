// The peer of the HTTP proxy: http-proxy, with connections to the plugin that are kept. `proxy.mjs PORT SOCKET`
import http from "node:http";
import httpProxy from "http-proxy";

const [port, socketPath] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const proxy = httpProxy.createProxyServer({ target: { socketPath }, agent });
http.createServer((request, response) => proxy.web(request, response)).listen(Number(port), "127.0.0.1");
