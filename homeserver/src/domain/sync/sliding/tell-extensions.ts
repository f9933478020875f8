import type { BasicEvent } from 'federation-spec/api/schemas/events.ts';
import type { SlidingSyncExtensionAnswers, SlidingSyncExtensions } from 'federation-spec/api/schemas/sliding-sync.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import type { UserMembership } from '../../../storage/memberships.ts';
import { describeThreadSubscriptions } from '../../rooms/describe-thread-subscriptions.ts';
import type { AccountDataForSync, E2eeForSync, EphemeralForSync, Ignored, SyncDevice, ThreadSubscriptionsForSync } from '../sources.ts';
import type { Position } from './connection.ts';
import { readExtensionSince } from './extension-since.ts';
import type { CoveredRoom } from './list-rooms.ts';
import type { TellableRoom } from './tell-sliding-rooms.ts';
import { STICKY, type TellSticky } from './tell-sticky.ts';

/** Most messages from device to device in one answer; the rest comes with the next. */
const MAX_TO_DEVICE = 100;
const THREADS = 'io.element.msc4308.thread_subscriptions';
/** Changes of followed threads in one answer, unless asked otherwise, and at most; older ones are listed by an endpoint of their own. */
const DEFAULT_THREADS = 100;
const MAX_THREADS = 1_000;

type Request = {
  device: SyncDevice;
  upTo: number;
  before: Position | undefined;
  wanted: SlidingSyncExtensions;
  covered: readonly CoveredRoom[];
  /** The rooms that a list or a subscription is about, whether or not it covers them now. */
  matching: readonly UserMembership[];
  /** What is told of rooms beside. */
  rooms: Readonly<Record<string, TellableRoom>>;
  ignored: Ignored;
};

export type TellExtensions = (request: Request) => Promise<{ answers: SlidingSyncExtensionAnswers; hasNews: boolean }>;

type Deps = {
  e2ee: E2eeForSync;
  accountData: AccountDataForSync;
  ephemeral: EphemeralForSync;
  threadSubscriptions: ThreadSubscriptionsForSync;
  tellSticky: TellSticky;
};
type RoomExtension = 'account_data' | 'receipts' | 'typing';

/** The extensions that are switched on. */
export function listEnabled(wanted: SlidingSyncExtensions): Set<string> {
  return new Set(Object.entries(wanted).flatMap(([name, extension]) => (extension?.enabled === true ? [name] : [])));
}

