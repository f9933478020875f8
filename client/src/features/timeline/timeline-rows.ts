import type { TimelineItem } from '../../matrix/timeline/timeline-item.ts';
import { daysBetween } from '../../ui/format-time.ts';

/** Messages of one person closer together than this stand as one group. */
const GROUP_GAP_MS = 5 * 60_000;
/** From this many changes of the room in a row on, they fold into one line. */
const FOLD_FROM = 3;

export type EventLine = { key: string; text: string };

/** One row of the list on screen. */
export type TimelineRow =
  | { kind: 'top'; key: string; hasOlder: boolean }
  | { kind: 'day'; key: string; atMs: number }
  | { kind: 'unread'; key: string }
  | { kind: 'events'; key: string; lines: readonly EventLine[] }
  | { kind: 'message'; key: string; item: TimelineItem; startsGroup: boolean; endsGroup: boolean };

type MessageRow = Extract<TimelineRow, { kind: 'message' }>;

/**
 * Lays out a timeline: day separators, the line above what is new, people's messages in groups, changes of the room folded.
 * `describe` words a change of the room; nothing hides it.
 */
export function layOutTimeline(
  items: readonly TimelineItem[],
  hasOlder: boolean,
  describe: (item: TimelineItem) => string | undefined,
): TimelineRow[] {
  const rows: TimelineRow[] = [{ kind: 'top', key: 'top', hasOlder }];
  let lastMs: number | undefined;
  let previous: MessageRow | undefined;
  let pendingUnread = false;

  const breakGroup = () => {
    previous = undefined;
  };

  for (const item of items) {
    const isEvent = item.body.kind === 'state' || item.body.kind === 'membership';
    const text = isEvent ? describe(item) : undefined;
    if (isEvent && text === undefined) {
      pendingUnread ||= item.isReadMarker;
      continue;
    }

    if (lastMs === undefined || daysBetween(lastMs, item.timestampMs) !== 0) {
      rows.push({ kind: 'day', key: `day ${new Date(item.timestampMs).toDateString()}`, atMs: item.timestampMs });
      breakGroup();
    }
    lastMs = item.timestampMs;
    if (pendingUnread) {
      if (!item.isOwn) rows.push({ kind: 'unread', key: 'unread' });
      pendingUnread = false;
      breakGroup();
    }

    if (text !== undefined) {
      addEvent(rows, { key: item.key, text });
      breakGroup();
    } else {
      const joins = previous !== undefined && canJoin(previous.item, item);
      if (joins && previous !== undefined) previous.endsGroup = false;
      const row: MessageRow = { kind: 'message', key: item.key, item, startsGroup: !joins, endsGroup: true };
      rows.push(row);
      previous = row;
    }
    pendingUnread ||= item.isReadMarker;
  }
  return rows;
}

function addEvent(rows: TimelineRow[], line: EventLine): void {
  const last = rows.at(-1);
  if (last?.kind === 'events') rows[rows.length - 1] = { ...last, lines: [...last.lines, line] };
  else rows.push({ kind: 'events', key: `events ${line.key}`, lines: [line] });
}

function canJoin(earlier: TimelineItem, later: TimelineItem): boolean {
  return earlier.sender === later.sender && later.timestampMs - earlier.timestampMs < GROUP_GAP_MS;
}

/** Whether these lines are shown as one that unfolds. */
export function isFolded(lines: readonly EventLine[]): boolean {
  return lines.length >= FOLD_FROM;
}
