import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { FinalSlidingSyncRequestSchema, FinalSlidingSyncResponseSchema } from '../schemas/final-sliding-sync.ts';
import { QueryCountSchema } from '../schemas/query.ts';
import { SlidingSyncRequestSchema, SlidingSyncResponseSchema } from '../schemas/sliding-sync.ts';
import { PresenceStateSchema } from '../schemas/users.ts';

/** Synchronise windows over sorted lists of rooms. https://github.com/matrix-org/matrix-spec-proposals/pull/4186 */
export const slidingSync = endpoint({
  id: 'slidingSync',
  method: 'POST',
  path: '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync',
  auth: 'access-token',
  query: Type.Object({
    /** Where the connection stands; a new one begins without it. */
    pos: Type.Optional(Type.String()),
    /** Milliseconds to wait for something new. */
    timeout: Type.Optional(QueryCountSchema),
    set_presence: Type.Optional(PresenceStateSchema),
  }),
  body: SlidingSyncRequestSchema,
  response: SlidingSyncResponseSchema,
  errors: ['M_UNKNOWN_POS'],
  rateLimit: 'none',
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4186',
});

/** The same in the form in which the proposal was accepted. https://github.com/matrix-org/matrix-spec-proposals/pull/4186 */
export const finalSlidingSync = endpoint({
  id: 'finalSlidingSync',
  method: 'POST',
  path: '/_matrix/client/v4/sync',
  auth: 'access-token',
  body: FinalSlidingSyncRequestSchema,
  response: FinalSlidingSyncResponseSchema,
  errors: ['M_UNKNOWN_POS'],
  rateLimit: 'none',
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4186',
});
