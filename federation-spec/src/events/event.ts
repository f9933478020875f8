/** Any value that JSON can carry. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;

/** A JSON object. Its keys may come from anyone: read them with `Object.hasOwn` in mind. */
export type JsonObject = { [key: string]: JsonValue };

/** How an event names another: by id, or in room versions 1 and 2 by id and hashes. */
export type EventReference = string | [eventId: string, hashes: JsonObject];

/** Signatures by the name of the signing server, then by key id (`ed25519:…`), in unpadded base64. */
export type Signatures = { [serverName: string]: { [keyId: string]: string } };

/**
 * An event as servers exchange it, of any room version.
 *
 * Keys that are not named here may be there too and belong to its hashes: an event is handed on whole, never rebuilt from parts.
 *
 * https://spec.matrix.org/latest/rooms/v12/#event-format
 */
export type Pdu = {
  /** Only in room versions 1 and 2; later the id is a hash of the event. */
  event_id?: string;
  /** Absent from the `m.room.create` event from room version 12 on. */
  room_id?: string;
  type: string;
  sender: string;
  state_key?: string;
  content: JsonObject;
  prev_events: EventReference[];
  auth_events: EventReference[];
  depth: number;
  /** Milliseconds since 1970 by the sender's clock. */
  origin_server_ts: number;
  hashes: { sha256: string; [algorithm: string]: string };
  signatures: Signatures;
  unsigned?: JsonObject;
  /** The redacted event, before room version 11; later it is in `content`. */
  redacts?: string;
  origin?: string;
  /** For how long everybody in the room is brought the event: https://github.com/matrix-org/matrix-spec-proposals/pull/4354 */
  msc4354_sticky?: JsonValue;
};

/** An event before it is hashed and signed. */
export type PduDraft = Omit<Pdu, 'hashes' | 'signatures'> & Partial<Pick<Pdu, 'hashes' | 'signatures'>>;

/** Whether a value is a JSON object: no array, no `null`. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
