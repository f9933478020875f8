import type { RoomNetwork } from './room-network.ts';

/** The network that rooms are made with before what talks to other servers, which needs the rooms, is there. */
export type LateNetwork = {
  network: RoomNetwork;
  /** Must be called before anything is asked of the network. */
  connect: (network: RoomNetwork) => void;
};

export function createLateNetwork(): LateNetwork {
  let connected: RoomNetwork | undefined;
  const now = (): RoomNetwork => {
    if (connected === undefined) throw new Error('the network was used before it was connected');
    return connected;
  };
  return {
    network: {
      remote: {
        join: (request) => now().remote.join(request),
        knock: (request) => now().remote.knock(request),
        leave: (request) => now().remote.leave(request),
        invite: (room, event, eventId) => now().remote.invite(room, event, eventId),
      },
      fetchHistory: (room, stretch) => now().fetchHistory(room, stretch),
      resolveRemoteAlias: (alias) => now().resolveRemoteAlias(alias),
      queryRemoteSpace: (...question) => now().queryRemoteSpace(...question),
      queryRemotePublicRooms: (...question) => now().queryRemotePublicRooms(...question),
      identity: {
        lookup: (address) => now().identity.lookup(address),
        storeInvite: (address, about) => now().identity.storeInvite(address, about),
        isKeyValid: (validityUrl, publicKey) => now().identity.isKeyValid(validityUrl, publicKey),
      },
      exchangeInvite: (invite) => now().exchangeInvite(invite),
      takeIn: (room, pdu) => now().takeIn(room, pdu),
      askPolicyServer: (serverName, event) => now().askPolicyServer(serverName, event),
    },
    connect: (network) => {
      connected = network;
    },
  };
}
