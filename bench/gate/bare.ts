/** The baseline: a server of Node's own that reads a request and says `{}`; what TLS and HTTP cost without any work. */
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

const [cert, key] = process.argv.slice(2);
const handle: RequestListener = (request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-length': 2, connection: 'close' });
    response.end('{}');
  });
};
const server =
  cert === undefined || key === undefined
    ? createServer(handle)
    : createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, handle);
server.listen({ host: '127.0.0.1', port: 0 }, () => console.log(JSON.stringify({ gate: server.address() })));
