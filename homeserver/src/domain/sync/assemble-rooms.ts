import type { BasicEvent, ClientEventWithoutRoomId } from 'federation-spec/api/schemas/events.ts';
import type { JoinedRoom, LeftRoom } from 'federation-spec/api/schemas/sync.ts';
import type { ToldRoom } from './room-to-tell.ts';
import type { UnreadCounts } from './sources.ts';

export type Extras = {
  ephemeral: BasicEvent[];
  accountData: BasicEvent[];
  /** Those that everybody in the room is brought, as far as the timeline does not have them. */
  sticky: ClientEventWithoutRoomId[];
  counts: UnreadCounts | undefined;
  countsByThread: boolean;
  /** Where the room ends, as a token: for rooms without a timeline of their own. */
  end: string;
};

/** What a sync says of a room that the user is in. */
export function assembleJoined(told: ToldRoom | undefined, wantsStateAfter: boolean, extras: Extras): JoinedRoom {
  const { counts } = extras;
  const byThread = extras.countsByThread ? (counts?.byThread ?? new Map()) : undefined;
  const inThreads = [...(counts?.byThread?.values() ?? [])];
  const folded = (pick: 'notifications' | 'highlights'): number =>
    (counts?.[pick] ?? 0) + (byThread === undefined ? inThreads.reduce((sum, thread) => sum + thread[pick], 0) : 0);
  return {
    ...assembleLeft(told, wantsStateAfter, extras.end),
    ...(told?.summary === undefined ? {} : { summary: told.summary }),
    ...(extras.sticky.length === 0 ? {} : { msc4354_sticky: { events: extras.sticky } }),
    ephemeral: { events: extras.ephemeral },
    account_data: { events: extras.accountData },
    unread_notifications: { notification_count: folded('notifications'), highlight_count: folded('highlights') },
    ...(byThread === undefined
      ? {}
      : {
          unread_thread_notifications: Object.fromEntries(
            [...byThread].map(([root, thread]) => [root, { notification_count: thread.notifications, highlight_count: thread.highlights }]),
          ),
        }),
  };
}

/** What a sync says of a room that the user has left. */
export function assembleLeft(told: ToldRoom | undefined, wantsStateAfter: boolean, end: string): LeftRoom {
  const state = { events: told?.state ?? [] };
  return {
    timeline: told?.timeline ?? { events: [], limited: false, prev_batch: end },
    ...(wantsStateAfter ? { state_after: state, 'org.matrix.msc4222.state_after': state } : { state }),
    account_data: { events: [] },
  };
}

/** Whether there is nothing in it that a client would want to be woken for. */
export function isSilent({ timeline, state, state_after, summary, ephemeral, account_data, msc4354_sticky: sticky }: JoinedRoom): boolean {
  const lists = [timeline?.events, state?.events, state_after?.events, ephemeral?.events, account_data?.events, sticky?.events];
  return summary === undefined && timeline?.limited !== true && lists.every((list) => list === undefined || list.length === 0);
}
