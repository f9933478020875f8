import type { EventTemplate } from 'federation-spec/api/schemas/pdus.ts';
import { readEvent } from 'federation-spec/events/check-event-format.ts';
import { isJsonObject, type JsonObject, type JsonValue, type PduDraft } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { type RoomVersionRules, roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import type { Signer } from 'federation-spec/signing/sign-json.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Random } from '../../../platform/random.ts';
import type { CheckedPdu } from '../../rooms/receive-pdu/check-pdu.ts';
import { FederationError } from '../federation-error.ts';

/** What we are about to sign: all of it ours but the event's place in the graph. */
export type MembershipDraft = {
  resident: string;
  roomId: string;
  userId: string;
  membership: 'join' | 'leave' | 'knock';
  /** What the event says beside `membership`. */
  content: JsonObject;
};

/** What makes an event ours: our signature, the time, and chance for room versions whose servers choose the ids of their events. */
export type SignMembership = { signer: Signer; clock: Clock; random: Random };

const EVENT_ID_BITS = 108;

const MEMBER = 'm.room.member';
const DEFAULT_VERSION = '1';

/**
 * Signs a membership event for which another server gave the template. Only `prev_events`, `auth_events`, `depth` and, for a restricted
 * join, the local user who vouches are taken from it; a template that says anything else than was asked for is refused, because what we
 * sign blindly could be used against us elsewhere.
 *
 * https://spec.matrix.org/latest/server-server-api/#joining-rooms
 */
export async function completeTemplate(
  template: EventTemplate,
  draft: MembershipDraft,
  { signer, clock, random }: SignMembership,
): Promise<{ pdu: CheckedPdu; rules: RoomVersionRules }> {
  const version = template.room_version ?? DEFAULT_VERSION;
  const rules = roomVersionRules(version);
  if (rules === undefined)
    throw new FederationError(draft.resident, `the room has the unknown version ${version}`, { errcode: 'M_INCOMPATIBLE_ROOM_VERSION' });
  const { event } = template;
  checkTemplate(event, draft);

  const unsigned = {
    type: MEMBER,
    room_id: draft.roomId,
    sender: draft.userId,
    state_key: draft.userId,
    content: { ...draft.content, ...vouching(event, draft, rules), membership: draft.membership },
    origin_server_ts: clock.now(),
    depth: event['depth'],
    prev_events: event['prev_events'],
    auth_events: event['auth_events'],
    ...(rules.eventIdFormat === 'chosen-by-server' ? { event_id: `$${random.text(EVENT_ID_BITS)}:${signer.serverName}` } : {}),
  };
  // The format is checked with a stand-in for the signature first, so that nothing malformed is ever signed.
  const readable = readEvent({ ...unsigned, hashes: { sha256: '' }, signatures: {} }, rules);
  if (!readable.ok) throw new FederationError(draft.resident, `its template is malformed: ${readable.reason}`);
  const { hashes: _hashes, signatures: _signatures, ...wellFormed } = readable.event;
  const signed = await signEvent(wellFormed satisfies PduDraft, rules, signer);
  return { pdu: { event: signed, eventId: eventIdOf(signed, rules) }, rules };
}

function checkTemplate(event: JsonObject, draft: MembershipDraft): void {
  const content = event['content'];
  const expected: [string, JsonValue | undefined, JsonValue][] = [
    ['type', event['type'], MEMBER],
    ['room_id', event['room_id'], draft.roomId],
    ['sender', event['sender'], draft.userId],
    ['state_key', event['state_key'], draft.userId],
    ['membership', isJsonObject(content) ? content['membership'] : undefined, draft.membership],
  ];
  for (const [name, given, wanted] of expected) {
    if (given !== wanted) throw new FederationError(draft.resident, `its template has another ${name} than asked for`);
  }
}

/** The resident's member in whose name it lets us in. Nobody else can be named. */
function vouching(event: JsonObject, draft: MembershipDraft, rules: RoomVersionRules): JsonObject {
  const content = event['content'];
  const voucher = isJsonObject(content) ? content['join_authorised_via_users_server'] : undefined;
  if (!rules.restrictedJoins || draft.membership !== 'join' || typeof voucher !== 'string') return {};
  if (serverNameOf(voucher) !== draft.resident)
    throw new FederationError(draft.resident, 'its template lets a user of another server vouch');
  return { join_authorised_via_users_server: voucher };
}
