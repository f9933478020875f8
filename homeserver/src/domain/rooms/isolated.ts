import { forbidden, notFound } from '../../platform/matrix-error.ts';
import type { ResolveRemoteAlias } from '../directory/aliases.ts';
import type { QueryRemotePublicRooms } from '../directory/public-rooms.ts';
import type { QueryRemoteSpace } from '../directory/remote-spaces.ts';
import type { FetchHistory } from './fetch-history.ts';
import type { TakeIn } from './invite-user.ts';
import type { AskPolicyServer } from './policy/policy-server.ts';
import type { RemoteRooms } from './remote-rooms.ts';
import type { IdentityServers } from './third-party/identity-servers.ts';
import type { ExchangeInvite } from './third-party/redeem-invite.ts';

/** What rooms need of other servers. */
export type RoomNetwork = {
  remote: RemoteRooms;
  fetchHistory: FetchHistory;
  resolveRemoteAlias: ResolveRemoteAlias;
  queryRemotePublicRooms: QueryRemotePublicRooms;
  queryRemoteSpace: QueryRemoteSpace;
  identity: IdentityServers;
  exchangeInvite: ExchangeInvite;
  askPolicyServer: AskPolicyServer;
  /** What the event builds upon may have to be asked for. */
  takeIn: TakeIn;
};

/** The network of a server that federates with nobody: its rooms are its own. */
export function createIsolatedNetwork(): RoomNetwork {
  const refuse = (): Promise<never> => Promise.reject(forbidden('This server does not federate, and the room is not here.'));
  return {
    remote: { join: refuse, knock: refuse, leave: refuse, invite: refuse },
    fetchHistory: () => Promise.resolve(false),
    queryRemotePublicRooms: refuse,
    queryRemoteSpace: () => Promise.resolve(undefined),
    identity: { lookup: refuse, storeInvite: refuse, isKeyValid: refuse },
    exchangeInvite: refuse,
    askPolicyServer: refuse,
    takeIn: refuse,
    resolveRemoteAlias: (alias) => Promise.reject(notFound(`This server does not federate, and ${alias} is not one of its own.`)),
  };
}
