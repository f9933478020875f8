import type { SlidingSyncResponse } from 'federation-spec/api/schemas/sliding-sync.ts';
import { isJsonObject } from 'federation-spec/events/event.ts';
import { invalidParam } from '../../../platform/matrix-error.ts';
import type { Log } from '../../streams/log.ts';
import type { Notifier } from '../../streams/notifier.ts';
import type { ListDirect } from '../direct-rooms.ts';
import type { AccountDataForSync, E2eeForSync, EphemeralForSync } from '../sources.ts';
import type { ListStandings } from '../standings.ts';
import { MAX_SYNC_WAIT_MS } from '../sync.ts';
import type { Position } from './connection.ts';
import type { Connections } from './connections.ts';
import { readExtensionSince } from './extension-since.ts';
import type { ListRooms, Personal } from './list-rooms.ts';
import type { SlidingRequest } from './sliding-request.ts';
import { listEnabled, type TellExtensions } from './tell-extensions.ts';
import type { TellableRoom, TellSlidingRooms } from './tell-sliding-rooms.ts';

const MAX_LISTS = 100;
const MAX_RANGES_PER_LIST = 20;
const MAX_SUBSCRIPTIONS = 100;
const MAX_CONN_ID_LENGTH = 255;
/** How often one request looks anew for something to tell. */
const MAX_ROUNDS = 1_000;

/** One step of a connection, waiting for news when it has none. Throws M_UNKNOWN_POS, M_INVALID_PARAM. */
export type SlidingSync = (request: SlidingRequest) => Promise<SlidingAnswer>;

/** In the form that clients in use take, but for rooms as `TellableRoom` has them. */
export type SlidingAnswer = Omit<SlidingSyncResponse, 'rooms'> & { rooms: Record<string, TellableRoom> };

type Deps = {
  listDirect: ListDirect;
  log: Log;
  notifier: Notifier;
  connections: Connections;
  listStandings: ListStandings;
  listRooms: ListRooms;
  tellSlidingRooms: TellSlidingRooms;
  tellExtensions: TellExtensions;
  e2ee: E2eeForSync;
  accountData: AccountDataForSync;
  ephemeral: EphemeralForSync;
};

type Built = { response: Omit<SlidingAnswer, 'pos'>; position: Position; isEmpty: boolean };

/**
 * Simplified sliding sync, as clients call it below its unstable prefix. https://github.com/matrix-org/matrix-spec-proposals/pull/4186
 *
 * 1. How the user stands in their rooms. 2. Which of them the lists and subscriptions cover. 3. What is new in these. 4. The extensions.
 */
export function createSlidingSync(deps: Deps): SlidingSync {
  const { log, notifier, connections, listStandings, listRooms, tellSlidingRooms, tellExtensions, e2ee, ephemeral } = deps;

  async function readPersonal({ device: { userId, userNid }, lists }: SlidingRequest, upTo: number): Promise<Personal> {
    const [direct, ignored] = await Promise.all([deps.listDirect(userNid), deps.accountData.listIgnored(userNid)]);
    const wantsTags = [...lists.values()].some(({ filters }) => (filters?.tags ?? filters?.not_tags) !== undefined);
    const data = wantsTags ? await deps.accountData.listChanges({ userId, userNid }, { after: 0, upTo }) : [];
    const tags = data.flatMap(({ roomNid, type, content }): [number, string[]][] =>
      roomNid === null || type !== 'm.tag' ? [] : [[roomNid, readTags(content)]],
    );
    return { direct, tags: new Map(tags), ignored };
  }

  async function build(request: SlidingRequest, before: Position | undefined): Promise<Built> {
    const { device, extensions: wanted, txnId } = request;
    const { boot, volatile } = ephemeral.volatileNow();
    const upTo = log.position();
    const standings = await listStandings(device, upTo);
    const personal = await readPersonal(request, upTo);
    const { covered, counts, matching } = await listRooms(request, { standings, personal, sent: before?.rooms ?? new Map(), upTo });
    const { rooms, sent } = await tellSlidingRooms({ device, upTo, boot, before, covered, standings, direct: personal.direct });
    const { answers, hasNews } = await tellExtensions({
      device,
      upTo,
      before,
      wanted,
      covered,
      matching,
      rooms,
      ignored: personal.ignored,
    });
    return {
      isEmpty: !hasNews && Object.keys(rooms).length === 0,
      position: {
        token: { kind: 'stream', position: upTo, boot, volatile },
        rooms: sent,
        covered: new Set(covered.map(({ standing }) => standing.roomNid)),
        extensions: listEnabled(wanted),
      },
      response: { ...(txnId === undefined ? {} : { txn_id: txnId }), lists: counts, rooms, extensions: answers },
    };
  }

  /** What the client surely has, by the tokens that it came back with. */
  async function acknowledge({ device, extensions }: SlidingRequest, before: Position | undefined): Promise<void> {
    const { to_device: toDevice } = extensions;
    const received = toDevice?.enabled === true ? readExtensionSince('to_device', toDevice.since, log.position()) : undefined;
    if (received !== undefined) await e2ee.acknowledgeToDevice(device, received);
    if (before !== undefined) ephemeral.acknowledged(device, before.token.position);
  }

  return async function slidingSync(request) {
    const { device, connId, signal } = request;
    checkLimits(request);
    const pos = request.pos === '' ? undefined : request.pos;
    const before = pos === undefined ? undefined : await connections.load(device, connId, pos);
    await acknowledge(request, before);
    const ended = ephemeral.synced(device, request.setPresence);

    const deadline = performance.now() + Math.min(request.timeoutMs, MAX_SYNC_WAIT_MS);
    const watch = notifier.watchUser(device.userNid);
    try {
      for (let round = 0; ; round += 1) {
        const { response, position, isEmpty } = await build(request, before);
        const leftMs = deadline - performance.now();
        // Nobody gets the answer to a request that was given up: it must not displace the answer to the one that came after it.
        if (signal.aborted) return { pos: pos ?? '', ...response };
        if (!isEmpty || before === undefined || leftMs <= 0 || round >= MAX_ROUNDS)
          return { pos: connections.save(device, connId, position, pos), ...response };
        await watch.next(leftMs, signal);
      }
    } finally {
      watch[Symbol.dispose]();
      ended();
    }
  };
}

function checkLimits({ connId, lists, subscriptions }: SlidingRequest): void {
  if (connId.length > MAX_CONN_ID_LENGTH) throw invalidParam(`conn_id has more than ${MAX_CONN_ID_LENGTH} characters`);
  if (lists.size > MAX_LISTS) throw invalidParam(`lists holds more than ${MAX_LISTS} lists`);
  if (subscriptions.size > MAX_SUBSCRIPTIONS) throw invalidParam(`room_subscriptions holds more than ${MAX_SUBSCRIPTIONS} rooms`);
  for (const [name, { ranges = [] }] of lists)
    if (ranges.length > MAX_RANGES_PER_LIST) throw invalidParam(`lists.${name}.ranges holds more than ${MAX_RANGES_PER_LIST} ranges`);
}

/** https://spec.matrix.org/latest/client-server-api/#room-tagging */
function readTags(content: string): string[] {
  const { tags } = JSON.parse(content);
  return isJsonObject(tags) ? Object.keys(tags) : [];
}
