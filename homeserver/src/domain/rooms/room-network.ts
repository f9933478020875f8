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
