import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Answer, callServer } from './test-user.ts';

type Json = Record<string, unknown>;

/** A call that the homeserver made to the application service. */
export type AppserviceCall = { method: string; path: string; query: URLSearchParams; authorization: string | undefined; body: Json };
export type Transaction = { txnId: string; events: Json[]; ephemeral: Json[]; toDevice: Json[]; body: Json };
type Reply = { status: number; body?: unknown };

export type TestAppservice = AsyncDisposable & {
  registration: Json;
  /** The registration's file. */
  file: string;
  /** Every call, in order. */
  calls: AppserviceCall[];
  /** Every transaction that was accepted, in order; a repetition of one is not listed again. */
  transactions: Transaction[];
  /** Every event of the accepted transactions. */
  events(): Json[];
  /** Decides what is answered, transactions included; undefined answers as an application service with nothing to say. */
  answer: ((call: AppserviceCall) => Reply | undefined | Promise<Reply | undefined>) | undefined;
  /** Waits until something holds; asked when a call comes and when it is answered. */
  until<T>(find: () => T | undefined | false, what: string): Promise<T>;
  /** Stops listening, as a service that is down; `listen` comes back on the same port. */
  hangUp(): Promise<void>;
  listen(): Promise<void>;
  /** Calls a homeserver with the as_token, as a user of the namespaces when one is named. */
  call(url: string, method: string, path: string, body?: unknown, as?: { userId?: string; deviceId?: string }): Promise<Answer>;
};

const UNTIL_TIMEOUT_MS = 20_000;

/** A small application service that speaks the protocol, and the file that registers it. */
export async function startAppservice(settings: Json = {}): Promise<TestAppservice> {
  const id = String(settings['id'] ?? 'irc');
  const dir = await mkdtemp(join(tmpdir(), 'bct-appservice-'));
  const calls: AppserviceCall[] = [];
  const transactions: Transaction[] = [];
  const waiters = new Set<() => void>();
  let server: Server | undefined;
  let port = 0;

  function wakeAll(): void {
    for (const wake of waiters) wake();
  }

  async function reply(call: AppserviceCall): Promise<Reply> {
    calls.push(call);
    wakeAll();
    const answer = await appservice.answer?.(call);
    const txnId = /^\/_matrix\/app\/v1\/transactions\/([^/]+)$/.exec(call.path)?.[1];
    if (txnId !== undefined && (answer === undefined || answer.status === 200)) {
      if (!transactions.some((seen) => seen.txnId === txnId)) transactions.push(readTransaction(txnId, call.body));
      return { status: 200, body: {} };
    }
    return answer ?? { status: 404, body: { errcode: 'M_NOT_FOUND' } };
  }

  async function listen(): Promise<void> {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', async () => {
        const url = new URL(request.url ?? '/', 'http://appservice.test');
        const text = Buffer.concat(chunks).toString();
        const { authorization } = request.headers;
        const call = { method: request.method ?? '', path: url.pathname, query: url.searchParams, authorization };
        const { status, body } = await reply({ ...call, body: text === '' ? {} : JSON.parse(text) });
        response
          .writeHead(status, { 'content-type': 'application/json' })
          .end(typeof body === 'string' ? body : JSON.stringify(body ?? {}));
        wakeAll();
      });
    });
    await new Promise<void>((resolve) => server?.listen(port, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  }

  async function hangUp(): Promise<void> {
    const closing = server;
    server = undefined;
    closing?.closeAllConnections();
    if (closing !== undefined) await new Promise<void>((resolve) => closing.close(() => resolve()));
  }

  await listen();
  const registration = {
    id,
    url: `http://127.0.0.1:${port}`,
    as_token: randomBytes(16).toString('hex'),
    hs_token: randomBytes(16).toString('hex'),
    sender_localpart: `${id}_bot`,
    namespaces: {
      users: [{ exclusive: true, regex: `@_${id}_.*:.*` }],
      aliases: [{ exclusive: true, regex: `#_${id}_.*:.*` }],
      rooms: [],
    },
    ...settings,
  };
  const file = join(dir, `${id}.yaml`);
  await writeFile(file, stringify(registration));

  const appservice: TestAppservice = {
    registration,
    file,
    calls,
    transactions,
    events: () => transactions.flatMap(({ events }) => events),
    answer: undefined,
    until: async (find, what) => {
      const deadline = Date.now() + UNTIL_TIMEOUT_MS;
      for (;;) {
        const found = find();
        if (found !== undefined && found !== false) return found as Exclude<typeof found, false | undefined>;
        const leftMs = deadline - Date.now();
        if (leftMs <= 0) throw new Error(`the application service never saw ${what}`);
        await new Promise<void>((resolve) => {
          const wake = () => {
            clearTimeout(timer);
            waiters.delete(wake);
            resolve();
          };
          const timer = setTimeout(wake, leftMs);
          waiters.add(wake);
        });
      }
    },
    hangUp,
    listen,
    call: (url, method, path, body, as = {}) => {
      const query = new URLSearchParams({
        ...(as.userId === undefined ? {} : { user_id: as.userId }),
        ...(as.deviceId === undefined ? {} : { device_id: as.deviceId }),
      });
      const separator = path.includes('?') ? '&' : '?';
      return callServer(url, method, `${path}${query.size === 0 ? '' : separator}${query}`, body, registration.as_token);
    },
    [Symbol.asyncDispose]: async () => {
      await hangUp();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return appservice;
}

function readTransaction(txnId: string, body: Json): Transaction {
  const list = (key: string) => (body[key] ?? []) as Json[];
  return {
    txnId,
    events: list('events'),
    ephemeral: [...list('ephemeral'), ...list('de.sorunome.msc2409.ephemeral')],
    toDevice: list('de.sorunome.msc2409.to_device'),
    body,
  };
}
