import { createCleanup } from './cleanup.ts';
import { freePort } from './free-port.ts';
import { startServer, type TestServer } from './start-server.ts';
import { type ServerProcess, startServerProcess } from './start-server-process.ts';
import { createTestCa } from './test-ca.ts';
import type { TestUser } from './test-user.ts';

/** Two servers that federate, the second in a process of its own, which can be killed; one person on each, in one room. */
export type MortalPair = AsyncDisposable & { a: TestServer; b: ServerProcess; romeo: TestUser; juliet: TestUser; roomId: string };

export async function startMortalPair(): Promise<MortalPair> {
  const cleanup = createCleanup();
  const ca = cleanup.use(await createTestCa());
  const { certFile, keyFile } = await ca.issue(['localhost', '127.0.0.1']);
  const [portA, portB] = [await freePort(), await freePort()];
  const tls = { tlsCert: certFile, tlsKey: keyFile, outboundCa: ca.caFile };
  const a = cleanup.use(await cleanup.guard(() => startServer({ config: { serverName: `localhost:${portA}`, tlsPort: portA, ...tls } })));
  const env = {
    BLINKCHAT_SERVER_NAME: `localhost:${portB}`,
    BLINKCHAT_TLS_PORT: String(portB),
    BLINKCHAT_TLS_CERT: certFile,
    BLINKCHAT_TLS_KEY: keyFile,
    BLINKCHAT_OUTBOUND_CA: ca.caFile,
  };
  const b = cleanup.use(await cleanup.guard(() => startServerProcess({ env })));
  const romeo = await a.user('romeo');
  const juliet = await b.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId, { via: [a.name] });
  return { a, b, romeo, juliet, roomId, [Symbol.asyncDispose]: cleanup.run };
}
