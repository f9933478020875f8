import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestCa, type TestCa } from '../test/kit/test-ca.ts';

const MAIN = new URL('../src/main.ts', import.meta.url).pathname;
const READY = /BlinkChat ready: (\S+)/;

export type OwnServer = {
  url: string;
  /** Its name among servers: it is reached there by TLS. */
  name: string;
  /** The most memory it has held, in megabytes; undefined where the system does not tell. */
  peakMegabytes: () => Promise<number | undefined>;
  /** Ends it, keeping what it stored. */
  pause: () => Promise<void>;
  resume: () => Promise<void>;
  stop: () => Promise<void>;
};

/** An authority that servers of a benchmark trust. */
export type Authority = TestCa;
export const createAuthority: () => Promise<Authority> = createTestCa;

/** A homeserver of this checkout, with its embedded PostgreSQL and fsync on, in a folder that goes away with it; `port + 1` is its TLS port. */
export async function startOwnServer(port: number, authority: Authority): Promise<OwnServer> {
  const folder = await mkdtemp(join(tmpdir(), 'bcb-'));
  await chmod(folder, 0o711); // PostgreSQL runs as another user when we are root
  const { certFile, keyFile } = await authority.issue(['localhost', '127.0.0.1']);
  const name = `localhost:${port + 1}`;
  const env = {
    ...process.env,
    BLINKCHAT_DATA_DIR: folder,
    BLINKCHAT_PORT: String(port),
    BLINKCHAT_SERVER_NAME: name,
    BLINKCHAT_TLS_PORT: String(port + 1),
    BLINKCHAT_TLS_CERT: certFile,
    BLINKCHAT_TLS_KEY: keyFile,
    BLINKCHAT_OUTBOUND_CA: authority.caFile,
    BLINKCHAT_OUTBOUND_ALLOW: '127.0.0.0/8,::1/128',
    BLINKCHAT_REGISTRATION: 'open',
    BLINKCHAT_RATE_LIMITS: 'off',
    BLINKCHAT_PASSWORD_COST: '4',
    BLINKCHAT_LOG_LEVEL: 'error',
  };
  let running = await startProcess(env);
  const pause = async () => {
    const ended = new Promise<void>((resolve) => running.child.once('exit', () => resolve()));
    running.child.kill('SIGTERM');
    await ended;
  };
  return {
    url: running.url,
    name,
    pause,
    peakMegabytes: async () => {
      const status = await readFile(`/proc/${running.child.pid}/status`, 'utf8').catch(() => '');
      const kilobytes = /VmHWM:\s+(\d+)/.exec(status)?.[1];
      return kilobytes === undefined ? undefined : Math.round(Number(kilobytes) / 1024);
    },
    resume: async () => {
      running = await startProcess(env);
    },
    stop: async () => {
      await pause();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startProcess(env: NodeJS.ProcessEnv): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise<string>((resolve, reject) => {
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      const ready = READY.exec(printed)?.[1];
      if (ready !== undefined) resolve(ready);
    });
    child.once('exit', (code) => reject(new Error(`the homeserver ended with ${code} before it was ready`)));
  });
  return { child, url };
}
