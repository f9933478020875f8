import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { startServers } from '../kit/start-servers.ts';

const CLIENTS = 50;
const DRIP_EVERY_MS = 2_000;
const LIMIT_MS = 60_000;

test('S30: who sends a request drop by drop, or never, is hung up on, on both listeners', { timeout: LIMIT_MS }, async () => {
  await using servers = await startServers(1);
  const server = servers.at(0);
  const ports = { plain: Number(new URL(server.url).port), tls: Number(server.name.split(':')[1]) };
  const login = 'POST /_matrix/client/v3/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
  const ways: [string, string][] = [
    ['', ''],
    ['GET /health HTTP/1.1\r\nHost: x\r\n', 'a: b\r\n'],
    [`${login}Content-Length: 100000\r\n\r\n{`, ' '],
    [`${login}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`, '1\r\n \r\n'],
    ['PUT /_matrix/federation/v1/send/t HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{', ' '],
  ];
  const dripping: Promise<void>[] = [];
  const drip = (socket: Socket, [first, next]: [string, string]): Promise<void> =>
    new Promise((resolve) => {
      socket.write(first);
      const timer = setInterval(() => socket.write(next), DRIP_EVERY_MS);
      socket.on('error', () => undefined);
      socket.resume().on('close', () => {
        clearInterval(timer);
        resolve();
      });
    });
  for (let n = 0; n < CLIENTS; n += 1) {
    for (const way of ways) {
      dripping.push(drip(connect(ports.plain, '127.0.0.1'), way));
      dripping.push(drip(connectTls({ port: ports.tls, host: '127.0.0.1', rejectUnauthorized: false }), way));
    }
    // Without so much as a handshake.
    dripping.push(drip(connect(ports.tls, '127.0.0.1'), ['', '']));
  }
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
  await Promise.all(dripping);
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
});
