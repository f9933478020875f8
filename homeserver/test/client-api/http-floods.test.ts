import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';

const SOCKETS = 500;
let servers: TestServers;
let server: TestServer;
const faults: string[] = [];

beforeAll(async () => {
  servers = await startServers(1, { logger: pino({ level: 'error' }, { write: (line: string) => void faults.push(line) }) });
  server = servers.at(0);
});
afterAll(() => servers[Symbol.asyncDispose]());

const LISTENERS = ['plain', 'TLS'] as const;

function open(listener: (typeof LISTENERS)[number]): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket =
      listener === 'plain'
        ? connect(Number(new URL(server.url).port), '127.0.0.1', () => resolve(socket))
        : connectTls({ port: Number(server.name.split(':')[1]), host: '127.0.0.1', rejectUnauthorized: false }, () => resolve(socket));
    socket.on('error', reject);
  });
}

/** What the server answers until it closes the connection, or until `enough` is seen. */
async function answerTo(socket: Socket, text: string, enough = '\u0000'): Promise<string> {
  let received = '';
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      if (received.includes(enough)) resolve();
    });
    socket.on('close', () => resolve());
    socket.on('error', () => resolve());
    socket.write(text);
  });
  socket.destroy();
  return received;
}
const health = async (listener: (typeof LISTENERS)[number]) =>
  await answerTo(await open(listener), 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n', '\r\n\r\n');

describe.each(LISTENERS)('the %s listener', (listener) => {
  test('S30: headers without number or end are refused', async () => {
    const many = await answerTo(await open(listener), `GET /health HTTP/1.1\r\nHost: x\r\n${'a: b\r\n'.repeat(500)}\r\n`);
    expect(many).toMatch(/^HTTP\/1.1 431 /);
    const endless = await answerTo(await open(listener), `GET /health HTTP/1.1\r\nHost: x\r\na: ${'b'.repeat(100_000)}`);
    expect(endless).toMatch(/^HTTP\/1.1 431 /);
    const path = await answerTo(await open(listener), `GET /${'b'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(path).toMatch(/^(HTTP\/1.1 431 |$)/);
    expect(await health(listener)).toMatch(/^HTTP\/1.1 200 /);
  });

  test('S30: connections on which nothing, or half a request, is said keep nobody from being answered', async () => {
    const beginnings = [
      '',
      'GET /health HTTP/1.1\r\nHost: x\r\n',
      'POST /_matrix/client/v3/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{',
    ];
    const sockets = await Promise.all(
      Array.from({ length: SOCKETS }, async (_, n) => {
        const socket = await open(listener);
        socket.on('error', () => undefined);
        socket.write(beginnings[n % beginnings.length] ?? '');
        return socket;
      }),
    );
    expect(await health(listener)).toMatch(/^HTTP\/1.1 200 /);
    for (const socket of sockets) socket.destroy();
    expect(await health(listener)).toMatch(/^HTTP\/1.1 200 /);
    // That somebody hangs up is no fault of the server's.
    expect(faults).toEqual([]);
  });

  test('S30: requests that come in one heap are answered one after the other', async () => {
    const socket = await open(listener);
    const heap = `${'GET /health HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200)}GET /_matrix/last HTTP/1.1\r\nHost: x\r\n\r\n`;
    const answers = await answerTo(socket, heap, 'M_UNRECOGNIZED');
    expect(answers.split('HTTP/1.1 200 ')).toHaveLength(201);
    expect(await health(listener)).toMatch(/^HTTP\/1.1 200 /);
  });
});
