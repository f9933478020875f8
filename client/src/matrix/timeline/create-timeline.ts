import { getOneRoomEvent, getRoomEvents } from 'federation-spec/api/client/messages.ts';
import type { ClientContext } from '../client-context.ts';
import { stringIn } from '../json.ts';
import { createDerivedSignal } from '../observable/derived-signal.ts';
import { type RoomEvent, readRoomEvent } from '../room-event.ts';
import { prependHistory } from '../rooms/apply-room-update.ts';
import type { RoomRecord } from '../rooms/room-record.ts';
import { buildTimeline } from './build-timeline.ts';
import { reuseUnchanged } from './reuse-unchanged.ts';
import type { StoredEvent } from './stored-event.ts';
import type { Timeline } from './timeline.ts';

const PAGE_LIMIT = 40;
/** Pages fetched by one `loadOlder` when they hold nothing to show. */
const MAX_EMPTY_PAGES = 5;
const MESSAGES_FILTER = JSON.stringify({ lazy_load_members: true });

type Deps = {
  record: RoomRecord;
  context: ClientContext;
  uploadProgress: ReadonlyMap<string, number>;
  echoKeys: ReadonlyMap<string, string>;
};

export type LiveTimeline = Timeline & { invalidate(): void };

/** The timeline of a room over its record: shows what is known, loads what is older. */
export function createTimeline({ record, context, uploadProgress, echoKeys }: Deps): LiveTimeline {
  const { http, ownUserId, queue } = context;
  const extraEvents = new Map<string, StoredEvent>();
  const fetching = new Set<string>();
  const readMarkerEventId = stringIn(record.accountData.get('m.fully_read'), 'event_id');
  let loading: Promise<void> | undefined;
  let error: string | undefined;

  const state = createDerivedSignal<ReturnType<Timeline['state']['get']>>((previous) => {
    const outgoing = queue.list(record.roomId);
    const items = buildTimeline({ record, ownUserId, outgoing, uploadProgress, extraEvents, echoKeys, readMarkerEventId });
    return {
      items: reuseUnchanged(previous?.items ?? [], items),
      hasOlder: record.prevBatch !== undefined,
      isLoadingOlder: loading !== undefined,
      error,
    };
  });

  async function loadPages(limit: number): Promise<void> {
    const shownBefore = state.get().items.length;
    for (let page = 0; page < MAX_EMPTY_PAGES && record.prevBatch !== undefined; page += 1) {
      await loadPage(record.prevBatch, limit);
      state.invalidate();
      if (state.get().items.length > shownBefore) break;
    }
  }

  async function loadPage(from: string, limit: number): Promise<void> {
    const { roomId } = record;
    const answer = await http.request(getRoomEvents, {
      params: { roomId },
      query: { dir: 'b', from, limit: String(limit), filter: MESSAGES_FILTER },
      patient: true,
    });
    const events = await context.decrypt(roomId, readEvents(answer.chunk));
    // A sync with a gap may have begun the timeline anew meanwhile.
    if (record.prevBatch !== from) return;
    const isAtStart = answer.end === undefined || answer.end === from;
    prependHistory(record, events, isAtStart ? undefined : answer.end, readEvents(answer.state ?? []));
  }

  async function fetchEvent(eventId: string): Promise<void> {
    const event = readRoomEvent(await http.request(getOneRoomEvent, { params: { roomId: record.roomId, eventId } }));
    const [stored] = event === undefined ? [] : await context.decrypt(record.roomId, [event]);
    if (stored === undefined) return;
    extraEvents.set(eventId, stored);
    state.invalidate();
  }

  return {
    state,
    invalidate: state.invalidate,
    loadOlder(limit = PAGE_LIMIT) {
      loading ??= loadPages(limit)
        .then(
          () => {
            error = undefined;
          },
          (reason: unknown) => {
            error = reason instanceof Error ? reason.message : String(reason);
          },
        )
        .finally(() => {
          loading = undefined;
          state.invalidate();
          context.touch(record.roomId);
        });
      state.invalidate();
      return loading;
    },
    async loadEvent(eventId) {
      if (fetching.has(eventId) || extraEvents.has(eventId) || record.timeline.some(({ event }) => event.event_id === eventId)) return;
      fetching.add(eventId);
      // An event that we may not see is not an error: the preview stays empty.
      await fetchEvent(eventId).catch(() => undefined);
    },
  };
}

function readEvents(chunk: readonly unknown[]): RoomEvent[] {
  return chunk.flatMap((event) => readRoomEvent(event) ?? []);
}
