import type { SlidingSyncRequest, SlidingSyncResponse } from 'federation-spec/api/schemas/sliding-sync.ts';
import { isJsonObject } from 'federation-spec/events/event.ts';
import type { Clock } from '../../../platform/clock.ts';
import { invalidParam } from '../../../platform/matrix-error.ts';
import { findAccountData } from '../../../storage/account-data.ts';
import type { Database } from '../../../storage/database.ts';
import type { Log } from '../../streams/log.ts';
import type { Notifier } from '../../streams/notifier.ts';
import type { AccountDataForSync, E2eeForSync, EphemeralForSync, SyncDevice } from '../sources.ts';
import type { ListStandings } from '../standings.ts';
import { MAX_SYNC_WAIT_MS } from '../sync.ts';
import type { Connections, Position } from './connections.ts';
import type { ListRooms, Personal } from './list-rooms.ts';
import { listEnabled, readToDeviceSince, type TellExtensions } from './tell-extensions.ts';
import type { TellSlidingRooms } from './tell-sliding-rooms.ts';

const MAX_LISTS = 100;
const MAX_RANGES_PER_LIST = 20;
const MAX_SUBSCRIPTIONS = 100;
/** How often one request looks anew for something to tell. */
const MAX_ROUNDS = 1_000;

export type SlidingRequest = {
  device: SyncDevice;
  pos: string | undefined;
  timeoutMs: number;
  setPresence: string | undefined;
  body: SlidingSyncRequest;
  signal: AbortSignal;
};

/** One step of a connection, waiting for news when it has none. Throws M_UNKNOWN_POS, M_INVALID_PARAM. */
export type SlidingSync = (request: SlidingRequest) => Promise<SlidingSyncResponse>;

type Deps = {
  database: Database;
  log: Log;
  notifier: Notifier;
  clock: Clock;
  connections: Connections;
  listStandings: ListStandings;
  listRooms: ListRooms;
  tellSlidingRooms: TellSlidingRooms;
  tellExtensions: TellExtensions;
  e2ee: E2eeForSync;
  accountData: AccountDataForSync;
  ephemeral: EphemeralForSync;
};

type Built = { response: Omit<SlidingSyncResponse, 'pos'>; position: Position; isEmpty: boolean };

/**
 * Simplified sliding sync, as clients call it below its unstable prefix. https://github.com/matrix-org/matrix-spec-proposals/pull/4186
 *
 * 1. How the user stands in their rooms. 2. Which of them the lists and subscriptions cover. 3. What is new in these. 4. The extensions.
 */
export function createSlidingSync(deps: Deps): SlidingSync {
  const { log, notifier, clock, connections, listStandings, listRooms, tellSlidingRooms, tellExtensions, e2ee, ephemeral } = deps;

  async function readPersonal({ userId, userNid }: SyncDevice, { lists }: SlidingSyncRequest, upTo: number): Promise<Personal> {
    const direct = readDirect(await findAccountData(deps.database.sql, userNid, null, 'm.direct'));
    const wantsTags = Object.values(lists ?? {}).some(({ filters }) => (filters?.tags ?? filters?.not_tags) !== undefined);
    const data = wantsTags ? await deps.accountData.listChanges({ userId, userNid }, { after: 0, upTo }) : [];
    const tags = data.flatMap(({ roomNid, type, content }): [number, string[]][] =>
      roomNid === null || type !== 'm.tag' ? [] : [[roomNid, readTags(content)]],
    );
    return { direct, tags: new Map(tags) };
  }

  async function build({ device, body }: SlidingRequest, before: Position | undefined): Promise<Built> {
    const { boot, volatile } = ephemeral.volatileNow();
    const upTo = log.position();
    const standings = await listStandings(device, upTo);
    const personal = await readPersonal(device, body, upTo);
    const { covered, counts } = await listRooms(body, standings, personal);
    const { rooms, sent } = await tellSlidingRooms({ device, upTo, boot, before, covered, standings, direct: personal.direct });
    const wanted = body.extensions ?? {};
    const { answers, hasNews } = await tellExtensions({ device, upTo, before, wanted, covered });
    return {
      isEmpty: !hasNews && Object.keys(rooms).length === 0,
      position: {
        token: { kind: 'stream', position: upTo, boot, volatile },
        rooms: sent,
        covered: new Set(covered.map(({ standing }) => standing.roomNid)),
        extensions: listEnabled(wanted),
      },
      response: { ...(body.txn_id === undefined ? {} : { txn_id: body.txn_id }), lists: counts, rooms, extensions: answers },
    };
  }

  /** What the client surely has, by the tokens that it came back with. */
  async function acknowledge({ device, body }: SlidingRequest, before: Position | undefined): Promise<void> {
    const { to_device: toDevice } = body.extensions ?? {};
    const received = toDevice?.enabled === true ? readToDeviceSince(toDevice.since, log.position()) : undefined;
    if (received !== undefined) await e2ee.acknowledgeToDevice(device, received);
    if (before !== undefined) ephemeral.acknowledged(device, before.token.position);
  }

  return async function slidingSync(request) {
    const { device, body, signal } = request;
    checkLimits(body);
    const connId = body.conn_id ?? '';
    const pos = request.pos === '' ? undefined : request.pos;
    const before = pos === undefined ? undefined : connections.load(device, connId, pos);
    await acknowledge(request, before);
    ephemeral.synced(device, request.setPresence);

    const deadline = clock.now() + Math.min(request.timeoutMs, MAX_SYNC_WAIT_MS);
    const watch = notifier.watchUser(device.userNid);
    try {
      for (let round = 0; ; round += 1) {
        const { response, position, isEmpty } = await build(request, before);
        const leftMs = deadline - clock.now();
        // Nobody gets the answer to a request that was given up: it must not displace the answer to the one that came after it.
        if (signal.aborted) return { pos: pos ?? '', ...response };
        if (!isEmpty || before === undefined || leftMs <= 0 || round >= MAX_ROUNDS)
          return { pos: connections.save(device, connId, position, pos), ...response };
        await watch.next(leftMs, signal);
      }
    } finally {
      watch[Symbol.dispose]();
    }
  };
}

function checkLimits({ lists = {}, room_subscriptions: subscriptions = {} }: SlidingSyncRequest): void {
  if (Object.keys(lists).length > MAX_LISTS) throw invalidParam(`lists holds more than ${MAX_LISTS} lists`);
  if (Object.keys(subscriptions).length > MAX_SUBSCRIPTIONS)
    throw invalidParam(`room_subscriptions holds more than ${MAX_SUBSCRIPTIONS} rooms`);
  for (const [name, { ranges = [] }] of Object.entries(lists))
    if (ranges.length > MAX_RANGES_PER_LIST) throw invalidParam(`lists.${name}.ranges holds more than ${MAX_RANGES_PER_LIST} ranges`);
}

/** The rooms of `m.direct`. https://spec.matrix.org/latest/client-server-api/#mdirect */
function readDirect(content: string | undefined): Set<string> {
  const byUser: unknown = content === undefined ? {} : JSON.parse(content);
  const rooms = isJsonObject(byUser) ? Object.values(byUser).flat() : [];
  return new Set(rooms.filter((room) => typeof room === 'string'));
}

/** https://spec.matrix.org/latest/client-server-api/#room-tagging */
function readTags(content: string): string[] {
  const { tags } = JSON.parse(content);
  return isJsonObject(tags) ? Object.keys(tags) : [];
}
