import { type Static, Type } from 'typebox';
import { ServerNameSchema, TimestampSchema } from './ids.ts';
import { JsonObjectSchema, listOrNothing } from './json.ts';

/**
 * An event as servers exchange it. Only that it is an object: what it must hold depends on the room's version, and one bad
 * event must not spoil the others of its transaction. `checkEventFormat` says more.
 */
export const PduSchema = JsonObjectSchema;

/** A list of events, in the shape of a transaction. */
export const PduListSchema = Type.Object({
  origin: Type.Optional(ServerNameSchema),
  origin_server_ts: Type.Optional(TimestampSchema),
  pdus: Type.Array(PduSchema),
});

/**
 * Not even that its events are objects: what is none must not spoil the others either. `edus.ts` says what each kind of EDU holds.
 * https://spec.matrix.org/latest/server-server-api/#transactions
 */
export const TransactionSchema = Type.Object({
  origin: ServerNameSchema,
  origin_server_ts: TimestampSchema,
  pdus: listOrNothing(Type.Unknown()),
  edus: listOrNothing(Type.Unknown()),
});
export type Transaction = Static<typeof TransactionSchema>;

/**
 * An event to be completed and signed by the server that asked for it; what it holds depends on the room's version, which is
 * 1 when it is not given. https://spec.matrix.org/latest/server-server-api/#joining-rooms
 */
export const EventTemplateSchema = Type.Object({ room_version: Type.Optional(Type.String()), event: PduSchema });
export type EventTemplate = Static<typeof EventTemplateSchema>;
