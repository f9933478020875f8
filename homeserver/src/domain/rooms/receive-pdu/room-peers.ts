import type { JsonObject } from 'federation-spec/events/event.ts';

/** What a key must have been good for: `at` is when the signature was made, in ms. */
export type KeyPurpose = {
  at: number;
  enforcesValidity: boolean;
  /** The server that sent what the key has signed: keys that it wants are not to keep others waiting for theirs. */
  askedBy?: string;
};

/** The public key of a server, or `undefined` when it has no such key or it was not valid then. */
export type FindServerKey = (serverName: string, keyId: string, purpose: KeyPurpose) => Promise<Uint8Array | undefined>;

/** Keys for what one server sent. */
export function askedBy(server: string, findServerKey: FindServerKey): FindServerKey {
  return async (serverName, keyId, purpose) => await findServerKey(serverName, keyId, { ...purpose, askedBy: server });
}

/** The same from what is known here. `mayAsk`: the server could be asked, and may then have it. */
export type FindKnownKey = (
  serverName: string,
  keyId: string,
  purpose: KeyPurpose,
) => Promise<{ publicKey: Uint8Array | undefined; mayAsk: boolean }>;

/** What receiving an event may need to ask the server that sent it. Events come back unchecked. Each throws when the server fails to answer. */
export type RoomPeers = {
  /** The events between those we have and the latest. */
  fetchMissing: (
    origin: string,
    roomId: string,
    range: { earliest: readonly string[]; latest: readonly string[]; limit: number },
  ) => Promise<JsonObject[]>;
  /** The state before an event, and what allows it, as ids. */
  fetchStateIds: (
    origin: string,
    roomId: string,
    eventId: string,
    timeoutMs?: number,
  ) => Promise<{ stateIds: string[]; authChainIds: string[] }>;
  /** The same, as events, the state's and the auth chain's in one list. */
  fetchState: (origin: string, roomId: string, eventId: string, timeoutMs?: number) => Promise<JsonObject[]>;
  fetchEvent: (origin: string, eventId: string) => Promise<JsonObject | undefined>;
  fetchAuthChain: (origin: string, roomId: string, eventId: string) => Promise<JsonObject[]>;
};
