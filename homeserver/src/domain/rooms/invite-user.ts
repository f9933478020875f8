import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Log } from '../streams/log.ts';
import { type HotRoom, MEMBER } from './hot-room.ts';
import type { PrepareEvent } from './prepare-event.ts';
import type { RemoteRooms } from './remote-rooms.ts';

/** How often an invite is made anew because the room moved on while the other server was asked. */
const MAX_ATTEMPTS = 4;

export type Invite = { sender: string; senderNid: number; target: string; content: JsonObject };

/** Invites a user of another server, whose server signs the invite first; resolves with the invite's event id. */
export type InviteUser = (room: HotRoom, invite: Invite) => Promise<string>;

type Deps = { log: Log; prepareEvent: PrepareEvent; inviteRemote: RemoteRooms['invite'] };

/**
 * The other server is asked outside the room's turn, so that a slow one does not hold the room. When the heads have moved meanwhile the
 * invite is made anew; at the last attempt the room waits.
 */
export function createInviteUser({ log, prepareEvent, inviteRemote }: Deps): InviteUser {
  return async function inviteUser(room, { sender, senderNid, target, content }) {
    const draft = { type: MEMBER, stateKey: target, sender, content };

    for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt += 1) {
      const { prepared, heads } = await room.turns.take(async () => {
        const made = await prepareEvent(room, draft, { senderNid });
        return { prepared: made, heads: room.heads };
      });
      const signed = await inviteRemote(room, prepared.event, prepared.head.eventId);
      const committed = await room.turns.take(async () => {
        if (room.heads !== heads) return undefined;
        prepared.logged.row.json = JSON.stringify(signed);
        return { appended: log.append({ events: [room.stage({ ...prepared, event: signed })] }) };
      });
      if (committed === undefined) continue;
      await committed.appended;
      return prepared.head.eventId;
    }

    return await room.turns.take(async () => {
      const prepared = await prepareEvent(room, draft, { senderNid });
      const signed = await inviteRemote(room, prepared.event, prepared.head.eventId);
      prepared.logged.row.json = JSON.stringify(signed);
      await log.append({ events: [room.stage({ ...prepared, event: signed })] });
      return prepared.head.eventId;
    });
  };
}
