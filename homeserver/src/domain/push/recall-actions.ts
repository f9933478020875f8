import { evaluatePushRules, readPushActions } from 'federation-spec/push-rules/evaluate-push-rules.ts';
import type { PushAction } from 'federation-spec/push-rules/push-rule.ts';
import type { NotifiedEvent } from '../../storage/notified-events.ts';
import { MEMBER } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import type { Audience } from './audience.ts';
import { contextOf, toShown } from './judge-event.ts';

/** What a person's rules did about an event they were notified of. */
export type RecallActions = (userNid: number, notified: NotifiedEvent) => Promise<PushAction[]>;

/**
 * What was done is not kept beyond whether it notified and highlighted: the rules are asked again, and believed when they still say that.
 * https://spec.matrix.org/latest/client-server-api/#listing-notifications
 */
export function createRecallActions({ rooms, audience }: { rooms: HotRooms; audience: Audience }): RecallActions {
  return async (userNid, { event: row, highlight }) => {
    const plain: PushAction[] = highlight ? ['notify', { set_tweak: 'highlight', value: true }] : ['notify'];
    const room = await rooms.loadByNid(row.roomNid);
    if (room === undefined) return plain;
    const { userId, ruleset } = await audience.loadListener(userNid);
    await rooms.ensureMembers(room, [userId]);
    const event = readPdu(row.json);
    const name = room.find(MEMBER, userId)?.content['displayname'];
    const who = { userId, displayName: typeof name === 'string' ? name : undefined };
    const actions =
      evaluatePushRules(ruleset, toShown(room, event, row.eventId), { ...contextOf(room, event.sender), ...who })?.actions ?? [];
    const effect = readPushActions(actions);
    return effect.notify && effect.highlight === highlight ? [...actions] : plain;
  };
}
