import type { ClientEvent, TestUser } from '../kit/test-user.ts';
import { isTheirs, lacks } from './limits.ts';
import { roomPath } from './sides.ts';

/** What a user's server says of a room: the current state, and all that was said, by event id, with what is left of it. */
export type View = { state: ReadonlyMap<string, string>; history: ReadonlyMap<string, string> };

type Shown = ClientEvent & { redacts?: string };

const PAGE = 100;
const MAX_PAGES = 200;

export async function viewOf(user: TestUser, roomId: string): Promise<View> {
  const state = new Map((await user.state(roomId)).map((event) => [`${event.type} ${event.state_key}`, event.event_id]));
  const history = new Map<string, string>();
  const mayRepeat = isTheirs(user) && lacks('pages without repetition');
  let from = '';
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const path = `${roomPath(roomId)}/messages?dir=b&limit=${PAGE}${from === '' ? '' : `&from=${encodeURIComponent(from)}`}`;
    const body = (await user.call('GET', path)) as { chunk: Shown[]; end?: string };
    for (const event of body.chunk) {
      if (history.has(event.event_id) && !mayRepeat) throw new Error(`${user.id} is shown ${event.event_id} twice`);
      history.set(event.event_id, describeEvent(event));
    }
    if (body.end === undefined || body.end === from) break;
    from = body.end;
  }
  return { state, history };
}

function describeEvent({ type, sender, state_key: stateKey, content, redacts }: Shown): string {
  // Where a redaction names the event depends on the room's version, and not every server tells its clients at both places.
  const told = type === 'm.room.redaction' ? { redacts, ...content } : content;
  return `${type} ${stateKey ?? ''} ${sender} ${JSON.stringify(sortKeys(told))}`;
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => [key, sortKeys(entry)]),
  );
}

/** Where the views differ, one line each: what each of them says. */
export function listDifferences(views: readonly View[]): string[] {
  const lines: string[] = [];
  for (const part of ['state', 'history'] as const) {
    for (const key of new Set(views.flatMap((view) => [...view[part].keys()]))) {
      const told = views.map((view) => view[part].get(key) ?? 'nothing');
      if (new Set(told).size > 1) lines.push(`${part} ${key}: ${told.join(' | ')}`);
    }
  }
  return lines;
}
