import { expect, test } from 'vitest';
import type { SocketRoute } from '../../src/edge/http/live-socket.ts';
import { startEdge } from '../kit/start-edge.ts';

const parrot: SocketRoute = {
  path: '/parrot',
  maxPayloadBytes: 1024,
  open: (socket) => ({
    message: (text) => {
      if (text === 'bye') socket.close(4000, 'good night');
      else socket.send(text);
    },
    closed: () => undefined,
  }),
};

test('frames go both ways, and a close carries its code and reason', async () => {
  await using edge = await startEdge({ sockets: [parrot] });
  const socket = await connect(`${edge.url.replace('http', 'ws')}/parrot`);
  socket.send('good night');
  await expect(nextMessage(socket)).resolves.toBe('good night');
  const closed = nextClose(socket);
  socket.send('bye');
  await expect(closed).resolves.toMatchObject({ code: 4000, reason: 'good night' });
});

test('a frame that is too large ends the socket', async () => {
  await using edge = await startEdge({ sockets: [parrot] });
  const socket = await connect(`${edge.url.replace('http', 'ws')}/parrot`);
  const closed = nextClose(socket);
  socket.send('x'.repeat(2048));
  await closed;
});

test('a server that stops says so on its sockets', async () => {
  await using edge = await startEdge({ sockets: [parrot] });
  const socket = await connect(`${edge.url.replace('http', 'ws')}/parrot`);
  const closed = nextClose(socket);
  await edge.stop();
  await expect(closed).resolves.toMatchObject({ code: 1001 });
});

async function connect(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  return socket;
}

function nextMessage(socket: WebSocket): Promise<unknown> {
  return new Promise((resolve) => socket.addEventListener('message', ({ data }) => resolve(data), { once: true }));
}

function nextClose(socket: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => socket.addEventListener('close', resolve, { once: true }));
}
