import type { Logger } from '../../../platform/logger.ts';
import type { RemoteStanding } from '../../rooms/remote-standing.ts';
import type { IsUnreachable } from '../circuit-breaker.ts';
import type { FederationClient } from '../federation-client.ts';
import type { SignMembership } from './complete-template.ts';

/** What it takes to change a user's membership of a room by way of the servers that are in it. */
export type RemoteMembershipDeps = SignMembership & {
  client: FederationClient;
  isUnreachable: IsUnreachable;
  logger: Logger;
  standing: RemoteStanding;
};
