import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRegistrations } from './read-registrations.ts';

const registration = (changes: string) => `
id: irc
url: http://localhost:9999
as_token: secret
hs_token: other secret
sender_localpart: irc
namespaces:
  users: []
  rooms: []
  aliases: []
${changes}`;

test('what is wrong with any of the files is said at once, and the tokens are not', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'bct-registrations-'));
  const write = async (name: string, text: string) => {
    await writeFile(join(dir, name), text);
    return join(dir, name);
  };
  const whole = await write('whole.yaml', registration(''));
  await expect(readRegistrations([whole], 'hs.test')).resolves.toMatchObject([{ id: 'irc', senderId: '@irc:hs.test' }]);

  const files = [
    whole,
    await write('twice.yaml', registration('')),
    await write('broken.yaml', 'id: ['),
    await write('list.yaml', '- id'),
    await write('limits.yaml', registration('rate_limited: sometimes')),
    join(dir, 'missing.yaml'),
  ];
  const problem = await readRegistrations(files, 'hs.test').catch((error: unknown) => String(error));
  for (const part of [
    'broken.yaml cannot be read as YAML',
    'list.yaml is not a map',
    'limits.yaml has a rate_limited that is neither true nor false',
    'missing.yaml cannot be read as YAML: ENOENT',
    'the id irc is used by 2 registrations',
    'the same as_token is used by irc, irc',
    'the same sender_localpart is used by irc, irc',
  ])
    expect(problem).toContain(part);
  expect(problem).not.toContain('secret');
  await rm(dir, { recursive: true });
});
