import { describe, expect, test } from 'vitest';
import { describeSettings, readEnv } from './read-env.ts';
import { SETTINGS } from './settings.ts';

function read(env: Record<string, string>) {
  const result = readEnv(env);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.config;
}

function problemsOf(env: Record<string, string>): string[] {
  const result = readEnv(env);
  return result.ok ? [] : result.problems;
}

describe('settings', () => {
  test('have a default for everything that a first start needs', () => {
    expect(read({})).toMatchObject({
      serverName: 'localhost:8008',
      publicUrl: 'http://localhost:8008',
      host: '127.0.0.1',
      port: 8008,
      dataDir: './data',
      registration: 'email',
      rateLimits: true,
      maxUploadBytes: 104_857_600,
      trustedProxies: ['127.0.0.0/8', '::1/128'],
      federation: ['on'],
    });
    expect(read({}).databaseUrl).toBeUndefined();
  });

  test('an empty variable counts as unset', () => {
    expect(read({ DATABASE_URL: '', BLINKCHAT_PORT: '' })).toMatchObject({ port: 8008 });
  });

  test('the public URL follows the port unless it is given', () => {
    expect(read({ BLINKCHAT_PORT: '9000' }).publicUrl).toBe('http://localhost:9000');
    expect(read({ BLINKCHAT_PORT: '9000', BLINKCHAT_PUBLIC_URL: 'https://chat.example.org/' }).publicUrl).toBe('https://chat.example.org');
  });

  test('all wrong ones are named at once, with what would be right', () => {
    const problems = problemsOf({
      BLINKCHAT_PORT: '70000',
      BLINKCHAT_GUESTS: 'yes',
      BLINKCHAT_SERVER_NAME: 'https://example.org',
      BLINKCHAT_TRUSTED_PROXIES: '10.0.0.0/8, nonsense',
      BLINKCHAT_REGISTRATON: 'open',
      BLINKCHAT_TLS_PORT: '8448',
    });
    expect(problems).toEqual([
      'BLINKCHAT_REGISTRATON is not a setting of the homeserver; --help lists them',
      'BLINKCHAT_SERVER_NAME must be a server name, such as example.org or example.org:8448; it is "https://example.org"',
      'BLINKCHAT_PORT must be a whole number from 0 to 65535; it is "70000"',
      'BLINKCHAT_GUESTS must be on or off; it is "yes"',
      expect.stringContaining('wrong: nonsense'),
      'BLINKCHAT_TLS_PORT, BLINKCHAT_TLS_CERT, BLINKCHAT_TLS_KEY go together; BLINKCHAT_TLS_CERT, BLINKCHAT_TLS_KEY are not set',
    ]);
  });

  test('a bare address is a range of one', () => {
    expect(read({ BLINKCHAT_OUTBOUND_ALLOW: '10.1.2.3, fd00::1, 192.168.0.0/16' }).outboundAllow).toEqual([
      '10.1.2.3/32',
      'fd00::1/128',
      '192.168.0.0/16',
    ]);
  });

  test('--help lists every one of them', () => {
    const help = describeSettings();
    for (const { variable } of Object.values(SETTINGS)) expect(help).toContain(variable);
  });
});
