import { type Static, Type } from 'typebox';
import { mapOf } from './json.ts';

/** Changes of what threads a user follows, by room id, then by the thread's root. https://github.com/matrix-org/matrix-spec-proposals/pull/4308 */
export const ThreadSubscriptionChangesSchema = Type.Object({
  subscribed: Type.Optional(mapOf(mapOf(Type.Object({ automatic: Type.Boolean(), bump_stamp: Type.Integer() })))),
  unsubscribed: Type.Optional(mapOf(mapOf(Type.Object({ bump_stamp: Type.Integer() })))),
});
export type ThreadSubscriptionChanges = Static<typeof ThreadSubscriptionChangesSchema>;
