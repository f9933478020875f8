import type { TimelineItem } from './timeline-item.ts';

/** Gives back the earlier object for every item that did not change, so that a view only redraws what did. */
export function reuseUnchanged(previous: readonly TimelineItem[], next: readonly TimelineItem[]): TimelineItem[] {
  const byKey = new Map(previous.map((item) => [item.key, item]));
  return next.map((item) => {
    const before = byKey.get(item.key);
    return before !== undefined && isSame(before, item) ? before : item;
  });
}

/** Structural equality of plain data; anything with a class of its own (a Blob) is compared by identity. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((entry, at) => isSame(entry, b[at]));
  if (!isPlain(a) || !isPlain(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && isSame(a[key], b[key]));
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
