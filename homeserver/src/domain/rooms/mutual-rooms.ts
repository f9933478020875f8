import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import { invalidParam } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import { listSharedRooms } from '../../storage/memberships.ts';

/** Most rooms of one answer. */
const PAGE = 100;
const TOKEN = /^m(\d{1,15})$/;

/** The rooms that two people are both in. Throws M_INVALID_PARAM for what is no user id, oneself, or no token. */
export type ListMutualRooms = (
  user: { userId: string; userNid: number },
  otherId: string,
  from: string | undefined,
) => Promise<{ joined: string[]; count: number; nextBatch: string | undefined }>;

/** https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1mutual_rooms */
export function createListMutualRooms({ database }: { database: Database }): ListMutualRooms {
  return async function listMutualRooms(user, otherId, from) {
    if (parseUserId(otherId) === undefined) throw invalidParam(`${otherId} is no user id.`);
    if (otherId === user.userId) throw invalidParam('You share all your rooms with yourself.');
    const after = from === undefined ? 0 : Number(TOKEN.exec(from)?.[1] ?? Number.NaN);
    if (Number.isNaN(after)) throw invalidParam('from is no token of this list.');
    const { rooms, count } = await listSharedRooms(database.sql, { userNid: user.userNid, otherId, after, limit: PAGE + 1 });
    const page = rooms.slice(0, PAGE);
    const last = page.at(-1);
    return {
      joined: page.map((room) => room.roomId),
      count,
      nextBatch: rooms.length > PAGE && last !== undefined ? `m${last.roomNid}` : undefined,
    };
  };
}
