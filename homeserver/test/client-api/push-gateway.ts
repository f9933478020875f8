import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

type Json = Record<string, unknown>;
type Pushed = { notification: Json & { devices: Json[] } };

export type PushGateway = AsyncDisposable & {
  url: string;
  /** Everything it was sent, the failed ones too. */
  received: Pushed[];
  /** What it answers from now on. */
  answer: { status: number; rejected: string[] };
  /** The next notification it is sent, or was sent and nobody took. */
  next: () => Promise<Pushed>;
};

/** A push gateway on this machine that remembers what it is sent. */
export async function startPushGateway(): Promise<PushGateway> {
  const received: Pushed[] = [];
  const answer = { status: 200, rejected: [] as string[] };
  let taken = 0;
  let arrived = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push(JSON.parse(Buffer.concat(chunks).toString()));
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify({ rejected: answer.rejected }));
      arrived.resolve();
      arrived = Promise.withResolvers<void>();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const next = async (): Promise<Pushed> => {
    while (received.length <= taken) await arrived.promise;
    taken += 1;
    return received[taken - 1] as Pushed;
  };
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/_matrix/push/v1/notify`, received, answer, next, [Symbol.asyncDispose]: close };
}
