import type { JsonObject } from 'federation-spec/events/event.ts';
import { forbidden } from '../../platform/matrix-error.ts';
import type { Log } from '../streams/log.ts';
import { type HotRoom, MEMBER } from './hot-room.ts';
import { makeSigned } from './make-signed.ts';
import type { Policy } from './policy/policy-server.ts';
import type { PrepareEvent } from './prepare-event.ts';
import type { CheckedPdu } from './receive-pdu/check-pdu.ts';
import type { Reception } from './receive-pdu/reception.ts';
import type { RemoteRooms } from './remote-rooms.ts';

export type Invite = { sender: string; senderNid: number; target: string; content: JsonObject };

/** Invites a user of another server, whose server signs the invite first; resolves with the invite's event id. */
export type InviteUser = (room: HotRoom, invite: Invite) => Promise<string>;

/** Takes in an event of ours that does not build upon the room's heads, as one of another server would be. */
export type TakeIn = (room: HotRoom, pdu: CheckedPdu) => Promise<Reception>;

type Deps = { log: Log; prepareEvent: PrepareEvent; policy: Policy; inviteRemote: RemoteRooms['invite']; takeIn: TakeIn };

/**
 * Where the room has a policy server, that signs before the invited user's server hears of the invite. That one is asked once: it need not
 * see several invites because the room moved on, nor can it keep the room waiting.
 */
export function createInviteUser({ log, prepareEvent, policy, inviteRemote, takeIn }: Deps): InviteUser {
  return async function inviteUser(room, { sender, senderNid, target, content }) {
    const draft = { type: MEMBER, stateKey: target, sender, content };
    const { eventId, appended } = await makeSigned(room, {
      make: () => prepareEvent(room, draft, { senderNid }),
      sign: async ({ event, head }) => await inviteRemote(room, await policy.sign(room, event), head.eventId),
      putBeside: async ({ event, head: { eventId } }) => {
        const { reason, committed } = await takeIn(room, { event, eventId });
        if (reason !== undefined) throw forbidden(reason);
        return { eventId, appended: committed };
      },
      put: async (prepared): Promise<{ eventId: string; appended: Promise<unknown> }> => ({
        eventId: prepared.head.eventId,
        appended: log.append({ events: [room.stage(prepared)] }),
      }),
    });
    await appended;
    return eventId;
  };
}
