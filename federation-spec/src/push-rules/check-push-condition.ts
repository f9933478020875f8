import type { JsonObject, JsonValue } from '../events/event.ts';
import { compileGlob, compileLiteral, type Glob } from './match-glob.ts';
import { readProperty } from './property-path.ts';
import type { PushContext } from './push-context.ts';
import type { PushCondition } from './push-rule.ts';

/** Whether a thread is followed, or is not. https://github.com/matrix-org/matrix-spec-proposals/pull/4306 */
export const THREAD_SUBSCRIPTION = 'io.element.msc4306.thread_subscription';
/** The property whose matches are parts that begin and end at word boundaries. */
const BODY_PATH = 'content.body';
const MEMBER_COUNT = /^(==|<=|>=|<|>)?([0-9]+)$/;

/** Compiled patterns by their text: the default rules ask the same few for every event. The oldest goes when it is full. */
const MAX_REMEMBERED_GLOBS = 1_000;
const rememberedGlobs = new Map<string, Glob>();

/**
 * Whether one condition of a push rule holds for an event. A condition that is not known, or lacks a parameter, never holds.
 *
 * https://spec.matrix.org/latest/client-server-api/#conditions-1
 */
export function isPushConditionMet(condition: PushCondition, event: JsonObject, context: PushContext): boolean {
  const key = condition['key'];
  switch (condition.kind) {
    case 'event_match':
      return typeof key === 'string' && typeof condition['pattern'] === 'string' && matchesProperty(event, key, condition['pattern']);
    case 'event_property_is': {
      const value = typeof key === 'string' ? readProperty(event, key) : undefined;
      return isComparable(value) && value === condition['value'];
    }
    case 'event_property_contains': {
      const values = typeof key === 'string' ? readProperty(event, key) : undefined;
      const wanted = condition['value'];
      return Array.isArray(values) && isComparable(wanted) && values.some((value) => value === wanted);
    }
    case 'contains_display_name':
      return containsDisplayName(event, context.displayName);
    case 'room_member_count':
      return typeof condition['is'] === 'string' && matchesMemberCount(condition['is'], context.memberCount);
    case 'sender_notification_permission':
      return typeof key === 'string' && context.hasNotificationPermission(key);
    case THREAD_SUBSCRIPTION:
      return context.followsThread !== undefined && context.followsThread === condition['subscribed'];
    default:
      return false;
  }
}

/** Whether a glob matches a text property: all of it, or whole words of it when it is the body of a message. */
export function matchesProperty(event: JsonObject, path: string, pattern: string): boolean {
  const text = readProperty(event, path);
  if (typeof text !== 'string') return false;
  const glob = rememberGlob(pattern);
  return path === BODY_PATH ? glob.matchesWords(text) : glob.matches(text);
}

function rememberGlob(pattern: string): Glob {
  const known = rememberedGlobs.get(pattern);
  if (known !== undefined) return known;
  const glob = compileGlob(pattern);
  const [oldest] = rememberedGlobs.keys();
  if (oldest !== undefined && rememberedGlobs.size >= MAX_REMEMBERED_GLOBS) rememberedGlobs.delete(oldest);
  rememberedGlobs.set(pattern, glob);
  return glob;
}

/** Texts, whole numbers, booleans and null are compared; nothing else is ever equal. */
function isComparable(value: JsonValue | undefined): boolean {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value);
}

function containsDisplayName(event: JsonObject, displayName: string | undefined): boolean {
  const body = readProperty(event, BODY_PATH);
  if (typeof body !== 'string' || displayName === undefined || displayName === '') return false;
  return compileLiteral(displayName).matchesWords(body);
}

function matchesMemberCount(is: string, memberCount: number): boolean {
  const [, operator = '==', digits] = MEMBER_COUNT.exec(is) ?? [];
  if (digits === undefined) return false;
  const wanted = Number(digits);
  switch (operator) {
    case '<':
      return memberCount < wanted;
    case '>':
      return memberCount > wanted;
    case '<=':
      return memberCount <= wanted;
    case '>=':
      return memberCount >= wanted;
    default:
      return memberCount === wanted;
  }
}
