import type { JsonObject } from 'federation-spec/events/event.ts';
import { invalidParam, unknown } from '../../../platform/matrix-error.ts';
import type { Database } from '../../../storage/database.ts';
import type { StoredEvent } from '../../../storage/events.ts';
import type { UserMembership } from '../../../storage/memberships.ts';
import { findRoomIds } from '../../../storage/rooms.ts';
import { listFirstOfRooms } from '../../../storage/sync.ts';
import type { EnterRoom } from '../../rooms/enter-room.ts';
import type { RenderEvents } from '../../rooms/render-events.ts';
import type { RoomView, ViewRoom } from '../../rooms/visibility.ts';
import type { Log } from '../../streams/log.ts';
import { positionOf } from '../../streams/log-batch.ts';
import type { Notifier, Watch } from '../../streams/notifier.ts';
import { formatToken, parseToken, type StreamToken } from '../../streams/token.ts';
import type { AccountDataForSync, EphemeralForSync, SyncDevice } from '../sources.ts';
import type { ListStandings } from '../standings.ts';
import { MAX_SYNC_WAIT_MS } from '../sync.ts';
import { toOldEvent, toOldPresence } from './old-event.ts';
import type { TellInvite } from './tell-invite.ts';

/** How long a request waits that does not say. */
const DEFAULT_WAIT_MS = 30_000;
/** Most room events of one answer; the rest comes with the next. */
const MAX_EVENTS = 100;
/** How often one request looks again. */
const MAX_ROUNDS = 1_000;

export type EventStreamRequest = {
  device: SyncDevice;
  isGuest: boolean;
  from: string | undefined;
  timeoutMs: number | undefined;
  /** One room alone, which the user need not be in when anybody may read it. */
  roomId: string | undefined;
  signal: AbortSignal;
};

export type EventChunk = { start: string; end: string; chunk: JsonObject[] };

/** What is new since a token, in log order, waiting for it if there is nothing yet. */
export type EventStream = (request: EventStreamRequest) => Promise<EventChunk>;

type Deps = {
  database: Database;
  log: Log;
  notifier: Notifier;
  viewRoom: ViewRoom;
  enterRoom: EnterRoom;
  renderEvents: RenderEvents;
  listStandings: ListStandings;
  tellInvite: TellInvite;
  accountData: Pick<AccountDataForSync, 'listChanges' | 'listIgnored'>;
  ephemeral: EphemeralForSync;
};

type Range = { since: StreamToken; upTo: number };
type Views = Map<number, RoomView>;
const isJoined = (): string => 'join';
/** The rooms whose events are read; which of them need a look at what their reader may see. */
type Scope = { rooms: ReadonlyMap<number, string>; unsure: ReadonlySet<number>; invites: readonly UserMembership[] };

/**
 * The event stream that there was before sync.
 *
 * 1. The rooms: those the user is in, those they have just left, or the one they look into. 2. Their events, up to a limit that the end token
 * respects. 3. Invites. 4. What is no event: typing, receipts, presence, account data.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3events
 */
