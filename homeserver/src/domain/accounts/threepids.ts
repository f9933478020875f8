import type { Clock } from '../../platform/clock.ts';
import { threepidInUse } from '../../platform/matrix-error.ts';
import type { Pool, Sql } from '../../storage/database.ts';
import { deleteThreepid, insertThreepid, listThreepids, type Threepid } from '../../storage/threepids.ts';
import type { Requester } from './requester.ts';
import type { RequireProof } from './uia.ts';
import { PASSWORD_STAGE } from './uia-stages.ts';
import { type EmailValidations, finishEmailValidation } from './validate-email.ts';

/** https://spec.matrix.org/latest/client-server-api/#adding-account-administrative-contact-information */
export type Threepids = {
  list(userNid: number): Promise<Threepid[]>;
  /** Adds an address proven by mail to the requester's account, after proof. @throws M_THREEPID_AUTH_FAILED, M_THREEPID_IN_USE */
  add(requester: Requester, proof: { sid: string; clientSecret: string; auth: unknown }): Promise<void>;
  /** The same without: the caller has had it. */
  addProven(userNid: number, proof: { sid: string; clientSecret: string }): Promise<void>;
  remove(userNid: number, medium: string, address: string): Promise<void>;
};

type Deps = { pool: Pool; requireProof: RequireProof; emailValidations: EmailValidations; clock: Clock };

export function createThreepids({ pool, requireProof, emailValidations, clock }: Deps): Threepids {
  async function bind(sql: Sql, userNid: number, { sid, clientSecret }: { sid: string; clientSecret: string }): Promise<void> {
    const spentOn = `account ${userNid}`;
    const { address, validatedAt } = await emailValidations.take(sql, { sid, clientSecret, purpose: 'add-address', spentOn });
    const bound = await insertThreepid(sql, { userNid, medium: 'email', address, validatedAt, addedAt: clock.now() });
    if (!bound) throw threepidInUse('The e-mail address belongs to an account already');
    await finishEmailValidation(sql, sid);
  }

  return {
    list: (userNid) => listThreepids(pool, userNid),
    async add(requester, { sid, clientSecret, auth }) {
      const body = { sid, clientSecret };
      const pass = await requireProof({ operation: 'add3PID', requester, body, auth, flows: [[PASSWORD_STAGE]] });
      await pool.begin(async (sql) => {
        await pass.finish(sql);
        await bind(sql, requester.userNid, { sid, clientSecret });
      });
    },
    addProven: async (userNid, proof) => void (await pool.begin((sql) => bind(sql, userNid, proof))),
    remove: (userNid, medium, address) => deleteThreepid(pool, userNid, medium, medium === 'email' ? address.toLowerCase() : address),
  };
}
