import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Config } from '../../src/config/config.ts';
import { createCleanup } from './cleanup.ts';
import { freePort } from './free-port.ts';
import { startServer, type TestServer } from './start-server.ts';
import { createTestCa } from './test-ca.ts';
import type { TestUser } from './test-user.ts';

/** Homeservers between which the network can be cut, pair by pair and one way at a time. */
export type GatedServers = AsyncDisposable & {
  list: readonly TestServer[];
  at: (index: number) => TestServer;
  user: (localpart: string, index: number) => Promise<TestUser>;
  /** No connection between servers of different groups any more; what is under way breaks off. Whoever is in no group is alone. */
  partition: (...groups: readonly (readonly number[])[]) => void;
  heal: () => void;
};

/**
 * Each server calls from an address of its own (127.0.0.2 and so on), and each stands behind a gate, a TCP proxy that looks at who calls.
 * Nothing else is between them: they speak TLS with each other.
 */
export async function startGatedServers(count: number, config: Partial<Config> = {}): Promise<GatedServers> {
  const cleanup = createCleanup();
  const ca = cleanup.use(await createTestCa());
  const list: TestServer[] = [];
  const open = new Set<{ from: number; to: number; sockets: readonly Socket[] }>();
  let groupOf = (_index: number): unknown => 'all';

  const addressOf = (index: number) => `127.0.0.${index + 2}`;
  const mayPass = (from: number, to: number) => groupOf(from) === groupOf(to);

  async function openGate(to: number, port: number, tlsPort: number): Promise<void> {
    const gate = createServer((incoming) => {
      const from = Number((incoming.remoteAddress ?? '').split('.').at(-1)) - 2;
      if (from >= 0 && !mayPass(from, to)) return void incoming.destroy();
      const outgoing = connect(tlsPort, '127.0.0.1');
      const entry = { from, to, sockets: [incoming, outgoing] };
      open.add(entry);
      for (const socket of entry.sockets) {
        socket.on('error', () => undefined);
        socket.on('close', () => {
          open.delete(entry);
          for (const other of entry.sockets) other.destroy();
        });
      }
      incoming.pipe(outgoing).pipe(incoming);
    });
    gate.listen(port, '127.0.0.1');
    await once(gate, 'listening');
    cleanup.defer(async () => {
      for (const { sockets } of open) for (const socket of sockets) socket.destroy();
      gate.close();
      await once(gate, 'close');
    });
  }

  await cleanup.guard(async () => {
    const { certFile, keyFile } = await ca.issue(['localhost', '127.0.0.1']);
    for (let index = 0; index < count; index += 1) {
      const [port, tlsPort] = [await freePort(), await freePort()];
      const serverName = `localhost:${port}`;
      const settings = { serverName, tlsPort, tlsCert: certFile, tlsKey: keyFile, outboundCa: ca.caFile, ...config };
      list.push(cleanup.use(await startServer({ callsFrom: addressOf(index), config: settings })));
      await openGate(index, port, tlsPort);
    }
  });

  const at = (index: number): TestServer => {
    const server = list[index];
    if (server === undefined) throw new RangeError(`there are ${count} servers; there is no number ${index}`);
    return server;
  };
  return {
    list,
    at,
    user: (localpart, index) => at(index).user(localpart),
    partition: (...groups) => {
      groupOf = (index) => groups.find((group) => group.includes(index)) ?? index;
      for (const { from, to, sockets } of open) if (from >= 0 && !mayPass(from, to)) for (const socket of sockets) socket.destroy();
    },
    heal: () => {
      groupOf = () => 'all';
    },
    [Symbol.asyncDispose]: cleanup.run,
  };
}
