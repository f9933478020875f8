import { decodeBase64, decodeBase64Url } from 'federation-spec/encoding/base64.ts';
import { isJsonObject, type Pdu } from 'federation-spec/events/event.ts';
import { verifyEventSignature } from 'federation-spec/signing/verify-event.ts';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../platform/clock.ts';
import { badGateway, MatrixError } from '../../../platform/matrix-error.ts';
import type { HotRoom } from '../hot-room.ts';

const POLICY = 'm.room.policy';
/** The one key id by which policy servers sign. */
const KEY_ID = 'ed25519:policy_server';
const PUBLIC_KEY_BYTES = 32;
/** A policy server that kept somebody waiting so long and then gave no answer is left alone for a while. */
const SLOW_MS = 2_000;
const REST_MS = 5_000;
const MAX_REMEMBERED_SERVERS = 1_000;

/** A server that is asked of every event whether it should be in the room. */
export type PolicyServer = { serverName: string; publicKey: Uint8Array };

/** Asks a policy server to sign an event; resolves with its signatures by key id. Throws what it refuses with, and M_UNKNOWN (502) when it is silent. */
export type AskPolicyServer = (serverName: string, event: Pdu) => Promise<Readonly<Record<string, string>>>;

/** A policy server gave no verdict on an event; it may do so later. */
export class PolicyServerSilent extends MatrixError {}

/** Asking it failed for now: it was not reached, or has too much to do. */
const isSilence = ({ status }: MatrixError): boolean => status === 502 || status === 429;

/** https://spec.matrix.org/latest/server-server-api/#policy-servers */
export type Policy = {
  /** Whether such an event must have the signature of the room's policy server. */
  appliesTo: (room: HotRoom, event: { type: string; stateKey?: string | undefined }) => boolean;
  /** Whether the room's policy server, if it has one, is seen to have signed the event. */
  isRecommended: (room: HotRoom, event: Pdu) => Promise<boolean>;
  /** The event with the policy server's signature, which is asked for when it lacks. Throws what the policy server refuses with. */
  sign: (room: HotRoom, event: Pdu) => Promise<Pdu>;
  /** The same for an event of another server: as it came when the policy server does not sign it. `throwsSilence`: throws `PolicyServerSilent` when it gave no verdict. */
  trySign: (room: HotRoom, event: Pdu, options?: { throwsSilence?: boolean | undefined }) => Promise<Pdu>;
};

export function createPolicy(ask: AskPolicyServer, clock: Clock): Policy {
  const restingUntil = new LRUCache<string, number>({ max: MAX_REMEMBERED_SERVERS });

  /** Whoever waits behind somebody whom a silent server has kept waiting is not made to wait as long once more. */
  async function askUnlessSilent(serverName: string, event: Pdu): ReturnType<AskPolicyServer> {
    const askedAt = clock.now();
    const restsMs = (restingUntil.get(serverName) ?? 0) - askedAt;
    if (restsMs > 0 && restsMs <= REST_MS) throw badGateway(`The policy server ${serverName} of this room does not answer.`);
    try {
      return await ask(serverName, event);
    } catch (error) {
      const isSilent = error instanceof MatrixError && error.status === 502 && clock.now() - askedAt >= SLOW_MS;
      if (isSilent) restingUntil.set(serverName, clock.now() + REST_MS);
      throw error;
    }
  }

  async function isSigned(room: HotRoom, event: Pdu, { serverName, publicKey }: PolicyServer): Promise<boolean> {
    return await verifyEventSignature(event, room.rules, { serverName, keyId: KEY_ID, publicKey });
  }

  const serverFor = (room: HotRoom, { type, state_key: stateKey }: Pdu) => findPolicyServer(room, { type, stateKey });

  async function isRecommended(room: HotRoom, event: Pdu): Promise<boolean> {
    const server = serverFor(room, event);
    return server === undefined || (await isSigned(room, event, server));
  }

  async function sign(room: HotRoom, event: Pdu): Promise<Pdu> {
    const server = serverFor(room, event);
    if (server === undefined || (await isSigned(room, event, server))) return event;
    const { serverName } = server;
    const signature = (await askUnlessSilent(serverName, event))[KEY_ID];
    const own = { ...event.signatures[serverName], ...(signature === undefined ? {} : { [KEY_ID]: signature }) };
    const signed: Pdu = { ...event, signatures: { ...event.signatures, [serverName]: own } };
    if (await isSigned(room, signed, server)) return signed;
    throw new MatrixError(403, 'M_FORBIDDEN', `The policy server ${serverName} did not sign the event with the key that the room knows.`);
  }

  return {
    appliesTo: (room, event) => findPolicyServer(room, event) !== undefined,
    isRecommended,
    sign,
    trySign: async (room, event, { throwsSilence = false } = {}) => {
      try {
        return await sign(room, event);
      } catch (error) {
        if (!(error instanceof MatrixError)) throw error;
        if (throwsSilence && isSilence(error)) throw new PolicyServerSilent(error.status, error.errcode, error.message, error.fields);
        return event;
      }
    },
  };
}

/** The server to ask of this event, by the room's current state. The event that names it needs nobody's recommendation. */
function findPolicyServer(room: HotRoom, event: { type: string; stateKey?: string | undefined }): PolicyServer | undefined {
  const policy = room.find(POLICY, '');
  if (policy === undefined || (event.type === POLICY && event.stateKey === '')) return undefined;
  const { via: serverName, public_keys: keys } = policy.content;
  const text = isJsonObject(keys) ? keys['ed25519'] : undefined;
  if (typeof serverName !== 'string' || typeof text !== 'string' || !room.joinedServers.has(serverName)) return undefined;
  const publicKey = decodeBase64(text) ?? decodeBase64Url(text);
  // A key that is none signs nothing: the room has a policy server all the same.
  return { serverName, publicKey: publicKey?.length === PUBLIC_KEY_BYTES ? publicKey : new Uint8Array(PUBLIC_KEY_BYTES) };
}
