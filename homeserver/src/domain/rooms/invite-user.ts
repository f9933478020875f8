import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Log } from '../streams/log.ts';
import { type HotRoom, MEMBER } from './hot-room.ts';
import { makeSigned } from './make-signed.ts';
import type { Policy } from './policy/policy-server.ts';
import type { PrepareEvent } from './prepare-event.ts';
import type { RemoteRooms } from './remote-rooms.ts';

export type Invite = { sender: string; senderNid: number; target: string; content: JsonObject };

/** Invites a user of another server, whose server signs the invite first; resolves with the invite's event id. */
export type InviteUser = (room: HotRoom, invite: Invite) => Promise<string>;

type Deps = { log: Log; prepareEvent: PrepareEvent; policy: Policy; inviteRemote: RemoteRooms['invite'] };

/** Where the room has a policy server, that signs before the invited user's server hears of the invite. */
export function createInviteUser({ log, prepareEvent, policy, inviteRemote }: Deps): InviteUser {
  return async function inviteUser(room, { sender, senderNid, target, content }) {
    const draft = { type: MEMBER, stateKey: target, sender, content };
    const { eventId, appended } = await makeSigned(room, {
      make: () => prepareEvent(room, draft, { senderNid }),
      sign: async ({ event, head }) => await inviteRemote(room, await policy.sign(room, event), head.eventId),
      put: async (prepared) => ({ eventId: prepared.head.eventId, appended: log.append({ events: [room.stage(prepared)] }) }),
    });
    await appended;
    return eventId;
  };
}
