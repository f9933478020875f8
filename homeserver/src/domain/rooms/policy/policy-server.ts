import { decodeBase64, decodeBase64Url } from 'federation-spec/encoding/base64.ts';
import { isJsonObject, type Pdu } from 'federation-spec/events/event.ts';
import { verifyEventSignature } from 'federation-spec/signing/verify-event.ts';
import { MatrixError } from '../../../platform/matrix-error.ts';
import type { HotRoom } from '../hot-room.ts';

const POLICY = 'm.room.policy';
/** The one key id by which policy servers sign. */
const KEY_ID = 'ed25519:policy_server';
const PUBLIC_KEY_BYTES = 32;

/** A server that is asked of every event whether it should be in the room. */
export type PolicyServer = { serverName: string; publicKey: Uint8Array };

/** Asks a policy server to sign an event; resolves with its signatures by key id. Throws what it refuses with, and M_UNKNOWN (502) when it is silent. */
export type AskPolicyServer = (serverName: string, event: Pdu) => Promise<Readonly<Record<string, string>>>;

/** https://spec.matrix.org/latest/server-server-api/#policy-servers */
export type Policy = {
  /** Whether the room's policy server, if it has one, is seen to have signed the event. */
  isRecommended: (room: HotRoom, event: Pdu) => Promise<boolean>;
  /** The event with the policy server's signature, which is asked for when it lacks. Throws what the policy server refuses with. */
  sign: (room: HotRoom, event: Pdu) => Promise<Pdu>;
  /** The same for an event of another server: as it came when the policy server does not sign it. */
  trySign: (room: HotRoom, event: Pdu) => Promise<Pdu>;
};

export function createPolicy(ask: AskPolicyServer): Policy {
  async function isSigned(room: HotRoom, event: Pdu, { serverName, publicKey }: PolicyServer): Promise<boolean> {
    return await verifyEventSignature(event, room.rules, { serverName, keyId: KEY_ID, publicKey });
  }

  async function isRecommended(room: HotRoom, event: Pdu): Promise<boolean> {
    const server = findPolicyServer(room, event);
    return server === undefined || (await isSigned(room, event, server));
  }

  async function sign(room: HotRoom, event: Pdu): Promise<Pdu> {
    const server = findPolicyServer(room, event);
    if (server === undefined || (await isSigned(room, event, server))) return event;
    const { serverName } = server;
    const signature = (await ask(serverName, event))[KEY_ID];
    const own = { ...event.signatures[serverName], ...(signature === undefined ? {} : { [KEY_ID]: signature }) };
    const signed: Pdu = { ...event, signatures: { ...event.signatures, [serverName]: own } };
    if (await isSigned(room, signed, server)) return signed;
    throw new MatrixError(403, 'M_FORBIDDEN', `The policy server ${serverName} did not sign the event with the key that the room knows.`);
  }

  return {
    isRecommended,
    sign,
    trySign: async (room, event) => {
      try {
        return await sign(room, event);
      } catch (error) {
        if (error instanceof MatrixError) return event;
        throw error;
      }
    },
  };
}

/** The server to ask of this event, by the room's current state. The event that names it needs nobody's recommendation. */
function findPolicyServer(room: HotRoom, event: Pdu): PolicyServer | undefined {
  const policy = room.find(POLICY, '');
  if (policy === undefined || (event.type === POLICY && event.state_key === '')) return undefined;
  const { via: serverName, public_keys: keys } = policy.content;
  const text = isJsonObject(keys) ? keys['ed25519'] : undefined;
  if (typeof serverName !== 'string' || typeof text !== 'string' || !room.joinedServers.has(serverName)) return undefined;
  const publicKey = decodeBase64(text) ?? decodeBase64Url(text);
  // A key that is none signs nothing: the room has a policy server all the same.
  return { serverName, publicKey: publicKey?.length === PUBLIC_KEY_BYTES ? publicKey : new Uint8Array(PUBLIC_KEY_BYTES) };
}
