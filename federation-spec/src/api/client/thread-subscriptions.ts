import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { DirectionSchema } from '../schemas/events.ts';
import { EventIdSchema, RoomIdSchema } from '../schemas/ids.ts';
import { EmptySchema } from '../schemas/json.ts';
import { QueryCountSchema } from '../schemas/query.ts';
import { ThreadSubscriptionChangesSchema } from '../schemas/thread-subscriptions.ts';

const ThreadParamsSchema = Type.Object({ roomId: RoomIdSchema, threadRoot: EventIdSchema });

/** Whether the user follows a thread. https://github.com/matrix-org/matrix-spec-proposals/pull/4306 */
export const getThreadSubscription = endpoint({
  id: 'getThreadSubscription',
  method: 'GET',
  path: '/_matrix/client/unstable/io.element.msc4306/rooms/:roomId/thread/:threadRoot/subscription',
  auth: 'access-token',
  params: ThreadParamsSchema,
  response: Type.Object({ automatic: Type.Boolean() }),
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4306',
});

/** Follow a thread. https://github.com/matrix-org/matrix-spec-proposals/pull/4306 */
export const subscribeThread = endpoint({
  id: 'subscribeThread',
  method: 'PUT',
  path: '/_matrix/client/unstable/io.element.msc4306/rooms/:roomId/thread/:threadRoot/subscription',
  auth: 'access-token',
  params: ThreadParamsSchema,
  body: Type.Object({
    /** The event that made the client follow the thread by itself; a later unsubscription by hand wins over it. */
    automatic: Type.Optional(EventIdSchema),
  }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND', 'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD', 'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION'],
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4306',
});

/** Follow a thread no longer. https://github.com/matrix-org/matrix-spec-proposals/pull/4306 */
export const unsubscribeThread = endpoint({
  id: 'unsubscribeThread',
  method: 'DELETE',
  path: '/_matrix/client/unstable/io.element.msc4306/rooms/:roomId/thread/:threadRoot/subscription',
  auth: 'access-token',
  params: ThreadParamsSchema,
  response: EmptySchema,
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4306',
});

/** List changes of what threads the user follows, the newest first. https://github.com/matrix-org/matrix-spec-proposals/pull/4308 */
export const getThreadSubscriptionsChanges = endpoint({
  id: 'getThreadSubscriptionsChanges',
  method: 'GET',
  path: '/_matrix/client/unstable/io.element.msc4308/thread_subscriptions',
  auth: 'access-token',
  query: Type.Object({
    dir: Type.Optional(DirectionSchema),
    from: Type.Optional(Type.String()),
    to: Type.Optional(Type.String()),
    limit: Type.Optional(QueryCountSchema),
  }),
  response: Type.Object({ ...ThreadSubscriptionChangesSchema.properties, end: Type.Optional(Type.String()) }),
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4308',
});