/** What belongs to no timeline, of those kinds that are asked for. A kind that was not on before is told from its beginning. */
export function createTellExtensions({ e2ee, accountData, ephemeral, threadSubscriptions, tellSticky }: Deps): TellExtensions {
  async function tellToDevice({ device, upTo, wanted }: Request): Promise<NonNullable<SlidingSyncExtensionAnswers['to_device']>> {
    const after = readExtensionSince('to_device', wanted.to_device?.since, upTo) ?? 0;
    const limit = Math.min(Math.max(1, wanted.to_device?.limit ?? MAX_TO_DEVICE), MAX_TO_DEVICE);
    const waiting = await e2ee.listToDevice(device, { after, upTo, limit });
    return { next_batch: String(waiting.upTo), events: waiting.events };
  }

  async function tellE2ee({ device, upTo, before }: Request): Promise<NonNullable<SlidingSyncExtensionAnswers['e2ee']>> {
    const keys = await e2ee.countKeys(device);
    const after = before?.token.position;
    return {
      ...(after === undefined ? {} : { device_lists: await e2ee.listDeviceListChanges({ ...device, after, upTo }) }),
      device_one_time_keys_count: keys.oneTimeKeys,
      device_unused_fallback_key_types: keys.unusedFallbackTypes,
    };
  }

  /** The rooms that an extension tells of, and those among them of which the client was told nothing of the kind just before. */
  function roomsOf({ wanted, covered, before }: Request, name: RoomExtension): { all: CoveredRoom[]; fresh: Set<number> } {
    const { lists = ['*'], rooms = ['*'] } = wanted[name] ?? {};
    const all = covered.filter(
      (room) =>
        room.standing.membership === 'join' &&
        (room.lists.some((list) => lists.includes('*') || lists.includes(list)) ||
          (room.isSubscribed && (rooms.includes('*') || rooms.includes(room.standing.roomId)))),
    );
    const wasOn = before?.extensions.has(name) === true;
    const isFresh = ({ standing: { roomNid } }: CoveredRoom) =>
      !wasOn || before?.covered.has(roomNid) !== true || before.rooms.get(roomNid)?.membership !== 'join';
    return { all, fresh: new Set(all.filter(isFresh).map((room) => room.standing.roomNid)) };
  }

  async function tellAccountData(request: Request): Promise<NonNullable<SlidingSyncExtensionAnswers['account_data']>> {
    const { device, upTo, before } = request;
    const { all, fresh } = roomsOf(request, 'account_data');
    const wasOn = before?.extensions.has('account_data') === true;
    const after = wasOn ? (before?.token.position ?? 0) : 0;
    const changes = await accountData.listChanges(device, { after, upTo });
    const whole = after > 0 && fresh.size > 0 ? await accountData.listChanges(device, { after: 0, upTo }) : changes;
    const toEvent = ({ type, content }: { type: string; content: string }): BasicEvent => ({
      type,
      content: JSON.parse(content) as JsonObject,
    });
    const rooms: Record<string, BasicEvent[]> = {};
    for (const { standing } of all) {
      const source = fresh.has(standing.roomNid) ? whole : changes;
      const events = source.filter((change) => change.roomNid === standing.roomNid).map(toEvent);
      if (events.length > 0) rooms[standing.roomId] = events;
    }
    return { global: changes.filter((change) => change.roomNid === null).map(toEvent), rooms };
  }

  async function tellEphemeral(
    request: Request,
    name: 'receipts' | 'typing',
    type: string,
  ): Promise<{ rooms: Record<string, BasicEvent> }> {
    const { device, upTo, before } = request;
    const { all, fresh } = roomsOf(request, name);
    const nids = all.map((room) => room.standing.roomNid);
    const [newer, older] = await Promise.all([
      ephemeral.listRoomEphemeral({ userNid: device.userNid, roomNids: [...fresh], after: undefined, upTo, only: name }),
      ephemeral.listRoomEphemeral({
        userNid: device.userNid,
        roomNids: nids.filter((roomNid) => !fresh.has(roomNid)),
        after: before?.token,
        upTo,
        only: name,
      }),
    ]);
    const events = new Map([...newer, ...older]);
    const rooms: Record<string, BasicEvent> = {};
    for (const { standing } of all) {
      const event = events.get(standing.roomNid)?.find((candidate) => candidate['type'] === type);
      if (event !== undefined) rooms[standing.roomId] = event as BasicEvent;
    }
    return { rooms };
  }

  async function tellThreads({ device, upTo, before, wanted }: Request): Promise<NonNullable<SlidingSyncExtensionAnswers[typeof THREADS]>> {
    const limit = Math.min(Math.max(1, wanted[THREADS]?.limit ?? DEFAULT_THREADS), MAX_THREADS);
    const after = before?.extensions.has(THREADS) === true ? before.token.position : 0;
    const { changes, restFrom } = await threadSubscriptions.listChanges(device.userNid, { after, upTo, limit });
    return { ...describeThreadSubscriptions(changes), ...(restFrom === undefined ? {} : { prev_batch: `s${restFrom}` }) };
  }

  return async function tellExtensions(request) {
    const on = listEnabled(request.wanted);
    const answers: SlidingSyncExtensionAnswers = {};
    if (on.has('to_device')) answers.to_device = await tellToDevice(request);
    if (on.has('e2ee')) answers.e2ee = await tellE2ee(request);
    if (on.has('account_data')) answers.account_data = await tellAccountData(request);
    if (on.has('receipts')) answers.receipts = await tellEphemeral(request, 'receipts', 'm.receipt');
    if (on.has('typing')) answers.typing = await tellEphemeral(request, 'typing', 'm.typing');
    if (on.has(THREADS)) answers[THREADS] = await tellThreads(request);
    if (on.has(STICKY)) answers[STICKY] = await tellSticky(request, request.wanted[STICKY] ?? {});

    const sizes = [
      answers.to_device?.events?.length,
      answers.e2ee?.device_lists?.changed?.length,
      answers.e2ee?.device_lists?.left?.length,
      answers.account_data?.global?.length,
      Object.keys(answers[THREADS] ?? {}).length,
      Object.keys(answers[STICKY] ?? {}).length,
      ...[answers.account_data, answers.receipts, answers.typing].map((answer) => Object.keys(answer?.rooms ?? {}).length),
    ];
    return { answers, hasNews: sizes.some((size) => size !== undefined && size > 0) };
  };
}
