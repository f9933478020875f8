import type { ThreadSubscriptionChanges } from 'federation-spec/api/schemas/thread-subscriptions.ts';
import type { ThreadSubscriptionChange } from '../../storage/thread-subscriptions.ts';

/** Changes by room and thread, as clients are told of them. https://github.com/matrix-org/matrix-spec-proposals/pull/4308 */
export function describeThreadSubscriptions(changes: readonly ThreadSubscriptionChange[]): ThreadSubscriptionChanges {
  const subscribed: NonNullable<ThreadSubscriptionChanges['subscribed']> = {};
  const unsubscribed: NonNullable<ThreadSubscriptionChanges['unsubscribed']> = {};
  for (const { roomId, rootId, isSubscribed, isAutomatic, position } of changes) {
    if (isSubscribed) subscribed[roomId] = { ...subscribed[roomId], [rootId]: { automatic: isAutomatic, bump_stamp: position } };
    else unsubscribed[roomId] = { ...unsubscribed[roomId], [rootId]: { bump_stamp: position } };
  }
  return {
    ...(Object.keys(subscribed).length === 0 ? {} : { subscribed }),
    ...(Object.keys(unsubscribed).length === 0 ? {} : { unsubscribed }),
  };
}
