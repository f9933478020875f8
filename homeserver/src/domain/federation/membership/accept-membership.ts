import { readEvent } from 'federation-spec/events/check-event-format.ts';
import { isJsonObject, type JsonObject, type Pdu } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { addEventSignature } from 'federation-spec/signing/sign-event.ts';
import type { Signer } from 'federation-spec/signing/sign-json.ts';
import { badJson, forbidden, invalidParam } from '../../../platform/matrix-error.ts';
import type { Database } from '../../../storage/database.ts';
import { findEvent, type StoredEvent } from '../../../storage/events.ts';
import { enqueuePdus } from '../../../storage/federation-queue.ts';
import type { HotRoom } from '../../rooms/hot-room.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import { type CheckedPdu, checkPdu } from '../../rooms/receive-pdu/check-pdu.ts';
import { checkServerSignature } from '../../rooms/receive-pdu/check-signatures.ts';
import { MissingHistory } from '../../rooms/receive-pdu/missing-history.ts';
import type { ReceivePdu } from '../../rooms/receive-pdu/receive-pdu.ts';
import type { FindServerKey } from '../../rooms/receive-pdu/room-peers.ts';
import { loadRoomFor } from './make-membership.ts';
import type { Vouch } from './vouch.ts';

export type SentMembership = { origin: string; roomId: string; eventId: string; event: JsonObject; membership: 'join' | 'leave' | 'knock' };

/** The event as it now stands in the room. */
export type AcceptMembership = (sent: SentMembership) => Promise<{ room: HotRoom; event: Pdu; stored: StoredEvent }>;

type Deps = {
  database: Database;
  rooms: HotRooms;
  receivePdu: ReceivePdu;
  findServerKey: FindServerKey;
  vouch: Pick<Vouch, 'check'>;
  signer: Signer;
  wake: (destinations: Iterable<string>) => void;
};

/**
 * Puts the membership event of another server's user into a room, and sends it to the room's other servers.
 *
 * 1. It must be exactly what the path says: this membership, in this room, under this id, of a user of the server that sends it.
 * 2. A restricted join for which one of our users vouches gets our signature, when the room lets the user in and their own server is seen to
 *    have signed.
 * 3. It is received like any event.
 *
 * https://spec.matrix.org/latest/server-server-api/#put_matrixfederationv2send_joinroomideventid
 */
export function createAcceptMembership({ database, rooms, receivePdu, findServerKey, vouch, signer, wake }: Deps): AcceptMembership {
  async function signVouched(room: HotRoom, event: Pdu, origin: string): Promise<Pdu> {
    const voucher = event.content['join_authorised_via_users_server'];
    if (!room.rules.restrictedJoins || event.content['membership'] !== 'join' || typeof voucher !== 'string') return event;
    if (serverNameOf(voucher) !== signer.serverName) return event;
    const verdict = await checkServerSignature(event, origin, room.rules, findServerKey);
    if (!verdict.allowed) throw forbidden(verdict.reason);
    await vouch.check(room, event.sender);
    return await addEventSignature(event, room.rules, signer);
  }

  async function check(room: HotRoom, sent: SentMembership): Promise<CheckedPdu> {
    checkShape(sent); // 1
    const read = readEvent(sent.event, room.rules);
    if (!read.ok) throw badJson(read.reason);
    const vouched = await signVouched(room, read.event, sent.origin); // 2
    const checked = await checkPdu(vouched, room, findServerKey);
    if (!checked.ok) throw forbidden(checked.reason);
    if (checked.pdu.eventId !== sent.eventId) throw invalidParam('The event has another id than the path names');
    return checked.pdu;
  }

  return async (sent) => {
    const { origin, roomId } = sent;
    const room = await loadRoomFor(rooms, { roomId, origin, serverName: signer.serverName, membership: sent.membership });
    const pdu = await check(room, sent);
    const others = [...room.joinedServers.keys()].filter((server) => server !== signer.serverName && server !== origin);
    const reception = await receivePdu(room, pdu, {
      origin,
      awaitsPolicyServer: true,
      riders: (eventNid) => [
        (sql) =>
          enqueuePdus(
            sql,
            others.map((destination) => ({ destination, roomNid: room.nid, eventNid })),
          ),
      ],
    }).catch((error: unknown) => {
      if (error instanceof MissingHistory) throw invalidParam('The event builds upon events that your server does not give');
      throw error;
    }); // 3
    if (reception.reason !== undefined) throw forbidden(reception.reason);
    await reception.committed;
    wake(others);
    const stored = await findEvent(database.sql, pdu.eventId);
    if (stored === undefined) throw new Error(`the event ${pdu.eventId} was accepted and is not stored`);
    return { room, event: pdu.event, stored };
  };
}

function checkShape({ origin, roomId, event, membership }: SentMembership): void {
  const { type, sender, state_key: stateKey, content } = event;
  if (event['room_id'] !== roomId) throw invalidParam('The event is of another room than the path names');
  if (type !== 'm.room.member' || !isJsonObject(content) || content['membership'] !== membership)
    throw invalidParam(`The event is no ${membership}`);
  if (typeof sender !== 'string' || sender !== stateKey) throw invalidParam('The event is not about its own sender');
  if (serverNameOf(sender) !== origin) throw forbidden('The event is not of a user of your server');
}
