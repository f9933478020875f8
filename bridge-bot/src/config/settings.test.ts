import { expect, test } from 'vitest';
import { describeSettings, readSettings } from './settings.ts';

test('every wrong setting is named at once', () => {
  const read = readSettings({ BLINKCHAT_BOT_HOMESERVER: 'example.org', BLINKCHAT_BOT_PORT: 'eighty', BLINKCHAT_BOT_PASWORD: 'x' });
  expect(read).toMatchObject({ ok: false });
  const text = read.ok ? '' : read.problems.join('\n');
  for (const name of ['_HOMESERVER', '_PORT', '_PASWORD', '_PASSWORD or']) expect(text).toContain(name);
});

test('the public URL follows the port, and an empty variable counts as unset', () => {
  const read = readSettings({
    BLINKCHAT_BOT_PASSWORD: 'x',
    BLINKCHAT_BOT_PORT: '9000',
    BLINKCHAT_BOT_PUBLIC_URL: '',
    BLINKCHAT_BOT_ALLOW: '@a:b, c',
  });
  expect(read).toMatchObject({
    ok: true,
    settings: { publicUrl: 'http://localhost:9000', allow: ['@a:b', 'c'], homeserver: 'http://localhost:8008' },
  });
  expect(describeSettings()).toContain('BLINKCHAT_BOT_DATA_DIR');
});
