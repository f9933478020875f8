import { createPrivateKey, createPublicKey } from 'node:crypto';
import { compactVerify, errors, SignJWT } from 'jose';
import type { Random } from '../../platform/random.ts';

/** Makes and checks access tokens: JWTs signed with a key that signs nothing else. */
export type AccessTokens = {
  sign(claims: { userId: string; deviceId: string; issuedAt: number; expiresAt: number | undefined }): Promise<string>;
  /** Whether we made this token. Whether it is still good, only the pool knows. */
  isOurs(accessToken: string): Promise<boolean>;
};

const ALGORITHM = 'EdDSA';
/** Far above what we make (about 350); anything longer is not looked at. */
const MAX_TOKEN_CHARACTERS = 2048;
const ID_BITS = 128;

/** What stands before the 32 bytes of a seed in an Ed25519 private key in PKCS #8 (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** @param seed 32 bytes, the Ed25519 seed of the tokens' key */
export function createAccessTokens({ seed, serverName, random }: { seed: Uint8Array; serverName: string; random: Random }): AccessTokens {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey);

  return {
    async sign({ userId, deviceId, issuedAt, expiresAt }) {
      const token = new SignJWT({ did: deviceId })
        .setProtectedHeader({ alg: ALGORITHM })
        .setIssuer(serverName)
        .setSubject(userId)
        .setJti(random.text(ID_BITS))
        .setIssuedAt(Math.floor(issuedAt / 1000));
      if (expiresAt !== undefined) token.setExpirationTime(Math.floor(expiresAt / 1000));
      return await token.sign(privateKey);
    },
    async isOurs(accessToken) {
      if (accessToken.length > MAX_TOKEN_CHARACTERS) return false;
      try {
        await compactVerify(accessToken, publicKey, { algorithms: [ALGORITHM] });
        return true;
      } catch (error) {
        if (error instanceof errors.JOSEError) return false;
        throw error;
      }
    },
  };
}
