import { type Static, Type } from 'typebox';
import { JsonObjectSchema } from './json.ts';

/**
 * An event as servers exchange it. Only that it is an object: what it must hold depends on the room's version, and one bad
 * event must not spoil the others of its transaction. `checkEventFormat` says more.
 */
export const PduSchema = JsonObjectSchema;

/** What servers tell each other beside events. https://spec.matrix.org/latest/server-server-api/#edus */
export const EduSchema = Type.Object({ edu_type: Type.String(), content: JsonObjectSchema });
export type Edu = Static<typeof EduSchema>;

/** A list of events with where it was asked for: an answer that looks like a transaction. */
export const PduListSchema = Type.Object({
  origin: Type.Optional(Type.String()),
  origin_server_ts: Type.Optional(Type.Integer()),
  pdus: Type.Array(PduSchema),
});

/**
 * An event to be completed and signed by the server that asked for it; what it holds depends on the room's version, which is
 * 1 when it is not given. https://spec.matrix.org/latest/server-server-api/#joining-rooms
 */
export const EventTemplateSchema = Type.Object({ room_version: Type.Optional(Type.String()), event: PduSchema });
export type EventTemplate = Static<typeof EventTemplateSchema>;
