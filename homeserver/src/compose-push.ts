import { createPush, type PushDeps } from './domain/push/create-push.ts';

/** Counting what is unread, and pushing it. */
export async function composePush(deps: Omit<PushDeps, 'queued'>) {
  const push = await createPush({ ...deps, queued: () => undefined });
  return { ...push, unread: { count: push.count, changedRooms: push.changedRooms } };
}
