/** A plain, slow statement of what is unread: every event judged on its own, every mark kept. */
export type ModelEvent = {
  eventId: string;
  isOwn: boolean;
  /** `main`, or the event id of the thread's root. */
  thread: string;
  kind: 'message' | 'encrypted' | 'notice' | 'edit' | 'reaction' | 'state' | 'join';
  body: string;
  mentionsMe: boolean;
  mentionsRoom: boolean;
};

export type ModelRules = {
  /** An override rule for the room says nothing is to be notified. */
  isMuted: boolean;
  /** A room rule says the same, which mentions and keywords go before. */
  isMentionsOnly: boolean;
  hasKeyword: boolean;
  /** A rule for the sender says the same. */
  isSenderMuted: boolean;
  /** An override rule looks for the own display name where nobody is mentioned by id. */
  hasName: boolean;
};

export const KEYWORD = 'nurse';
export const DISPLAY_NAME = 'Lady Capulet';

const NO_RULES: ModelRules = { isMuted: false, isMentionsOnly: false, hasKeyword: false, isSenderMuted: false, hasName: false };

type Entry = ModelEvent & { notify: boolean; highlight: boolean; isRedacted: boolean };

export class UnreadModel {
  readonly events: Entry[] = [];
  rules: ModelRules = NO_RULES;
  readonly #marks = new Map<string, number>();

  add(event: ModelEvent): void {
    this.events.push({ ...event, ...this.#judge(event), isRedacted: false });
    if (event.isOwn) this.mark(event.eventId, event.kind === 'join' ? '' : event.thread);
  }

  /** A receipt; `thread` is empty for all of the room. */
  mark(eventId: string, thread: string): void {
    const at = this.events.findIndex((event) => event.eventId === eventId);
    this.#marks.set(thread, Math.max(at, this.#marks.get(thread) ?? -1));
  }

  redact(eventId: string): void {
    for (const event of this.events) if (event.eventId === eventId) event.isRedacted = true;
  }

  unread() {
    const main = { notification_count: 0, highlight_count: 0 };
    const threads: Record<string, typeof main> = {};
    for (const [at, { thread, notify, highlight, isRedacted }] of this.events.entries()) {
      const mark = Math.max(this.#marks.get('') ?? -1, this.#marks.get(thread) ?? -1);
      if (at <= mark || !notify || isRedacted) continue;
      threads[thread] ??= { notification_count: 0, highlight_count: 0 };
      const count = thread === 'main' ? main : threads[thread];
      count.notification_count += 1;
      if (highlight) count.highlight_count += 1;
    }
    const { main: _none, ...others } = threads;
    return { main, threads: others };
  }

  /** All of it together, as clients see it that know of no threads. */
  unreadOfRoom() {
    const { main, threads } = this.unread();
    return [main, ...Object.values(threads)].reduce((sum, count) => ({
      notification_count: sum.notification_count + count.notification_count,
      highlight_count: sum.highlight_count + count.highlight_count,
    }));
  }

  #judge({ isOwn, kind, body, mentionsMe, mentionsRoom }: ModelEvent): { notify: boolean; highlight: boolean } {
    const silent = { notify: false, highlight: false };
    const loud = { notify: true, highlight: true };
    const { isMuted, isMentionsOnly, hasKeyword, isSenderMuted, hasName } = this.rules;
    const isReadable = kind !== 'encrypted' && kind !== 'state' && kind !== 'reaction';
    if (isOwn || isMuted) return silent;
    if (hasName && isReadable && body.includes(DISPLAY_NAME)) return loud;
    if (kind === 'notice' || kind === 'join') return silent;
    if (mentionsMe || mentionsRoom) return loud;
    if (kind === 'reaction' || kind === 'edit') return silent;
    if (hasKeyword && isReadable && body.includes(KEYWORD)) return loud;
    return { notify: kind !== 'state' && !isMentionsOnly && !isSenderMuted, highlight: false };
  }
}
