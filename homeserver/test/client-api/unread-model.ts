/** A plain, slow statement of what is unread: every event judged on its own, every mark kept. */
export type ModelEvent = {
  eventId: string;
  isOwn: boolean;
  /** `main`, or the event id of the thread's root. */
  thread: string;
  kind: 'message' | 'notice' | 'edit' | 'reaction' | 'state';
  body: string;
  mentionsMe: boolean;
  mentionsRoom: boolean;
};

export type ModelRules = { isMuted: boolean; isMentionsOnly: boolean; hasKeyword: boolean };

export const KEYWORD = 'nurse';

type Entry = ModelEvent & { notify: boolean; highlight: boolean; isRedacted: boolean };

export class UnreadModel {
  readonly events: Entry[] = [];
  rules: ModelRules = { isMuted: false, isMentionsOnly: false, hasKeyword: false };
  readonly #marks = new Map<string, number>();

  add(event: ModelEvent): void {
    this.events.push({ ...event, ...this.#judge(event), isRedacted: false });
    if (event.isOwn) this.mark(event.eventId, event.thread);
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

  #judge({ isOwn, kind, body, mentionsMe, mentionsRoom }: ModelEvent): { notify: boolean; highlight: boolean } {
    const silent = { notify: false, highlight: false };
    const loud = { notify: true, highlight: true };
    if (isOwn || this.rules.isMuted || kind === 'notice' || kind === 'state') return silent;
    if (mentionsMe || mentionsRoom) return loud;
    if (kind === 'reaction' || kind === 'edit') return silent;
    if (this.rules.hasKeyword && body.includes(KEYWORD)) return loud;
    return { notify: !this.rules.isMentionsOnly, highlight: false };
  }
}
