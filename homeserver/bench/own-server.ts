import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = new URL('../src/main.ts', import.meta.url).pathname;
const READY = /BlinkChat ready: (\S+)/;

export type OwnServer = { url: string; stop: () => Promise<void> };

/** A homeserver of this checkout, with its embedded PostgreSQL and fsync on, in a folder that goes away with it. */
export async function startOwnServer(port: number): Promise<OwnServer> {
  const folder = await mkdtemp(join(tmpdir(), 'bcb-'));
  await chmod(folder, 0o711); // PostgreSQL runs as another user when we are root
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...process.env,
      BLINKCHAT_DATA_DIR: folder,
      BLINKCHAT_PORT: String(port),
      BLINKCHAT_SERVER_NAME: `localhost:${port}`,
      BLINKCHAT_REGISTRATION: 'open',
      BLINKCHAT_RATE_LIMITS: 'off',
      BLINKCHAT_PASSWORD_COST: '4',
      BLINKCHAT_LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      const ready = READY.exec(printed)?.[1];
      if (ready !== undefined) resolve(ready);
    });
    child.once('exit', (code) => reject(new Error(`the homeserver ended with ${code} before it was ready`)));
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  return { url, stop };
}
