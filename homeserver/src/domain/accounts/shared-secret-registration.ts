import { createHmac } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';
import { forbidden, invalidParam, unknown } from '../../platform/matrix-error.ts';
import type { Random } from '../../platform/random.ts';
import { isSameDigest } from './hash-token.ts';
import type { PasswordHasher } from './password-hasher.ts';
import type { Register, Registered } from './register.ts';
import { userIdForName } from './user-names.ts';

/**
 * Registration by whoever knows the server's registration secret, as Synapse's administration tools do it.
 * https://element-hq.github.io/synapse/latest/admin_api/register_api.html
 */
export type SharedSecretRegistration = {
  /** A nonce that is good once, for a minute. */
  createNonce(): string;
  /** @throws M_FORBIDDEN when the MAC is wrong, M_UNKNOWN when the nonce is, M_USER_IN_USE */
  register(request: SharedSecretRequest): Promise<Registered>;
};

export type SharedSecretRequest = {
  nonce: string;
  username: string;
  password: string;
  admin?: boolean | undefined;
  displayname?: string | undefined;
  userType?: string | undefined;
  /** HMAC-SHA1 with the secret over nonce, user name, password and `admin` or `notadmin`, with NUL between them; in hex. */
  mac: string;
  inhibitLogin?: boolean | undefined;
};

const NONCE_LIFETIME_MS = 60_000;
const MAX_NONCES = 1_000;
const NONCE_BITS = 256;
const MAX_PASSWORD_CHARACTERS = 512;

type Deps = { secret: string; register: Register; passwordHasher: PasswordHasher; serverName: string; clock: Clock; random: Random };

export function createSharedSecretRegistration(deps: Deps): SharedSecretRegistration {
  const { secret, register, passwordHasher, serverName, clock, random } = deps;
  const nonces = new Map<string, number>();

  function takeNonce(nonce: string): void {
    const madeAt = nonces.get(nonce);
    nonces.delete(nonce);
    if (madeAt === undefined || clock.now() - madeAt > NONCE_LIFETIME_MS)
      throw unknown('The nonce is unknown or has expired. Ask for a new one.');
  }

  return {
    createNonce() {
      const oldest = nonces.keys().next();
      if (nonces.size >= MAX_NONCES && !oldest.done) nonces.delete(oldest.value);
      const nonce = random.text(NONCE_BITS);
      nonces.set(nonce, clock.now());
      return nonce;
    },
    async register({ nonce, username, password, displayname, admin = false, userType, mac, inhibitLogin }) {
      takeNonce(nonce);
      if ([username, password].some((text) => text.includes('\u0000'))) throw invalidParam('Neither name nor password may contain NUL');
      if (password.length > MAX_PASSWORD_CHARACTERS) throw invalidParam(`A password has at most ${MAX_PASSWORD_CHARACTERS} characters`);
      const parts = [nonce, username, password, admin ? 'admin' : 'notadmin', ...(userType === undefined ? [] : [userType])];
      const expected = createHmac('sha1', secret).update(parts.join('\u0000')).digest();
      if (!isSameDigest(expected, Buffer.from(mac, 'hex'))) throw forbidden('The MAC is wrong');

      const userId = userIdForName(username.toLowerCase(), serverName);
      const passwordHash = await passwordHasher.hash(password);
      return await register.createAccount({
        userId,
        passwordHash,
        isAdmin: admin,
        displayName: displayname,
        session: inhibitLogin === true ? undefined : {},
      });
    },
  };
}
