import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createCleanup } from '../kit/cleanup.ts';

/** TCP proxies before servers, between which the network can be cut. */
export type Gates = AsyncDisposable & {
  /** Opens a gate at a port, to where the server of this name really listens. */
  open: (port: number, targetPort: number, owner: string) => Promise<void>;
  /** No connection between servers of different groups any more; what is under way breaks off. Whoever is in no group is with the first. */
  partition: (...groups: readonly (readonly string[])[]) => void;
  heal: () => void;
};

/** `callers`: whose are the addresses that calls come from; all others are of the server that is called `rest`. */
export function createGates(callers: ReadonlyMap<string, string>, rest: string): Gates {
  const cleanup = createCleanup();
  const passing = new Set<{ from: string; to: string; sockets: readonly Socket[] }>();
  let groups: readonly (readonly string[])[] = [];
  const groupOf = (name: string) =>
    Math.max(
      0,
      groups.findIndex((group) => group.includes(name)),
    );
  const mayPass = (from: string, to: string) => groupOf(from) === groupOf(to);

  return {
    open: async (port, targetPort, to) => {
      const gate = createServer((incoming) => {
        const from = callers.get(incoming.remoteAddress ?? '') ?? rest;
        if (!mayPass(from, to)) return void incoming.destroy();
        const outgoing = connect(targetPort, '127.0.0.1');
        const entry = { from, to, sockets: [incoming, outgoing] };
        passing.add(entry);
        for (const socket of entry.sockets) {
          socket.on('error', () => undefined);
          socket.on('close', () => {
            passing.delete(entry);
            for (const other of entry.sockets) other.destroy();
          });
        }
        incoming.pipe(outgoing).pipe(incoming);
      });
      gate.listen(port, '127.0.0.1');
      await once(gate, 'listening');
      cleanup.defer(async () => {
        for (const { sockets } of passing) for (const socket of sockets) socket.destroy();
        gate.close();
        await once(gate, 'close');
      });
    },
    partition: (...divided) => {
      groups = divided;
      for (const { from, to, sockets } of passing) if (!mayPass(from, to)) for (const socket of sockets) socket.destroy();
    },
    heal: () => {
      groups = [];
    },
    [Symbol.asyncDispose]: cleanup.run,
  };
}
