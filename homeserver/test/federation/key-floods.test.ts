import { type AddressInfo, createServer, type Socket, type Server as TcpServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { callServer } from '../kit/test-user.ts';

/** More servers than are asked for their keys at a time, and so many that they would all be asked only after a minute. */
const SILENT = 250;

let servers: TestServers;
let server: TestServer;
let hole: TcpServer;
const held = new Set<Socket>();

function hold(socket: Socket): void {
  held.add(socket);
  socket.on('error', () => undefined);
}

beforeAll(async () => {
  servers = await startServers(1);
  server = servers.at(0);
  // Takes connections, and never says a word: on Linux all of 127.0.0.0/8 are names of it.
  hole = createServer(hold);
  await new Promise<void>((resolve) => hole.listen(0, '0.0.0.0', resolve));
});
afterAll(async () => {
  for (const socket of held) socket.destroy();
  hole.close();
  await servers[Symbol.asyncDispose]();
});

const silentNames = (part: number) => {
  const { port } = hole.address() as AddressInfo;
  return Array.from({ length: SILENT }, (_, n) => `127.0.${part}.${n + 1}:${port}`);
};
/** By then so many have been given up that whoever came after all the others would be next. */
const NEARLY_ALL = 180;

async function withPeer<Result>(work: (peer: HostilePeer) => Promise<Result>): Promise<Result> {
  const peer = await startHostilePeer(servers.ca);
  try {
    return await work(peer);
  } finally {
    await peer[Symbol.asyncDispose]();
  }
}

/** How many of the floods were dealt with before a server that was not known yet was told that it is welcome. */
async function countBeforeNewcomer(floods: readonly Promise<unknown>[]): Promise<number> {
  let ended = 0;
  const all = Promise.all(floods.map((flood) => flood.then(() => ended++)));
  await withPeer(async (peer) => expect((await peer.sendPdus(server, [])).status).toBe(200));
  const before = ended;
  for (const socket of held) socket.destroy();
  hole.on('connection', (socket) => socket.destroy());
  await all;
  hole.removeAllListeners('connection');
  hole.on('connection', hold);
  return before;
}

test.runIf(process.platform === 'linux')(
  'S10: anybody may ask for the keys of servers that never answer; others are known all the same',
  async () => {
    const questions = silentNames(1).map((name) =>
      callServer(server.url, 'POST', '/_matrix/key/v2/query', { server_keys: { [name]: {} } }),
    );
    await expect.poll(() => held.size, { timeout: 20_000 }).toBeGreaterThan(40);
    expect(await countBeforeNewcomer(questions)).toBeLessThan(NEARLY_ALL);
  },
);

test.runIf(process.platform === 'linux')(
  'S57: requests in the name of servers that never answer keep no other server waiting',
  async () => {
    held.clear();
    const forged = silentNames(2).map(async (origin) => {
      const authorization = `X-Matrix origin="${origin}",destination="${server.name}",key="ed25519:x",sig="${'A'.repeat(86)}"`;
      const headers = { authorization, 'x-forwarded-for': '192.0.2.7' };
      const { status } = await fetch(`${server.url}/_matrix/federation/v1/publicRooms`, { headers });
      expect(status).toBe(401);
    });
    await expect.poll(() => held.size, { timeout: 20_000 }).toBeGreaterThan(40);
    expect(await countBeforeNewcomer(forged)).toBeLessThan(NEARLY_ALL);
  },
);
