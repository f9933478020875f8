import { expect, test } from 'vitest';
import { decodeRecoveryKey, encodeRecoveryKey } from './recovery-key.ts';
import { decryptSecret, describeKey, encryptSecret, isDescribedKey } from './secret-storage-cipher.ts';

const KEY = Uint8Array.from({ length: 32 }, (_, at) => at);

test('a recovery key reads as it was written, with any spacing, and a typing mistake is noticed', () => {
  const written = encodeRecoveryKey(KEY);
  // The example bytes of the specification, in its own words: 0x8B 0x01, the key, a parity byte, in base58.
  expect(written).toMatch(/^Es[A-Za-z0-9]{2} ([1-9A-Za-z]{4} )+[1-9A-Za-z]{1,4}$/);
  expect(decodeRecoveryKey(written)).toEqual(KEY);
  expect(decodeRecoveryKey(written.replaceAll(' ', ''))).toEqual(KEY);
  expect(decodeRecoveryKey(written.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a')))).toBeUndefined();
  expect(decodeRecoveryKey('not a key')).toBeUndefined();
});

test('a secret opens with its key and its name only', async () => {
  const encrypted = await encryptSecret(KEY, 'm.cross_signing.master', 'a rose');
  expect(await decryptSecret(KEY, 'm.cross_signing.master', encrypted)).toBe('a rose');
  expect(await decryptSecret(KEY, 'm.cross_signing.self_signing', encrypted)).toBeUndefined();
  expect(await decryptSecret(new Uint8Array(32), 'm.cross_signing.master', encrypted)).toBeUndefined();
});

test('a described key is told from another', async () => {
  const description = await describeKey(KEY);
  expect(await isDescribedKey(KEY, description)).toBe(true);
  expect(await isDescribedKey(new Uint8Array(32), description)).toBe(false);
});
