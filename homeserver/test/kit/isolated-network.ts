import type { E2eeNetwork } from '../../src/domain/e2ee/create-e2ee.ts';
import type { RoomNetwork } from '../../src/domain/rooms/room-network.ts';
import { forbidden, notFound } from '../../src/platform/matrix-error.ts';

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

/** The same for keys and messages to devices. */
export function createIsolatedE2eeNetwork(): E2eeNetwork {
  const refuse = () => Promise.reject(new Error('this server does not federate'));
  return { queryRemoteKeys: refuse, claimRemoteKeys: refuse, fetchRemoteDevices: refuse };
}
