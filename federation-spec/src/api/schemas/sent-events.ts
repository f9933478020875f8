import { type Static, Type } from 'typebox';
import { EventIdSchema } from './ids.ts';
import { QueryCountSchema } from './query.ts';

/** What may be asked beside sending an event now. */
export const SendQuerySchema = Type.Object({
  /** When it happened; for application services: https://spec.matrix.org/latest/application-service-api/#timestamp-massaging */
  ts: Type.Optional(QueryCountSchema),
  /** Milliseconds to wait before sending it; the answer is then that of `sendDelayedEvent`. */
  'org.matrix.msc4140.delay': Type.Optional(QueryCountSchema),
  /** Milliseconds for which everybody in the room is brought the event: https://github.com/matrix-org/matrix-spec-proposals/pull/4354 */
  'org.matrix.msc4354.sticky_duration_ms': Type.Optional(QueryCountSchema),
});

export const SentEventSchema = Type.Object({ event_id: EventIdSchema });
export type SentEvent = Static<typeof SentEventSchema>;
