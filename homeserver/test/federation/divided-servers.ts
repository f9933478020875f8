import { expect } from 'vitest';
import { type GatedServers, startGatedServers } from '../kit/gated-servers.ts';
import type { TestServer } from '../kit/start-server.ts';
import type { ClientEvent, TestUser } from '../kit/test-user.ts';

/** Three servers and a moderator on each, who all may do almost everything. */
export type DividedServers = AsyncDisposable & {
  network: GatedServers;
  moderators: readonly TestUser[];
  /** A public room of a version with the moderators in it. */
  createRoom: (version: string) => Promise<string>;
  /**
   * Resolves when all three say the same of the room: its state, and every event by walking back through it. Only what a server has
   * soft-failed (said by somebody who was put out of the room elsewhere) may be shown by others and not by it.
   */
  converge: (roomId: string, timeoutMs?: number) => Promise<void>;
};

const PAGE = 50;
const MAX_PAGES = 400;
const SOFT_FAILED = 3;

export async function startDividedServers(): Promise<DividedServers> {
  const network = await startGatedServers(3);
  const moderators: TestUser[] = [];
  for (const [index, name] of ['montague', 'capulet', 'escalus'].entries()) moderators.push(await network.user(name, index));
  const [first, ...others] = moderators;
  if (first === undefined) throw new Error('nobody is there');

  return {
    network,
    moderators,
    createRoom: async (version) => {
      const roomId = await first.createRoom({
        preset: 'public_chat',
        room_version: version,
        power_level_content_override: {
          users_default: 0,
          users: { ...(version === '12' ? {} : { [first.id]: 100 }), ...levels(others, 90) },
        },
      });
      for (const other of others) await other.join(roomId, { via: [network.at(0).name] });
      for (const user of moderators) {
        const joined = async () => (await user.state(roomId)).filter(isJoined).length;
        await expect.poll(joined, { timeout: 30_000 }).toBe(3);
      }
      return roomId;
    },
    converge: async (roomId, timeoutMs = 90_000) => {
      let last = '';
      const agreement = async () => {
        const views = await Promise.all(moderators.map((user) => viewOf(user, roomId)));
        const all = new Set(views.flatMap((view) => view.history));
        for (const [index, view] of views.entries()) await addSoftFailed(network.at(index), view, all);
        last = describe(views);
        return new Set(views.map((view) => JSON.stringify(view))).size;
      };
      await expect
        .poll(agreement, { timeout: timeoutMs, interval: 500 })
        .toBe(1)
        .catch((error: unknown) => {
          throw new Error(`the servers do not agree about ${roomId}:\n${last}`, { cause: error });
        });
    },
    [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
  };
}

const levels = (users: readonly TestUser[], level: number) => Object.fromEntries(users.map((user) => [user.id, level]));
const isJoined = (event: ClientEvent) => event.type === 'm.room.member' && event.content['membership'] === 'join';

/** Counts the events that a server keeps back by right among those it shows. */
async function addSoftFailed(server: TestServer, view: View, all: ReadonlySet<string>): Promise<void> {
  const missing = [...all].filter((id) => !view.history.includes(id));
  if (missing.length === 0) return;
  const rows = await server.sql<{ id: string }[]>`
    select event_id as id from events where event_id = any(${missing}::text[]) and kind = ${SOFT_FAILED}`;
  view.history = [...view.history, ...rows.map((row) => row.id)].sort();
}

type View = { state: string[]; history: string[] };

/** What a user's server says of a room. */
async function viewOf(user: TestUser, roomId: string): Promise<View> {
  const state = (await user.state(roomId)).map((event) => `${event.type} ${event.state_key} ${event.event_id}`).sort();
  const history = new Set<string>();
  let from = '';
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=${PAGE}${from === '' ? '' : `&from=${from}`}`;
    const body = (await user.call('GET', path)) as { chunk: ClientEvent[]; end?: string };
    for (const event of body.chunk) {
      if (history.has(event.event_id)) throw new Error(`${user.id} is shown ${event.event_id} twice`);
      history.add(event.event_id);
    }
    if (body.end === undefined) break;
    from = encodeURIComponent(body.end);
  }
  return { state, history: [...history].sort() };
}

/** Where the views differ. */
function describe(views: readonly View[]): string {
  const lines: string[] = [];
  for (const part of ['state', 'history'] as const) {
    const all = new Set(views.flatMap((view) => view[part]));
    for (const line of all) {
      const by = views.map((view) => (view[part].includes(line) ? 'yes' : 'no')).join(' ');
      if (by.includes('no')) lines.push(`${part}: ${by}: ${line}`);
    }
  }
  return lines.slice(0, 40).join('\n');
}
