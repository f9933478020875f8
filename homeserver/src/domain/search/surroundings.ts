import type { ClientEvent } from 'federation-spec/api/schemas/events.ts';
import type { SearchCriteria, SearchResult } from 'federation-spec/api/schemas/search.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Database } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { listMembersOfRooms } from '../../storage/sync.ts';
import { listEventsFrom } from '../../storage/timeline.ts';
import type { RoomReader } from '../rooms/enter-room.ts';
import { placeAfter } from '../rooms/paging.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import type { RenderEvents } from '../rooms/render-events.ts';
import type { ViewRoom } from '../rooms/visibility.ts';
import { formatToken } from '../streams/token.ts';

/** Events on each side of a result, unless the request says otherwise, and at most. */
const DEFAULT_SIDE = 5;
const MAX_SIDE = 50;
/** People of before our time are called as they are now. */
const LATEST = Number.MAX_SAFE_INTEGER;

export type ContextWish = NonNullable<SearchCriteria['event_context']>;
type Context = NonNullable<SearchResult['context']>;

/** What was said before and after an event, as far as the reader may see it, and by whom. */
export type ListSurroundings = (reader: RoomReader, roomId: string, event: StoredEvent, wish: ContextWish) => Promise<Context>;

type Deps = { database: Database; viewRoom: ViewRoom; renderEvents: RenderEvents };

export function createListSurroundings({ database, viewRoom, renderEvents }: Deps): ListSurroundings {
  const { sql } = database;

  /** How the people who speak here called themselves at the time. */
  async function listProfiles(roomNid: number, at: number, speakers: readonly string[]): Promise<NonNullable<Context['profile_info']>> {
    const members = await listMembersOfRooms(sql, [{ roomNid, userIds: [...new Set(speakers)], at }]);
    return Object.fromEntries(
      members.map(({ json }) => {
        const { content, state_key: userId = '' } = readPdu(json);
        return [userId, profileOf(content)];
      }),
    );
  }

  return async function listSurroundings(reader, roomId, event, wish) {
    const { maySee, membershipAt, learn } = await viewRoom(event.roomNid, reader.userId);
    const place = { topological: event.topological, eventNid: event.eventNid };
    const before = { ...place, eventNid: event.eventNid - 1 };
    const [earlier, later] = await Promise.all([
      listSide({ from: before, direction: 'backwards', limit: wish.before_limit }),
      listSide({ from: place, direction: 'forwards', limit: wish.after_limit }),
    ]);
    await learn([...earlier, ...later]);
    const render = (events: readonly StoredEvent[]): Promise<ClientEvent[]> =>
      renderEvents(events.filter(maySee), { roomId, reader, membershipAt });
    const speakers = [event, ...earlier, ...later].map((spoken) => readPdu(spoken.json).sender);
    return {
      events_before: await render(earlier),
      events_after: await render(later),
      start: formatToken({ kind: 'topological', ...(placeAfter(earlier, 'backwards') ?? before) }),
      end: formatToken({ kind: 'topological', ...(placeAfter(later, 'forwards') ?? place) }),
      ...(wish.include_profile === true ? { profile_info: await listProfiles(event.roomNid, event.position ?? LATEST, speakers) } : {}),
    };

    async function listSide(side: {
      from: typeof place;
      direction: 'backwards' | 'forwards';
      limit: number | undefined;
    }): Promise<StoredEvent[]> {
      const limit = Math.min(side.limit ?? DEFAULT_SIDE, MAX_SIDE);
      return limit === 0 ? [] : await listEventsFrom(sql, { roomNid: event.roomNid, ...side, limit });
    }
  };
}

function profileOf({ displayname, avatar_url }: JsonObject): { displayname?: string; avatar_url?: string } {
  return {
    ...(typeof displayname === 'string' ? { displayname } : {}),
    ...(typeof avatar_url === 'string' ? { avatar_url } : {}),
  };
}
