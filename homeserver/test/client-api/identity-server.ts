import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestCa } from '../kit/test-ca.ts';

type Asked = { path: string; authorization: string; body: Record<string, unknown> };

export type IdentityServer = AsyncDisposable & {
  /** For `id_server`. */
  name: string;
  asked: Asked[];
  /** What it answers from now on. */
  answer: { status: number; body: object };
};

/** An identity server that remembers what it is asked and does as it is told. */
export async function startIdentityServer(ca: TestCa): Promise<IdentityServer> {
  const { certFile, keyFile } = await ca.issue(['localhost', '127.0.0.1']);
  const asked: Asked[] = [];
  const answer = { status: 200, body: {} };
  const server = createServer({ cert: await readFile(certFile), key: await readFile(keyFile) }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const authorization = request.headers.authorization ?? '';
      asked.push({ path: request.url ?? '', authorization, body: JSON.parse(Buffer.concat(chunks).toString()) });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { name: `localhost:${(server.address() as AddressInfo).port}`, asked, answer, [Symbol.asyncDispose]: close };
}
