import type { Sql } from '../../../storage/database.ts';
import { listAuthChain } from '../../../storage/events.ts';
import type { HotRoom } from '../hot-room.ts';

/**
 * The numbers of all that the events rest on. From room version 12 on nobody names the create event, on which everything rests all the
 * same: it is part of every chain but its own.
 */
export async function listWholeAuthChain(sql: Sql, room: HotRoom, eventNids: readonly number[]): Promise<number[]> {
  const chain = await listAuthChain(sql, eventNids);
  const create = room.rules.createEventIdIsRoomId ? room.findEntry('m.room.create', '') : undefined;
  if (create === undefined || chain.includes(create.eventNid)) return chain;
  return eventNids.some((nid) => nid !== create.eventNid) ? [create.eventNid, ...chain] : chain;
}
