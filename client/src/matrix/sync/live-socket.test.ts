import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { openLiveSocket } from './live-socket.ts';

/** A server that takes connections and never says a word. */
async function startSilentServer() {
  let connections = 0;
  const sockets = new Set<import('node:net').Socket>();
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server listens on no port');
  return {
    baseUrl: `http://127.0.0.1:${address.port}`,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function follow(baseUrl: string, signal: AbortSignal): Promise<void> {
  return openLiveSocket({
    WebSocket,
    baseUrl,
    accessToken: 'token',
    since: 's1',
    filter: '{}',
    signal,
    onOpen: () => undefined,
    onUpdate: async () => 's2',
  });
}

test('a connection that was never answered ends when the client stops', async () => {
  await using server = await startSilentServer();
  const stop = new AbortController();
  const followed = follow(server.baseUrl, stop.signal);
  await expect.poll(server.connections).toBe(1);
  stop.abort();
  await expect(followed).resolves.toBeUndefined();
});

test('a server that cannot be reached ends the connection too', async () => {
  await expect(follow('http://127.0.0.1:9', new AbortController().signal)).resolves.toBeUndefined();
});
