import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/events/event.ts';
import { MAIN_TIMELINE, threadOf } from '../../src/push-rules/thread-of.ts';

function related(relType: string, eventId: string): JsonObject {
  return { type: 'm.room.message', content: { 'm.relates_to': { rel_type: relType, event_id: eventId } } };
}

const events: Record<string, JsonObject> = {
  $root: { type: 'm.room.message', content: { body: 'root' } },
  $reply: related('m.thread', '$root'),
  $reaction: related('m.annotation', '$reply'),
  $edit: related('m.replace', '$reaction'),
  $far: related('m.reference', '$edit'),
  $ring: related('m.reference', '$ring'),
};

test.each([
  ['the root itself is in the main timeline', '$root', MAIN_TIMELINE],
  ['a message of a thread is in it', '$reply', '$root'],
  ['a reaction to one is too', '$reaction', '$root'],
  ['what relates to that is too', '$edit', '$root'],
  ['after three hops nobody looks further', '$far', MAIN_TIMELINE],
  ['a ring of relations ends', '$ring', MAIN_TIMELINE],
])('%s', (_, eventId, thread) => {
  expect(threadOf(events[eventId] ?? {}, (id) => events[id])).toBe(thread);
});
