import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { Logger } from '../../../platform/logger.ts';
import { forbidden, notFound } from '../../../platform/matrix-error.ts';
import type { ProvenInvite, RedeemInvite } from '../../rooms/third-party/redeem-invite.ts';

/** Most invites of one notice. */
const MAX_INVITES = 50;

/** An identity server says that an address now belongs to one of our users, to whom invites were sent there. */
export type ReceiveBinding = (userId: string, invites: readonly ProvenInvite[]) => Promise<void>;

type Deps = Pick<RedeemInvite, 'redeem'> & { hasAccount: (userId: string) => Promise<boolean>; serverName: string; logger: Logger };

/**
 * Anybody can call this: what is said is believed only as far as each invite proves it. An invite that cannot be redeemed harms no other.
 * https://spec.matrix.org/latest/server-server-api/#put_matrixfederationv13pidonbind
 */
export function createReceiveBinding({ redeem, hasAccount, serverName, logger }: Deps): ReceiveBinding {
  return async (userId, invites) => {
    if (serverNameOf(userId) !== serverName || !(await hasAccount(userId))) throw notFound('There is no such user here');
    if (invites.some((invite) => invite.target !== userId)) throw forbidden('The invites are for somebody else');
    for (const invite of invites.slice(0, MAX_INVITES)) {
      await redeem(invite).catch((error: unknown) => {
        logger.info({ roomId: invite.roomId, userId, err: error }, 'an invite by address could not be redeemed');
      });
    }
  };
}
