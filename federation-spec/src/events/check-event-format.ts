import { checkCanonicalJson } from '../canonical-json/check-canonical-json.ts';
import { encodeCanonicalJson } from '../canonical-json/encode-canonical-json.ts';
import { integerOf } from '../canonical-json/exact-number.ts';
import { utf8Length } from '../encoding/utf8.ts';
import { parseEventId } from '../identifiers/event-id.ts';
import { MAX_ID_BYTES } from '../identifiers/limits.ts';
import { parseRoomId } from '../identifiers/room-id.ts';
import { parseUserId } from '../identifiers/user-id.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import { allow, refuse, type Verdict } from '../verdict.ts';
import { isJsonObject, type JsonObject, type Pdu } from './event.ts';
import { MAX_AUTH_EVENTS, MAX_EVENT_BYTES, MAX_PREV_EVENTS } from './limits.ts';

/** A check of one part of an event: why it is wrong, or `undefined`. */
type PartCheck = (event: JsonObject, rules: RoomVersionRules) => string | undefined;

/**
 * Whether a value has the form of an event of this room version, with every size limit. It is the first check on receipt; signatures,
 * hashes and auth rules come after.
 *
 * 1. JSON that has a canonical form, strict from room version 6 on.
 * 2. Each key that the version demands, with its type and its limits.
 * 3. At most 65,536 bytes in all.
 *
 * https://spec.matrix.org/latest/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export function checkEventFormat(value: unknown, rules: RoomVersionRules): Verdict {
  if (!isJsonObject(value)) return refuse('An event must be a JSON object.');
  const canonical = checkCanonicalJson(value, { numbers: rules.strictCanonicalJson ? 'canonical' : 'any' }); // 1
  if (!canonical.allowed) return canonical;
  for (const check of PART_CHECKS) {
    const reason = check(value, rules); // 2
    if (reason !== undefined) return refuse(reason);
  }
  const bytes = utf8Length(encodeCanonicalJson(value)); // 3
  return bytes > MAX_EVENT_BYTES ? refuse(`The event has ${bytes} bytes; the most is ${MAX_EVENT_BYTES}.`) : allow();
}

/** As `checkEventFormat`, and hands the value back as an event. */
export function readEvent(value: unknown, rules: RoomVersionRules): { ok: true; event: Pdu } | { ok: false; reason: string } {
  const verdict = checkEventFormat(value, rules);
  return verdict.allowed ? { ok: true, event: value as Pdu } : { ok: false, reason: verdict.reason };
}

const PART_CHECKS: readonly PartCheck[] = [
  checkEventId,
  checkRoomId,
  checkSender,
  (event) => checkText(event, 'type', 'required'),
  (event) => checkText(event, 'state_key', 'optional'),
  (event) => (isJsonObject(event['content']) ? undefined : 'content must be an object.'),
  (event) => (event['unsigned'] === undefined || isJsonObject(event['unsigned']) ? undefined : 'unsigned must be an object.'),
  (event, rules) => checkInteger(event, 'origin_server_ts', -rules.maxInteger, rules),
  (event, rules) => checkInteger(event, 'depth', 0n, rules),
  (event, rules) => checkReferences(event, 'prev_events', MAX_PREV_EVENTS, rules),
  (event, rules) => checkReferences(event, 'auth_events', MAX_AUTH_EVENTS, rules),
  checkRedacts,
  checkHashes,
  checkSignatures,
];

function checkEventId(event: JsonObject, rules: RoomVersionRules): string | undefined {
  if (rules.eventIdFormat !== 'chosen-by-server') return undefined;
  const eventId = event['event_id'];
  if (typeof eventId !== 'string') return 'event_id must be a string in this room version.';
  return parseEventId(eventId)?.serverName === undefined ? 'event_id must be of the form $id:server in this room version.' : undefined;
}

