import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createCleanup } from './cleanup.ts';
import { freePort } from './free-port.ts';

const CADDYFILE = new URL('../../../Caddyfile', import.meta.url).pathname;
const PATIENCE_MS = 20_000;
const POLL_MS = 100;

/** Whether this machine has a Caddy to test with. */
export function hasCaddy(): boolean {
  return spawnSync('caddy', ['version']).status === 0;
}

export type Caddy = AsyncDisposable & {
  port: number;
  federationPort: number;
  /** Asks through Caddy; its certificate is its own and not checked. */
  get(
    path: string,
    port?: number,
    headers?: Record<string, string>,
  ): Promise<{ status: number; headers: Record<string, unknown>; body: string }>;
};

/** The repository's Caddyfile in a real Caddy, with certificates of its own. */
export async function startCaddy(upstream: { homeserver: string; bot: string }): Promise<Caddy> {
  const cleanup = createCleanup();
  const home = await mkdtemp(join(tmpdir(), 'bct-caddy-'));
  cleanup.defer(() => rm(home, { recursive: true, force: true }));
  const [port, federationPort, httpPort, adminPort] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const child = spawn('caddy', ['run', '--config', CADDYFILE, '--adapter', 'caddyfile'], {
    env: {
      ...process.env,
      HOME: home,
      XDG_DATA_HOME: home,
      XDG_CONFIG_HOME: home,
      BLINKCHAT_DOMAIN: 'localhost',
      BLINKCHAT_TLS: 'tls internal',
      BLINKCHAT_HTTPS_PORT: String(port),
      BLINKCHAT_FEDERATION_PORT: String(federationPort),
      BLINKCHAT_HTTP_PORT: String(httpPort),
      BLINKCHAT_CADDY_ADMIN: `localhost:${adminPort}`,
      BLINKCHAT_HOMESERVER: upstream.homeserver,
      BLINKCHAT_BOT: upstream.bot,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  cleanup.defer(() => end(child));

  const get: Caddy['get'] = (path, at = port, headers = {}) =>
    new Promise((resolve, reject) => {
      const asked = request({
        host: '127.0.0.1',
        port: at,
        path,
        headers: { host: 'localhost', ...headers },
        servername: 'localhost',
        rejectUnauthorized: false,
      });
      asked.on('error', reject);
      asked.on('response', (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks).toString() }),
        );
      });
      asked.end();
    });

  await cleanup.guard(async () => {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const answer = await get('/_matrix/client/versions').catch(() => undefined);
      if (answer !== undefined) return;
      if (Date.now() > deadline || child.exitCode !== null) throw new Error(`Caddy did not come up:\n${log}`);
      await delay(POLL_MS);
    }
  });
  return { port, federationPort, get, [Symbol.asyncDispose]: cleanup.run };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}
