import { getMembersByRoom } from 'federation-spec/api/client/membership.ts';
import { stateKeyOf } from 'federation-spec/events/state-key.ts';
import type { ClientContext } from '../client-context.ts';
import { readRoomEvent } from '../room-event.ts';
import type { RoomRecord } from './room-record.ts';

type Deps = Pick<ClientContext, 'http' | 'store' | 'touch'>;

/** Loads all members of rooms, each room once at a time, and not again until a gap makes them doubtful. */
export function createMemberLoader({ http, store, touch }: Deps): (record: RoomRecord) => Promise<void> {
  const loading = new Map<string, Promise<void>>();

  async function load(record: RoomRecord): Promise<void> {
    const { roomId } = record;
    const answer = await http.request(getMembersByRoom, { params: { roomId }, patient: true });
    const changed: string[] = [];
    for (const entry of answer.chunk) {
      const event = readRoomEvent(entry);
      if (event?.state_key === undefined || event.type !== 'm.room.member') continue;
      const id = stateKeyOf(event.type, event.state_key);
      const known = record.state.get(id);
      // A sync may have brought something newer while the answer was under way.
      if (known !== undefined && known.origin_server_ts > event.origin_server_ts) continue;
      record.state.set(id, event);
      changed.push(id);
    }
    record.hasAllMembers = true;
    await store.write({ rooms: [{ record, state: changed, timelineChanged: false }], forgottenRoomIds: [], accountData: [] });
    touch(roomId);
  }

  return function loadMembers(record) {
    if (record.hasAllMembers || record.membership !== 'join') return Promise.resolve();
    const underway = loading.get(record.roomId);
    if (underway !== undefined) return underway;
    const started = load(record).finally(() => loading.delete(record.roomId));
    loading.set(record.roomId, started);
    return started;
  };
}
