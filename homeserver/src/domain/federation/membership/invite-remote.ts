import { sendInviteV1, sendInviteV2 } from 'federation-spec/api/server/invites.ts';
import { isJsonObject, type JsonObject, type Pdu } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { badGateway, forbidden, matrixError, unsupportedRoomVersion } from '../../../platform/matrix-error.ts';
import type { HotRoom } from '../../rooms/hot-room.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import { checkServerSignature } from '../../rooms/receive-pdu/check-signatures.ts';
import type { FindServerKey } from '../../rooms/receive-pdu/room-peers.ts';
import { INSISTING } from '../circuit-breaker.ts';
import type { FederationClient } from '../federation-client.ts';
import { FederationError } from '../federation-error.ts';
import { toldLimit } from './ask-candidates.ts';
import { listRoomPreview } from './room-preview.ts';
import { isUnknownEndpoint } from './send-membership.ts';

type Deps = { client: FederationClient; rooms: HotRooms; findServerKey: FindServerKey };

/** Has the server of an invited user sign the invite. Of its answer only that signature is used. https://spec.matrix.org/latest/server-server-api/#inviting-to-a-room */
export function createInviteRemote({ client, rooms, findServerKey }: Deps): (room: HotRoom, event: Pdu, eventId: string) => Promise<Pdu> {
  /** An older server knows the first version of the request only, and with it rooms of versions 1 and 2 only; it may say so by a 400 or a 404. */
  async function send(
    room: HotRoom,
    { event, eventId, server, preview }: { event: Pdu; eventId: string; server: string; preview: JsonObject[] },
  ): Promise<JsonObject> {
    const params = { roomId: room.roomId, eventId };
    try {
      const body = { room_version: room.version, event: { ...event }, invite_room_state: preview };
      return (await client.call(server, sendInviteV2, { params, body }, INSISTING)).event;
    } catch (error) {
      const mayBeOlder = isUnknownEndpoint(error) || (error instanceof FederationError && (error.status === 404 || error.status === 400));
      if (!mayBeOlder || room.rules.eventReferences === 'id') throw error;
      const body = { ...event, unsigned: { ...event.unsigned, invite_room_state: preview } };
      const [, answer] = await client.call(server, sendInviteV1, { params, body }, INSISTING);
      return answer.event;
    }
  }

  return async (room, event, eventId) => {
    const server = serverNameOf(event.state_key ?? '') ?? '';
    await rooms.ensureMembers(room, [event.sender]);
    const preview = listRoomPreview(room, event.sender).map((shown) => ({ ...shown }));
    const returned = await send(room, { event, eventId, server, preview }).catch((error: unknown) => {
      throw toldFailure(error, server);
    });

    const theirs = isJsonObject(returned['signatures']) ? returned['signatures'][server] : undefined;
    if (!isJsonObject(theirs)) throw badGateway(`${server} did not sign the invite.`);
    const signed: Pdu = { ...event, signatures: { ...event.signatures, [server]: theirs as Record<string, string> } };
    const isSigned =
      eventIdOf(signed, room.rules) === eventId && (await checkServerSignature(signed, server, room.rules, findServerKey)).allowed;
    if (!isSigned) throw badGateway(`${server} did not sign the invite as it must.`);
    return signed;
  };
}

function toldFailure(error: unknown, server: string): Error {
  if (!(error instanceof FederationError)) return error instanceof Error ? error : new Error(String(error));
  if (error.errcode === 'M_INCOMPATIBLE_ROOM_VERSION' || isUnknownEndpoint(error))
    return unsupportedRoomVersion(`${server} does not know the version of this room.`);
  if (error.errcode?.endsWith('INVITE_BLOCKED') === true)
    return matrixError(403, 'M_INVITE_BLOCKED', 'The user does not take your invites.');
  if (error.status === 429) return toldLimit(server, error.body);
  if (error.status === 403) return forbidden(`${server} does not take the invite.`);
  return badGateway(`${server} could not be asked to take the invite.`);
}
