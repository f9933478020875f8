import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemRandom } from '../platform/random.ts';
import { loadSecrets, rotateSigningKey } from './secrets.ts';

test('secrets that were made before browsers were pushed to get a key for that, and keep everything else', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'bct-secrets-'));
  const file = join(dir, 'secrets.json');
  const made = await loadSecrets(dir, systemRandom);
  const { vapid_key: _later, ...earlier } = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify(earlier));

  const completed = await loadSecrets(dir, systemRandom);
  expect(completed).toEqual({ ...made, vapidKey: completed.vapidKey });
  expect(completed.vapidKey).not.toEqual(made.vapidKey);
  expect(await loadSecrets(dir, systemRandom)).toEqual(completed);
  await rm(dir, { recursive: true, force: true });
});

test('a new signing key leaves the old one for what it signed', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'bct-secrets-'));
  const before = await loadSecrets(dir, systemRandom);
  const keyId = await rotateSigningKey(dir, { random: systemRandom, now: 1_000 });
  const after = await loadSecrets(dir, systemRandom);
  expect(after.signingKey).toMatchObject({ keyId });
  expect(after.signingKey.seed).not.toEqual(before.signingKey.seed);
  expect(after.oldSigningKeys).toEqual([{ ...before.signingKey, expiredTs: 1_000 }]);
  expect({ ...after, signingKey: before.signingKey, oldSigningKeys: [] }).toEqual(before);
  await rm(dir, { recursive: true, force: true });
});
