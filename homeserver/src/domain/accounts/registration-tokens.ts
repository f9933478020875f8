import type { Clock } from '../../platform/clock.ts';
import { invalidParam, notFound } from '../../platform/matrix-error.ts';
import type { Random } from '../../platform/random.ts';
import type { Pool } from '../../storage/database.ts';
import {
  deleteRegistrationToken,
  insertRegistrationToken,
  listRegistrationTokens,
  type RegistrationTokenRow,
  updateRegistrationToken,
} from '../../storage/registration-tokens.ts';

type Bounds = { usesAllowed?: number | null | undefined; expiresAt?: number | null | undefined };

/** The tokens that let newcomers in. Those that name one throw M_NOT_FOUND. */
export type RegistrationTokens = {
  list(isValid: boolean | undefined): Promise<RegistrationTokenRow[]>;
  load(token: string): Promise<RegistrationTokenRow>;
  /** Made up, with so many characters, unless it is given. @throws M_INVALID_PARAM */
  create(wish: Bounds & { token?: string | undefined; length?: number | undefined }): Promise<RegistrationTokenRow>;
  update(token: string, bounds: Bounds): Promise<RegistrationTokenRow>;
  delete(token: string): Promise<void>;
};

const DEFAULT_LENGTH = 16;
const BITS_PER_CHARACTER = 6;
const MAX_TOKEN_BITS = 64 * BITS_PER_CHARACTER;

type Deps = { pool: Pool; clock: Clock; random: Random };

/** https://element-hq.github.io/synapse/latest/usage/administration/admin_api/registration_tokens.html */
export function createRegistrationTokens({ pool, clock, random }: Deps): RegistrationTokens {
  const unknown = (token: string) => notFound(`There is no registration token ${token.slice(0, 64)}`);

  async function load(token: string): Promise<RegistrationTokenRow> {
    const found = (await listRegistrationTokens(pool, clock.now())).find((each) => each.token === token);
    if (found === undefined) throw unknown(token);
    return found;
  }

  function check({ expiresAt }: Bounds): void {
    if (typeof expiresAt === 'number' && expiresAt < clock.now()) throw invalidParam('expiry_time must not be in the past');
  }

  return {
    list: (isValid) => listRegistrationTokens(pool, clock.now(), isValid),
    load,
    async create({ token: given, length = DEFAULT_LENGTH, usesAllowed, expiresAt }) {
      check({ expiresAt });
      const token = given ?? random.text(MAX_TOKEN_BITS).slice(0, length);
      const isNew = await insertRegistrationToken(pool, {
        token,
        usesAllowed: usesAllowed ?? undefined,
        expiresAt: expiresAt ?? undefined,
      });
      if (!isNew) throw invalidParam(`There is a token ${token} already`);
      return await load(token);
    },
    async update(token, bounds) {
      check(bounds);
      if (!(await updateRegistrationToken(pool, token, bounds))) throw unknown(token);
      return await load(token);
    },
    async delete(token) {
      if (!(await deleteRegistrationToken(pool, token))) throw unknown(token);
    },
  };
}
