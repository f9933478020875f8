import { expect, test } from 'vitest';
import { AttachmentError, decryptAttachment, encryptAttachment } from './encrypt-attachment.ts';

const PLAINTEXT = new TextEncoder().encode('A picture of a balcony');

test('an encrypted file comes back as it was, and a changed one is refused', async () => {
  const { ciphertext, file } = await encryptAttachment(PLAINTEXT.buffer);
  const whole = { ...file, url: 'mxc://example.org/a' };
  expect(new Uint8Array(ciphertext)).not.toEqual(PLAINTEXT);
  expect(new Uint8Array(await decryptAttachment(ciphertext, whole))).toEqual(PLAINTEXT);

  const changed = new Uint8Array(ciphertext);
  changed[0] = (changed[0] ?? 0) ^ 1;
  await expect(decryptAttachment(changed.buffer, whole)).rejects.toThrow(AttachmentError);
});
