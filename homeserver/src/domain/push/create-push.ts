import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import { findUserNids } from '../../storage/users.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import type { Interner } from '../rooms/interner.ts';
import type { RenderEvents } from '../rooms/render-events.ts';
import { type Activity, createActivity } from '../streams/activity.ts';
import { createFollower } from '../streams/follower.ts';
import type { Log } from '../streams/log.ts';
import type { Notifier } from '../streams/notifier.ts';
import { type Audience, createAudience, type LoadPushRules } from './audience.ts';
import { type CountUnread, createCountUnread, createListChangedCounts } from './count-unread.ts';
import { createFollowEvents } from './follow-events.ts';
import { createJudgeEvent } from './judge-event.ts';
import { createListNotifications, type ListNotifications } from './list-notifications.ts';
import { createNoteEvent } from './note-event.ts';
import { createOwnEvents } from './own-events.ts';
import { createProgress } from './progress.ts';
import { createRecallActions } from './recall-actions.ts';
import { createUnreadCache } from './unread-cache.ts';

export type PushDeps = {
  database: Database;
  log: Log;
  notifier: Notifier;
  rooms: HotRooms;
  interner: Interner;
  renderEvents: RenderEvents;
  clock: Clock;
  logger: Logger;
  serverName: string;
  loadPushRules: LoadPushRules;
  /** Which users read something. */
  readers: Activity;
  /** Called when notifications were queued for pushers. */
  queued: () => void;
  /** Called when a user read something. */
  hasRead: (userNid: number) => void;
};

export type Push = {
  count: CountUnread;
  changedRooms: (request: { userNid: number; after: number; upTo: number }) => Promise<number[]>;
  audience: Audience;
  listNotifications: ListNotifications;
  stop: () => Promise<void>;
};

/** What is unread, and to whom it is pushed: a follower of the log. */
export async function createPush(deps: PushDeps): Promise<Push> {
  const { database, log, notifier, serverName, readers } = deps;
  const noted = createActivity(log.position());
  const audience = createAudience(deps);
  const findLocalUsers = (userIds: readonly string[]) =>
    findUserNids(
      database.sql,
      userIds.filter((userId) => serverNameOf(userId) === serverName),
    );
  const judgeEvent = createJudgeEvent({ ...deps, audience, findLocalUsers });
  const ownMarks = createOwnEvents(deps);
  const cache = createUnreadCache();
  const noteEvent = createNoteEvent({ ...deps, judgeEvent });
  const followEvents = createFollowEvents({ ...deps, noteEvent, ownMarks, cache, noted });

  const progress = createProgress(log.position);
  const follower = await createFollower(deps, {
    name: 'push',
    startsAt: 'beginning',
    beforeSave: ownMarks.flush,
    handle: async (range) => {
      try {
        await followEvents(range);
      } catch (error) {
        audience.forgetAll();
        throw error;
      }
      progress.reached(range.upTo);
    },
  });
  progress.reached(follower.position());
  notifier.onCommit(({ events, wakes, to }) => {
    for (const { readBy } of wakes) {
      for (const userNid of readBy ?? []) {
        cache.forgetUser(userNid);
        deps.hasRead(userNid);
      }
    }
    if (events.length > 0) progress.expect(to);
  });

  return {
    count: createCountUnread({ database, cache, loadReadMarks: ownMarks.loadReadMarks, caughtUp: progress.caughtUp }),
    changedRooms: createListChangedCounts({ database, readers, noted }),
    audience,
    listNotifications: createListNotifications({
      ...deps,
      loadReadMarks: ownMarks.loadReadMarks,
      recallActions: createRecallActions({ ...deps, audience }),
      caughtUp: progress.caughtUp,
    }),
    stop: follower.stop,
  };
}
