import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { freePort } from '../kit/free-port.ts';
import { callServer, logInTestUser, registerTestUser } from '../kit/test-user.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const TEN_MINUTES_MS = 600_000;
const run = promisify(execFile);

/** A folder to put first in PATH: Node 20, as a stock machine may have it, and npm. */
async function stockMachine(folder: string): Promise<string> {
  const { stdout: node } = await run('npx', ['-y', '-p', 'node@20', 'node', '-p', 'process.execPath']);
  const { stdout: npm } = await run('sh', ['-c', 'command -v npm; command -v npx']);
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await symlink(node.trim(), join(bin, 'node'));
  for (const path of npm.trim().split('\n')) await symlink(await realpath(path), join(bin, path.slice(dirname(path).length + 1)));
  return bin;
}

type Started = { npm: ChildProcess; readyLine: string };

async function npmStart(clone: string, env: Record<string, string>): Promise<Started> {
  const npm = spawn('npm', ['start'], { cwd: clone, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  npm.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  for await (const line of createInterface({ input: npm.stdout })) {
    if (line.startsWith('BlinkChat ready:')) {
      npm.stdout.resume();
      return { npm, readyLine: line };
    }
  }
  throw new Error(`npm start ended before it was ready:\n${said}`);
}

async function end(npm: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<number> {
  const toldAt = Date.now();
  const exit = once(npm, 'exit');
  npm.kill(signal);
  await exit;
  return Date.now() - toldAt;
}

test('a bare clone serves the client with one command, stops when told, and keeps its data through SIGTERM and SIGKILL', {
  timeout: TEN_MINUTES_MS,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bct-clone-'));
  await chmod(folder, 0o755);
  const clone = join(folder, 'blinkchat');
  await run('git', ['clone', '--quiet', REPOSITORY, clone]);
  const bin = await stockMachine(folder);
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const env = {
    PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`,
    HOME: process.env['HOME'] ?? folder,
    CI: 'true',
    BLINKCHAT_PORT: String(port),
    BLINKCHAT_REGISTRATION: 'open',
  };
  const running: ChildProcess[] = [];
  const start = async () => {
    const started = await npmStart(clone, env);
    running.push(started.npm);
    return started;
  };

  try {
    const first = await start();
    expect(first.readyLine).toBe(`BlinkChat ready: ${url}`);
    const page = await fetch(url);
    expect(page.headers.get('content-type')).toContain('text/html');
    await expect(callServer(url, 'GET', '/_matrix/client/versions')).resolves.toMatchObject({ status: 200 });
    const romeo = await registerTestUser(url, 'romeo');
    expect(await end(first.npm, 'SIGTERM')).toBeLessThan(10_000);
    await expect(fetch(url)).rejects.toThrow();

    const second = await start();
    await expect(logInTestUser(url, 'romeo')).resolves.toMatchObject({ id: romeo.id });
    await end(second.npm, 'SIGKILL');

    const third = await start();
    await expect(logInTestUser(url, 'romeo')).resolves.toMatchObject({ id: romeo.id });
    expect(await end(third.npm, 'SIGTERM')).toBeLessThan(10_000);
  } finally {
    for (const npm of running) if (npm.exitCode === null && npm.signalCode === null) await end(npm, 'SIGTERM');
    await rm(folder, { recursive: true, force: true });
  }
});
