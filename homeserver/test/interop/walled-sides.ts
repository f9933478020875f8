import { createCleanup } from '../kit/cleanup.ts';
import { freePort } from '../kit/free-port.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { createTestCa } from '../kit/test-ca.ts';
import { createGates, type Gates } from './gates.ts';
import { otherSide, type Side, sideOf } from './sides.ts';

/** Some servers of ours and the other side, between which the network can be cut. */
export type WalledSides = AsyncDisposable & {
  ours: readonly TestServer[];
  /** All of them; the other side is the last. */
  sides: readonly Side[];
  gates: Pick<Gates, 'partition' | 'heal'>;
};

const { BLINKCHAT_INTEROP_TLS_PORT } = process.env;

/**
 * Whether the other side can be cut off: `BLINKCHAT_INTEROP_TLS_PORT` is where it really listens. Its name must be `localhost:<port>` with a port
 * where nobody listens: the scenes put a gate there.
 */
export const canCut = otherSide !== undefined && (otherSide === 'self' || BLINKCHAT_INTEROP_TLS_PORT !== undefined);
if (otherSide !== undefined && !canCut) console.info('BLINKCHAT_INTEROP_TLS_PORT is not set, and scenes that cut the network are skipped');

export async function startWalledSides(count: number): Promise<WalledSides> {
  const cleanup = createCleanup();
  return await cleanup.guard(async () => {
    const ca = cleanup.use(await createTestCa());
    const { certFile, keyFile } = await ca.issue(['localhost']);
    const ports: { name: string; port: number; tlsPort: number; address: string }[] = [];
    const isSelf = otherSide === 'self';
    for (let index = 0; index < count + (isSelf ? 1 : 0); index += 1) {
      const [port, tlsPort] = [await freePort(), await freePort()];
      ports.push({ name: `localhost:${port}`, port, tlsPort, address: `127.0.0.${index + 2}` });
    }
    const callers = new Map(ports.map(({ address, name }) => [address, name]));
    const gates = cleanup.use(createGates(callers, otherSide === undefined || otherSide === 'self' ? '' : otherSide.name));
    const ours: TestServer[] = [];
    for (const { name, port, tlsPort, address } of ports) {
      const config = { serverName: name, tlsPort, tlsCert: certFile, tlsKey: keyFile, outboundTlsVerify: false };
      ours.push(cleanup.use(await startServer({ callsFrom: address, config: { ...config, registrationSecret: 'of the house' } })));
      await gates.open(port, tlsPort, name);
    }
    const sides: Side[] = ours.map(sideOf);
    if (otherSide !== undefined && otherSide !== 'self') {
      await gates.open(Number(otherSide.name.split(':')[1]), Number(BLINKCHAT_INTEROP_TLS_PORT), otherSide.name);
      sides.push(otherSide);
    }
    return { ours, sides, gates, [Symbol.asyncDispose]: cleanup.run };
  });
}
