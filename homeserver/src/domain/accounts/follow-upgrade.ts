import { isJsonObject } from 'federation-spec/events/event.ts';
import type { AccountData } from './account-data.ts';
import type { PushRules } from './push-rules.ts';

const TAGS = 'm.tag';
const DIRECT = 'm.direct';

/** Lets what a person keeps of a room count for the room that replaces it: tags, push rules, being a direct chat. */
export type FollowUpgrade = (user: { userId: string; userNid: number }, rooms: { from: string; to: string }) => Promise<void>;

/** What the new room has of its own already stays. https://spec.matrix.org/latest/client-server-api/#room-upgrades */
export function createFollowUpgrade({ accountData, pushRules }: { accountData: AccountData; pushRules: PushRules }): FollowUpgrade {
  return async function followUpgrade(user, { from, to }) {
    const tags = await accountData.find(user.userNid, from, TAGS);
    if (tags !== undefined) await accountData.edit(user.userNid, to, TAGS, (own) => (own === undefined ? tags : undefined));

    await accountData.edit(user.userNid, undefined, DIRECT, (direct) => {
      const lists = Object.entries(direct ?? {});
      const isNew = lists.some(([, roomIds]) => Array.isArray(roomIds) && roomIds.includes(from) && !roomIds.includes(to));
      if (!isNew) return undefined;
      return Object.fromEntries(
        lists.map(([userId, roomIds]) => [
          userId,
          Array.isArray(roomIds) && roomIds.includes(from) ? [...new Set([...roomIds, to])] : roomIds,
        ]),
      );
    });

    const rules = await pushRules.load(user);
    const roomRule = rules.room.find((rule) => rule.rule_id === from);
    if (roomRule !== undefined && !rules.room.some((rule) => rule.rule_id === to))
      await pushRules.set(user, { kind: 'room', ruleId: to, actions: roomRule.actions });
    const muting = rules.override.find((rule) => rule.rule_id === from);
    if (muting === undefined || rules.override.some((rule) => rule.rule_id === to)) return;
    const conditions = (muting.conditions ?? []).map((condition) =>
      isJsonObject(condition) && condition.kind === 'event_match' && condition['key'] === 'room_id'
        ? { ...condition, pattern: to }
        : condition,
    );
    await pushRules.set(user, { kind: 'override', ruleId: to, actions: muting.actions, conditions });
  };
}
