import { isJsonObject, type JsonObject, numberIn, objectIn, stringIn } from './json.ts';

/** An event as a homeserver shows it to a client (wire names). https://spec.matrix.org/latest/client-server-api/#room-event-format */
export type RoomEvent = {
  event_id: string;
  type: string;
  sender: string;
  origin_server_ts: number;
  content: JsonObject;
  state_key?: string;
  unsigned?: JsonObject;
  /** The redacted event, in room versions before 11 (later it is in the content). */
  redacts?: string;
};

/** An event of stripped state, which has neither id nor time. */
export type StrippedStateEvent = { type: string; sender: string; state_key: string; content: JsonObject };

/** Reads an event out of an answer; nothing when a field that we rely on is missing. What a peer put in `content` is still untrusted. */
export function readRoomEvent(value: unknown): RoomEvent | undefined {
  const eventId = stringIn(value, 'event_id');
  const type = stringIn(value, 'type');
  const sender = stringIn(value, 'sender');
  if (eventId === undefined || type === undefined || sender === undefined) return undefined;

  const stateKey = stringIn(value, 'state_key');
  const unsigned = objectIn(value, 'unsigned');
  const redacts = stringIn(value, 'redacts');
  return {
    event_id: eventId,
    type,
    sender,
    origin_server_ts: numberIn(value, 'origin_server_ts') ?? 0,
    content: objectIn(value, 'content') ?? {},
    ...(stateKey === undefined ? {} : { state_key: stateKey }),
    ...(unsigned === undefined ? {} : { unsigned }),
    ...(redacts === undefined ? {} : { redacts }),
  };
}

/** Reads a stripped state event, as invites and knocks carry them. */
export function readStrippedStateEvent(value: unknown): StrippedStateEvent | undefined {
  const type = stringIn(value, 'type');
  const stateKey = stringIn(value, 'state_key');
  if (type === undefined || stateKey === undefined || !isJsonObject(value)) return undefined;
  return { type, state_key: stateKey, sender: stringIn(value, 'sender') ?? '', content: objectIn(value, 'content') ?? {} };
}

/** The id of the event that a redaction removes, in every room version. */
export function redactedEventId(event: RoomEvent): string | undefined {
  return stringIn(event.content, 'redacts') ?? event.redacts;
}