function checkRoomId(event: JsonObject, rules: RoomVersionRules): string | undefined {
  const roomId = event['room_id'];
  if (rules.createEventIdIsRoomId && event['type'] === 'm.room.create' && event['state_key'] === '') {
    return Object.hasOwn(event, 'room_id') ? 'room_id must not be in the create event of this room version.' : undefined;
  }
  if (typeof roomId !== 'string') return 'room_id must be a string.';
  const parsed = parseRoomId(roomId);
  if (parsed === undefined) return 'room_id is no room id.';
  if (rules.createEventIdIsRoomId) return parsed.serverName === undefined ? undefined : 'room_id must name no server in this room version.';
  return parsed.serverName === undefined ? 'room_id must name a server in this room version.' : undefined;
}

function checkSender(event: JsonObject): string | undefined {
  const sender = event['sender'];
  return typeof sender === 'string' && parseUserId(sender) !== undefined ? undefined : 'sender must be a user id.';
}

function checkText(event: JsonObject, key: string, presence: 'required' | 'optional'): string | undefined {
  if (presence === 'optional' && !Object.hasOwn(event, key)) return undefined;
  const text = event[key];
  if (typeof text !== 'string') return `${key} must be a string.`;
  if (text.includes('\u0000')) return `${key} must not hold NUL.`;
  return utf8Length(text) > MAX_ID_BYTES ? `${key} must not be longer than ${MAX_ID_BYTES} bytes.` : undefined;
}

function checkInteger(event: JsonObject, key: string, least: bigint, rules: RoomVersionRules): string | undefined {
  const value = event[key];
  // Nearly every integer is a safe one; the largest of old room versions are not.
  const integer = Number.isSafeInteger(value) ? value : integerOf(value);
  if (typeof integer !== 'number' && typeof integer !== 'bigint') return `${key} must be an integer.`;
  return integer < least || integer > rules.maxInteger ? `${key} must be between ${least} and ${rules.maxInteger}.` : undefined;
}

function checkReferences(event: JsonObject, key: string, most: number, rules: RoomVersionRules): string | undefined {
  const references = event[key];
  if (!Array.isArray(references)) return `${key} must be an array.`;
  if (references.length > most) return `${key} must hold at most ${most} events, not ${references.length}.`;
  for (const reference of references) {
    const eventId = rules.eventReferences === 'id' ? reference : isIdAndHashes(reference) ? reference[0] : undefined;
    if (typeof eventId !== 'string')
      return `${key} must hold ${rules.eventReferences === 'id' ? 'event ids' : 'pairs of event id and hashes'}.`;
    if (!eventId.startsWith('$') || eventId.includes('\u0000') || utf8Length(eventId) > MAX_ID_BYTES)
      return `${key} holds what is no event id.`;
  }
  return undefined;
}

function isIdAndHashes(reference: unknown): reference is [unknown, JsonObject] {
  return Array.isArray(reference) && reference.length === 2 && isJsonObject(reference[1]);
}

function checkRedacts(event: JsonObject, rules: RoomVersionRules): string | undefined {
  if (rules.redactsInContent || event['type'] !== 'm.room.redaction' || !Object.hasOwn(event, 'redacts')) return undefined;
  return checkText(event, 'redacts', 'required');
}

function checkHashes(event: JsonObject): string | undefined {
  const hashes = event['hashes'];
  return isJsonObject(hashes) && Object.hasOwn(hashes, 'sha256') && Object.values(hashes).every((hash) => typeof hash === 'string')
    ? undefined
    : 'hashes must be an object with sha256.';
}

function checkSignatures(event: JsonObject): string | undefined {
  const signatures = event['signatures'];
  const isGood =
    isJsonObject(signatures) &&
    Object.values(signatures).every(
      (keys) => isJsonObject(keys) && Object.values(keys).every((signature) => typeof signature === 'string'),
    );
  return isGood ? undefined : 'signatures must be an object of objects of strings.';
}
