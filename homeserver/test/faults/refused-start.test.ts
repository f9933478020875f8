import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** Starts a homeserver that must end by itself. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { status, stdout, stderr };
}

test('a start with an option that there is not, or settings that are wrong, ends with what is wrong, each thing', () => {
  const option = start(['--prot', '8009']);
  expect(option.status).toBe(1);
  expect(option.stderr).toContain("'--prot'");
  expect(option.stderr).toContain('--help');

  const settings = start([], { BLINKCHAT_PORT: 'eighty', BLINKCHAT_GUESTS: 'perhaps' });
  expect(settings.status).toBe(1);
  expect(settings.stderr).toContain('BLINKCHAT_PORT');
  expect(settings.stderr).toContain('BLINKCHAT_GUESTS');
});

test('--help lists the settings and starts nothing', () => {
  const help = start(['--help']);
  expect(help).toMatchObject({ status: 0, stderr: '' });
  expect(help.stdout).toContain('BLINKCHAT_SERVER_NAME');
  expect(help.stdout).not.toContain('BlinkChat ready');
});
