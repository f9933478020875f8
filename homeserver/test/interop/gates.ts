import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createCleanup } from '../kit/cleanup.ts';

/** TCP proxies before servers, that can be shut between one server, which calls from an address of its own, and all others. */
export type Gates = AsyncDisposable & {
  /** Opens a gate at a port, to where the server really listens. `isOfLoner`: the one that will be cut off. */
  open: (port: number, targetPort: number, isOfLoner: boolean) => Promise<void>;
  cut: () => void;
  heal: () => void;
};

export function createGates(addressOfLoner: string): Gates {
  const cleanup = createCleanup();
  const passing = new Set<{ isAcross: boolean; sockets: readonly Socket[] }>();
  let isCut = false;

  return {
    open: async (port, targetPort, isOfLoner) => {
      const gate = createServer((incoming) => {
        const isAcross = isOfLoner || incoming.remoteAddress === addressOfLoner;
        if (isCut && isAcross) return void incoming.destroy();
        const outgoing = connect(targetPort, '127.0.0.1');
        const entry = { isAcross, sockets: [incoming, outgoing] };
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
    cut: () => {
      isCut = true;
      for (const { isAcross, sockets } of passing) if (isAcross) for (const socket of sockets) socket.destroy();
    },
    heal: () => {
      isCut = false;
    },
    [Symbol.asyncDispose]: cleanup.run,
  };
}
