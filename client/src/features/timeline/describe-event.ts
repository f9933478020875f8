import type { JsonObject } from '../../matrix/json.ts';
import { stringIn } from '../../matrix/json.ts';
import type { MembershipBody, TimelineItem } from '../../matrix/timeline/timeline-item.ts';

type Translate = (key: string, named?: Record<string, unknown>) => string;

/** The sentence for a change of the room, or nothing for those that people need not see. */
export function describeEvent(item: TimelineItem, t: Translate): string | undefined {
  const { body, senderName: name } = item;
  if (body.kind === 'membership') return describeMembership(body, name, t);
  if (body.kind === 'state') return describeState(body.type, body.content, name, t);
  return undefined;
}

function describeMembership(body: MembershipBody, name: string, t: Translate): string | undefined {
  const target = body.displayName;
  if (body.change === 'none') return undefined;
  if (body.change === 'profile-changed') {
    const previous = body.previousDisplayName;
    return previous !== undefined && previous !== target
      ? t('event.renamed', { previous, target })
      : t('event.profile-changed', { target });
  }
  return t(`event.${body.change}`, { name, target });
}

/** State whose change has one fixed sentence. */
const SENTENCES: Readonly<Record<string, string>> = {
  'm.room.create': 'event.created',
  'm.room.avatar': 'event.avatar',
  'm.room.encryption': 'event.encryption',
  'm.room.power_levels': 'event.powerLevels',
  'm.room.join_rules': 'event.joinRules',
  'm.room.history_visibility': 'event.historyVisibility',
  'm.room.tombstone': 'event.tombstone',
  'm.room.pinned_events': 'event.pinned',
};

function describeState(type: string, content: JsonObject, name: string, t: Translate): string | undefined {
  if (type === 'm.room.name') return withValue('name', stringIn(content, 'name'), name, t);
  if (type === 'm.room.topic') return withValue('topic', stringIn(content, 'topic'), name, t);
  const key = SENTENCES[type];
  return key === undefined ? undefined : t(key, { name });
}

function withValue(what: 'name' | 'topic', value: string | undefined, name: string, t: Translate): string {
  return value === undefined || value === '' ? t(`event.${what}Removed`, { name }) : t(`event.${what}`, { name, value });
}
