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
const TEN_SECONDS_MS = 10_000;
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

/** This machine's environment (its proxies and certificates), less what the test runner and npm put there for themselves. */
function withoutTestRunner(env: NodeJS.ProcessEnv): Record<string, string> {
  const own = /^(?:NODE_OPTIONS|NODE_ENV|DEV|PROD|MODE|TEST|VITEST.*|BLINKCHAT_.*|npm_(?!config_).*)$/;
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined || own.test(name) ? [] : [[name, value]])));
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

/** Ends npm. The server may outlive it for a moment: the shell between them does not pass the signal on. */
async function end(npm: ChildProcess, signal: 'SIGTERM' | 'SIGKILL', url: string): Promise<void> {
  const exit = once(npm, 'exit');
  npm.kill(signal);
  await exit;
  await expect.poll(() => answers(url), { timeout: TEN_SECONDS_MS }).toBe(false);
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url).then(
    () => true,
    () => false,
  );
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
    ...withoutTestRunner(process.env),
    PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`,
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
    await end(first.npm, 'SIGTERM', url);

    const second = await start();
    await expect(logInTestUser(url, 'romeo')).resolves.toMatchObject({ id: romeo.id });
    second.npm.kill('SIGKILL'); // and no waiting: the next one has to

    const third = await start();
    await expect(logInTestUser(url, 'romeo')).resolves.toMatchObject({ id: romeo.id });
    await end(third.npm, 'SIGTERM', url);
  } finally {
    for (const npm of running) if (npm.exitCode === null && npm.signalCode === null) await end(npm, 'SIGTERM', url);
    await rm(folder, { recursive: true, force: true });
  }
});
