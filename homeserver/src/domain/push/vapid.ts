import { createECDH, createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Clock } from '../../platform/clock.ts';

/** How long a signed statement holds; push services refuse more than a day. */
const LIFETIME_S = 43_200;
const COORDINATE_BYTES = 32;

export type Vapid = {
  /** The key a browser subscribes with: an uncompressed P-256 point, in unpadded URL-safe base64. */
  publicKey: string;
  /** The `Authorization` header for a push service, by its origin. */
  authorize: (origin: string) => Promise<string>;
};

/**
 * Says to push services who we are, so that only we can push to those who subscribed with our key.
 * `subject` is whom to write to: a mailto: or https: address. https://www.rfc-editor.org/rfc/rfc8292
 */
export function createVapid({ key, subject, clock }: { key: Uint8Array; subject: string; clock: Clock }): Vapid {
  const pair = createECDH('prime256v1');
  pair.setPrivateKey(key);
  const point = pair.getPublicKey();
  const x = point.subarray(1, 1 + COORDINATE_BYTES).toString('base64url');
  const y = point.subarray(1 + COORDINATE_BYTES).toString('base64url');
  const privateKey = createPrivateKey({
    format: 'jwk',
    key: { kty: 'EC', crv: 'P-256', x, y, d: Buffer.from(key).toString('base64url') },
  });
  const publicKey = point.toString('base64url');
  return {
    publicKey,
    authorize: async (origin) => {
      const token = await new SignJWT({ aud: origin, sub: subject, exp: Math.floor(clock.now() / 1_000) + LIFETIME_S })
        .setProtectedHeader({ typ: 'JWT', alg: 'ES256' })
        .sign(privateKey);
      return `vapid t=${token}, k=${publicKey}`;
    },
  };
}