export function createEventStream(deps: Deps): EventStream {
  const { database, log, notifier, viewRoom, enterRoom, renderEvents, listStandings, tellInvite, accountData, ephemeral } = deps;

  async function findScope({ device, roomId }: EventStreamRequest, { since, upTo }: Range): Promise<Scope> {
    if (roomId !== undefined) {
      const { room, view } = await enterRoom.enter(device, roomId);
      const isMember = view.membership === 'join' && (await joinedBefore(device, since.position, room.nid));
      return { rooms: new Map([[room.nid, roomId]]), unsure: new Set(isMember ? [] : [room.nid]), invites: [] };
    }
    const standings = await listStandings(device, upTo);
    const isNew = ({ position }: UserMembership) => position > since.position;
    const isGone = ({ membership }: UserMembership) => membership === 'leave' || membership === 'ban';
    const told = standings.filter((room) => room.membership === 'join' || (isGone(room) && isNew(room)));
    return {
      rooms: new Map(told.map((room) => [room.roomNid, room.roomId])),
      unsure: new Set(told.filter(isNew).map((room) => room.roomNid)),
      invites: standings.filter((room) => isNew(room) && (room.membership === 'invite' || room.membership === 'knock')),
    };
  }

  async function joinedBefore(device: SyncDevice, position: number, roomNid: number): Promise<boolean> {
    const standing = (await listStandings(device, position)).find((room) => room.roomNid === roomNid);
    return standing?.membership === 'join';
  }

  async function readEvents(device: SyncDevice, { rooms, unsure }: Scope, { since, upTo }: Range) {
    const found = await listFirstOfRooms(database.sql, [...rooms.keys()], { after: since.position, upTo, limit: MAX_EVENTS });
    const seen: StoredEvent[] = [];
    const views: Views = new Map();
    const { nids: ignored } = await accountData.listIgnored(device.userNid);
    for (const [roomNid, events] of Map.groupBy(found, (event) => event.roomNid)) {
      const view = unsure.has(roomNid) ? await viewRoom(roomNid, device.userId) : undefined;
      if (view !== undefined) views.set(roomNid, view);
      const heard = events.filter((event) => event.keyNid !== null || !ignored.has(event.senderNid));
      seen.push(...(view === undefined ? heard : heard.filter(view.maySee)));
    }
    const isCut = found.length === MAX_EVENTS;
    const last = found.at(-1);
    return { events: seen, views, end: isCut && last !== undefined ? positionOf(last) : upTo, isCut };
  }

  async function renderChunk(
    device: SyncDevice,
    scope: Scope,
    { events, views }: { events: readonly StoredEvent[]; views: Views },
  ): Promise<{ at: number; event: JsonObject }[]> {
    const chunk: { at: number; event: JsonObject }[] = [];
    for (const [roomNid, ofRoom] of Map.groupBy(events, (event) => event.roomNid)) {
      const shown = await renderEvents(ofRoom, {
        roomId: scope.rooms.get(roomNid) ?? '',
        reader: device,
        bundleUpTo: null,
        membershipAt: views.get(roomNid)?.membershipAt ?? isJoined,
        sight: views.get(roomNid),
      });
      const positions = new Map(ofRoom.map((event) => [event.eventId, event.position ?? 0]));
      chunk.push(...shown.map((event) => ({ at: positions.get(event.event_id) ?? 0, event: toOldEvent(event) })));
    }
    return chunk;
  }

  async function readOthers({ device, roomId }: EventStreamRequest, { rooms }: Scope, { since, upTo }: Range): Promise<JsonObject[]> {
    const userNid = device.userNid;
    const [ofRooms, presence, data] = await Promise.all([
      ephemeral.listRoomEphemeral({ userNid, roomNids: [...rooms.keys()], after: since, upTo }),
      ephemeral.listPresence({ userNid, after: since }),
      accountData.listChanges(device, { after: since.position, upTo }),
    ]);
    const roomIds = await findRoomIds(
      database.sql,
      data.flatMap((entry) => entry.roomNid ?? []),
    );
    const told = data.filter((entry) => roomId === undefined || (entry.roomNid !== null && roomIds.get(entry.roomNid) === roomId));
    return [
      ...[...ofRooms].flatMap(([roomNid, events]) => events.map((event) => ({ ...event, room_id: rooms.get(roomNid) ?? '' }))),
      ...presence.map(toOldPresence),
      ...told.map(({ roomNid, type, content }) => ({
        type,
        content: JSON.parse(content),
        ...(roomNid === null ? {} : { room_id: roomIds.get(roomNid) ?? '' }),
      })),
    ];
  }

  async function read(request: EventStreamRequest, since: StreamToken): Promise<{ end: StreamToken; chunk: JsonObject[] }> {
    const { device } = request;
    const volatile = ephemeral.volatileNow();
    const range = { since, upTo: log.position() };
    const scope = await findScope(request, range); // 1
    const { events, views, end, isCut } = await readEvents(device, scope, range); // 2
    const entries = await renderChunk(device, scope, { events, views });
    for (const invite of scope.invites.filter(({ position }) => position <= end)) {
      const event = await tellInvite(device, invite); // 3
      if (event !== undefined) entries.push({ at: invite.position, event });
    }
    const others = isCut ? [] : await readOthers(request, scope, range); // 4
    const chunk = [...entries.toSorted((one, other) => one.at - other.at).map(({ event }) => event), ...others];
    return { end: isCut ? { ...since, position: end } : { kind: 'stream', position: end, ...volatile }, chunk };
  }

  return async function eventStream(request) {
    if (request.isGuest && request.roomId === undefined) throw unknown('Guests name the room whose events they want, as room_id.');
    const since = readFrom(request.from) ?? { kind: 'stream', position: log.position(), ...ephemeral.volatileNow() };
    const deadline = performance.now() + Math.min(request.timeoutMs ?? DEFAULT_WAIT_MS, MAX_SYNC_WAIT_MS);
    const watch = await watchFor(request);
    const ended = ephemeral.synced(request.device, undefined);
    try {
      for (let round = 0; ; round += 1) {
        const { end, chunk } = await read(request, since);
        const leftMs = deadline - performance.now();
        if (chunk.length > 0 || leftMs <= 0 || request.signal.aborted || round >= MAX_ROUNDS)
          return { start: formatToken(since), end: formatToken(end), chunk };
        await watch.next(leftMs, request.signal);
      }
    } finally {
      watch[Symbol.dispose]();
      ended();
    }
  };

  async function watchFor({ device, roomId }: EventStreamRequest): Promise<Watch> {
    if (roomId === undefined) return notifier.watchUser(device.userNid);
    const { room } = await enterRoom.enter(device, roomId);
    return room.localJoined.has(device.userNid) ? notifier.watchUser(device.userNid) : notifier.watchRoom(room.nid);
  }

  function readFrom(text: string | undefined): StreamToken | undefined {
    if (text === undefined || text === '') return undefined;
    const token = parseToken(text);
    if (token?.kind !== 'stream' || token.position > log.position()) throw invalidParam('from is no token of this event stream.');
    return token;
  }
}
