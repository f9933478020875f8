import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import type { Route } from '../../src/edge/http/route.ts';
import { createServer, type Server, type Surroundings } from '../../src/server.ts';
import { openPool, type Pool } from '../../src/storage/database.ts';
import { createCleanup } from './cleanup.ts';
import { freePort } from './free-port.ts';
import { noteAnswer } from './operations.ts';
import { createTestDatabase } from './shared-postgres.ts';
import { testConfig } from './test-config.ts';
import { createNames, registerTestUser, type TestUser } from './test-user.ts';

export type TestServerOptions = Surroundings & {
  /** Settings that differ from the test kit's. */
  config?: Partial<Config>;
};

export type TestServer = AsyncDisposable & {
  /** Base URL over plain HTTP. */
  url: string;
  name: string;
  config: Config;
  /** Its database, for looking at what was stored. */
  sql: Pool;
  /** Every SQL statement since the start; empty it to count. */
  queries: string[];
  /** What it serves; nothing while it is stopped. */
  routes(): readonly Route[];
  /** One round of what is done every few minutes to keep the store of files small. */
  tendMedia(): Promise<void>;
  /** Signs up an account and gives a small client for it. A name that was given before gets a number: see `createNames`. */
  user(localpart: string): Promise<TestUser>;
  /** Stops in order and starts again, on the same data and the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

/** A homeserver, as `npm start` would put it together, in this process, with a database and a data folder of its own. */
export async function startServer({ config: settings = {}, ...surroundings }: TestServerOptions = {}): Promise<TestServer> {
  const cleanup = createCleanup();
  const database = cleanup.use(await createTestDatabase());
  const dataDir = await mkdtemp(join(tmpdir(), 'bct-data-'));
  cleanup.defer(() => rm(dataDir, { recursive: true, force: true }));
  const config = testConfig({ serverName: 'hs.test', dataDir, port: await freePort(), databaseUrl: database.url, ...settings });
  const sql = openPool(database.address, { maxConnections: 2 });
  cleanup.defer(() => sql.end({ timeout: 1 }));
  const queries: string[] = [];
  const start = () =>
    createServer(config, {
      onQuery: (query) => queries.push(query),
      onBadResponse: reportBadResponse,
      onAnswer: noteAnswer,
      ...surroundings,
    });
  let server: Server | undefined = await cleanup.guard(start);
  const url = `http://127.0.0.1:${config.port}`;

  const stop = async () => {
    await server?.stop();
    server = undefined;
  };
  const restart = async () => {
    await stop();
    server = await start();
  };
  cleanup.defer(stop);
  const nameOf = createNames();
  const user = (localpart: string) => registerTestUser(url, nameOf(localpart));
  const routes = () => server?.routes ?? [];
  const tendMedia = async () => await server?.tendMedia();
  return { url, name: config.serverName, config, sql, queries, routes, tendMedia, user, restart, stop, [Symbol.asyncDispose]: cleanup.run };
}

/** An answer that is not what its endpoint promises is a fault of ours, even where no test looks at it. */
function reportBadResponse(operation: string, fault: string): void {
  console.warn(`${operation} answers what its endpoint does not promise: ${fault}`);
}
