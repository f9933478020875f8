import type { Config } from '../../src/config/config.ts';
import type { Surroundings } from '../../src/server.ts';
import { createCleanup } from './cleanup.ts';
import { freePort } from './free-port.ts';
import { startServer, type TestServer } from './start-server.ts';
import { createTestCa, type TestCa } from './test-ca.ts';
import type { TestUser } from './test-user.ts';

export type TestServersOptions = Surroundings & {
  config?: Partial<Config>;
  /** The host names of the servers, by index, where they must differ: all are this machine. */
  hosts?: readonly ('localhost' | '127.0.0.1')[];
  /** An authority that others trust too; otherwise one is made. */
  ca?: TestCa;
};

export type TestServers = AsyncDisposable & {
  list: readonly TestServer[];
  ca: TestCa;
  /** The server of this index. */
  at(index: number): TestServer;
  /** Signs up an account on the server of this index. */
  user(localpart: string, index: number): Promise<TestUser>;
};

/**
 * Homeservers that federate over real TLS, with certificates of one test authority. Their names are `localhost:<TLS port>` unless `hosts` says otherwise, which
 * server discovery resolves like any name with a port.
 */
export async function startServers(
  count: number,
  { config = {}, hosts = [], ca: given, ...surroundings }: TestServersOptions = {},
): Promise<TestServers> {
  const cleanup = createCleanup();
  const list: TestServer[] = [];
  const ca = given ?? cleanup.use(await createTestCa());
  await cleanup.guard(async () => {
    const { certFile, keyFile } = await ca.issue(['localhost', '127.0.0.1']);
    for (let index = 0; index < count; index += 1) {
      const tlsPort = await freePort();
      const settings = {
        serverName: `${hosts[index] ?? 'localhost'}:${tlsPort}`,
        tlsPort,
        tlsCert: certFile,
        tlsKey: keyFile,
        outboundCa: ca.caFile,
        ...config,
      };
      list.push(cleanup.use(await startServer({ ...surroundings, config: settings })));
    }
  });
  const at = (index: number): TestServer => {
    const server = list[index];
    if (server === undefined) throw new RangeError(`there are ${count} servers; there is no number ${index}`);
    return server;
  };
  const user = (localpart: string, index: number) => at(index).user(localpart);
  return { list, ca, at, user, [Symbol.asyncDispose]: cleanup.run };
}
