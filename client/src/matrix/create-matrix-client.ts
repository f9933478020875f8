import { logout as logoutEndpoint } from 'federation-spec/api/client/login.ts';
import { sendMessage } from 'federation-spec/api/client/send.ts';
import { getVersions } from 'federation-spec/api/client/versions.ts';
import { decodeBase64 } from 'federation-spec/encoding/base64.ts';
import { createAccountCalls, createSetAccountData, hasUnstableFeature } from './account-calls.ts';
import type { IncomingMessage, MatrixClient, MatrixClientOptions, Presence, UserProfile } from './client.ts';
import type { ClientContext } from './client-context.ts';
import { closeInOrder } from './crypto/close-in-order.ts';
import { createEncryption } from './crypto/create-encryption.ts';
import type { CryptoParts } from './crypto/crypto-parts.ts';
import { createLateKeys } from './crypto/late-keys.ts';
import { createOutgoingSender } from './crypto/outgoing-sender.ts';
import { createRoomEncryption } from './crypto/room-encryption.ts';
import { createMatrixHttp } from './http/matrix-http.ts';
import type { JsonObject } from './json.ts';
import { createMedia } from './media/create-media.ts';
import { createEmitter } from './observable/emitter.ts';
import { createSignal, type WritableSignal } from './observable/signal.ts';
import type { RoomEvent } from './room-event.ts';
import { createRoomHandle, type RoomHandle } from './rooms/create-room-handle.ts';
import { cutTimeline } from './rooms/cut-timeline.ts';
import { createMemberLoader } from './rooms/load-members.ts';
import { localpartOf } from './rooms/member-names.ts';
import { createRoomList } from './rooms/room-list.ts';
import { isEncryptedRoom, type RoomRecord } from './rooms/room-record.ts';
import type { OutgoingItem } from './send/outgoing-item.ts';
import { createSendQueue } from './send/send-queue.ts';
import { uploadOutgoing } from './send/upload-outgoing.ts';
import { createTokenKeeper } from './session/token-keeper.ts';
import { type ClientStore, createMemoryStore, type StoredClient } from './storage/client-store.ts';
import { deleteCryptoStore } from './storage/delete-crypto-store.ts';
import { openIndexedDbStore } from './storage/open-indexeddb-store.ts';
import { createStoreSlot } from './storage/store-slot.ts';
import { type AppliedUpdate, createUpdateProcessor } from './sync/process-update.ts';
import { createSyncLoop } from './sync/sync-loop.ts';
import type { SyncStatus } from './sync/sync-status.ts';
import { listIncoming } from './timeline/list-incoming.ts';
import type { StoredEvent } from './timeline/stored-event.ts';

const LIVE_FEATURE = 'chat.blinkchat.live';
const STORE_KEY_BYTES = 32;
/** How long a room that was just made or joined may take to come by sync. */
const ROOM_WAIT_MS = 15_000;
/** How many events of a room that was never opened stay in memory. */
const MAX_UNSEEN_EVENTS = 300;
/** Events that go into encrypted rooms in the clear, since servers must be able to relate them. */
const CLEAR_TYPES = new Set(['m.reaction', 'm.room.redaction']);

/** Puts a client together. Nothing happens before `start`. */
export function createMatrixClient({ session, platform, onSessionChanged }: MatrixClientOptions): MatrixClient {
  const { userId: ownUserId, deviceId, homeserverUrl } = session;
  const { now } = platform;
  const storeName = `blinkchat/${ownUserId}/${deviceId}`;
  const cryptoStoreName = `${storeName}/crypto`;
  const status = createSignal<SyncStatus>({ state: 'stopped' });
  const profile = createSignal<UserProfile>({ userId: ownUserId, displayName: localpartOf(ownUserId), avatarUrl: undefined });
  const messages = createEmitter<IncomingMessage>();

  const tokens = createTokenKeeper({ session, fetch: platform.fetch, now, onSessionChanged, onLoggedOut });
  const http = createMatrixHttp({ baseUrl: homeserverUrl, fetch: platform.fetch, tokens });
  const media = createMedia({ http, platform });
  const store = createStoreSlot(createMemoryStore());
  const records = new Map<string, RoomRecord>();
  const accountData = new Map<string, JsonObject>();
  const handles = new Map<string, RoomHandle>();
  const presences = new Map<string, WritableSignal<Presence>>();
  const uploadProgress = new Map<string, number>();
  const echoKeys = new Map<string, Map<string, string>>();
  let crypto: CryptoParts | undefined;
  /** Settles when crypto is there (or known not to be): nothing is encrypted or decrypted before. */
  let cryptoStarted: Promise<void> = Promise.resolve();
  let hasCaughtUp = false;
  let versions: Promise<unknown> | undefined;

  const queue = createSendQueue({ send, upload, store, onChange: touch });
  const context: ClientContext = {
    ownUserId,
    http,
    media,
    store,
    queue,
    records,
    accountData,
    now,
    decrypt,
    touch,
    setAccountData: createSetAccountData({ http, accountData, ownUserId }),
  };
  const list = createRoomList({ ...context, listOutgoing: queue.list });
  const loadMembers = createMemberLoader(context);
  const lateKeys = createLateKeys({ ...context, onDecrypted: (record, events) => tellIncoming(record, events) });
  const accountCalls = createAccountCalls({ context, profile, waitForRoom });
  const encryption = createEncryption({ context, deviceId, lateKeys, openDirectChat: accountCalls.openDirectChat, sendRoomEvent });
  const process = createUpdateProcessor({
    ...context,
    crypto: () => crypto,
    rememberEchoKeys: (roomId, keys) => {
      const known = echoKeysOf(roomId);
      for (const [eventId, key] of keys) known.set(eventId, key);
    },
    onPresence: (userId, presence) => presenceOf(userId).set(presence),
    onApplied,
  });
  const loop = createSyncLoop({ http, WebSocket: platform.WebSocket, status, now, process, offersLive, onFreshStart });
  status.subscribe(({ state }) => {
    if (state === 'live') queue.retryNow();
  });

  function touch(roomId: string): void {
    list.markChanged(roomId);
    handles.get(roomId)?.invalidate();
  }

  function echoKeysOf(roomId: string): Map<string, string> {
    const known = echoKeys.get(roomId) ?? new Map<string, string>();
    echoKeys.set(roomId, known);
    return known;
  }

  function presenceOf(userId: string): WritableSignal<Presence> {
    const known = presences.get(userId) ?? createSignal<Presence>('offline');
    presences.set(userId, known);
    return known;
  }

  function roomOf(roomId: string): RoomHandle | undefined {
    const known = handles.get(roomId);
    const record = records.get(roomId);
    if (record === undefined || known !== undefined) return record === undefined ? undefined : known;
    const handle = createRoomHandle({
      record,
      context,
      summarize: list.summaryOf,
      loadMembers,
      uploadProgress,
      echoKeys: echoKeysOf(roomId),
    });
    handles.set(roomId, handle);
    return handle;
  }

  async function decrypt(roomId: string, events: readonly RoomEvent[]): Promise<StoredEvent[]> {
    await cryptoStarted;
    if (crypto === undefined)
      return events.map((event) => (event.type === 'm.room.encrypted' ? { event, failure: 'no-crypto' } : { event }));
    const stored = await crypto.rooms.decrypt(roomId, events);
    encryption.noticeUnreadable(roomId, stored);
    return stored;
  }

  async function send(item: OutgoingItem): Promise<string> {
    return await sendRoomEvent(item.roomId, item.type, item.content, item.txnId);
  }

  async function sendRoomEvent(roomId: string, type: string, content: JsonObject, txnId: string): Promise<string> {
    const record = records.get(roomId);
    if (record === undefined) throw new Error(`We are not in the room ${roomId}`);
    if (!isEncryptedRoom(record) || CLEAR_TYPES.has(type)) return await put(roomId, type, content, txnId);
    await cryptoStarted;
    if (crypto === undefined) throw new Error('This room is encrypted, and encryption is not available here');
    return await put(roomId, 'm.room.encrypted', await crypto.rooms.encrypt(record, type, content), txnId);
  }

  async function put(roomId: string, eventType: string, body: JsonObject, txnId: string): Promise<string> {
    const answer = await http.request(sendMessage, { params: { roomId, eventType, txnId }, body });
    return answer.event_id;
  }

  async function upload(item: OutgoingItem, signal: AbortSignal): Promise<JsonObject> {
    const record = records.get(item.roomId);
    const onProgress = (fraction: number): void => {
      uploadProgress.set(item.txnId, fraction);
      handles.get(item.roomId)?.invalidateTimeline();
    };
    try {
      return await uploadOutgoing({ item, isEncrypted: record !== undefined && isEncryptedRoom(record), media, signal, onProgress });
    } finally {
      uploadProgress.delete(item.txnId);
    }
  }

  function onApplied(applied: AppliedUpdate): void {
    if (applied.accountData.includes('m.direct') || applied.accountData.includes('m.push_rules')) list.markAllChanged();
    for (const { record } of applied.rooms) {
      trim(record);
      touch(record.roomId);
    }
    if (hasCaughtUp)
      for (const { record, change, isNewlyJoined } of applied.rooms) if (!isNewlyJoined) tellIncoming(record, change.newEvents);
    hasCaughtUp = true;
    encryption.noticeSync(applied.accountData);
  }

  /** Rooms that nobody looks at keep no long past in memory. */
  function trim(record: RoomRecord): void {
    if (handles.has(record.roomId) || record.timeline.length < MAX_UNSEEN_EVENTS) return;
    const { events, prevBatch } = cutTimeline(record);
    record.timeline = events;
    record.prevBatch = prevBatch;
  }

  function tellIncoming(record: RoomRecord, events: readonly StoredEvent[]): void {
    for (const item of listIncoming(record, events, ownUserId)) messages.emit({ roomId: record.roomId, item });
  }

  function onLoggedOut(soft: boolean): void {
    loop.loggedOut(soft);
    encryption.detach();
  }

  /** A device without its keys reads nothing and is believed by nobody: it goes, and its owner signs in as a new one. */
  function onKeysLost(): void {
    if (status.get().state === 'logged-out') return;
    onLoggedOut(false);
    http
      .request(logoutEndpoint, {})
      .catch((error: unknown) => console.warn('The device that lost its keys could not be logged out', error));
  }

  /** Changes of device lists since the last token are not told, so all of them are in doubt. */
  async function onFreshStart(): Promise<void> {
    await crypto?.engine.markDeviceListsStale();
  }

  async function offersLive(): Promise<boolean> {
    versions ??= http.request(getVersions, {}).catch(() => undefined);
    return hasUnstableFeature(await versions, LIVE_FEATURE);
  }

  function waitForRoom(roomId: string): Promise<void> {
    const isThere = (): boolean => records.get(roomId)?.membership === 'join';
    if (isThere()) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        unsubscribe();
        resolve();
      };
      const timer = setTimeout(finish, ROOM_WAIT_MS);
      const unsubscribe = list.rooms.subscribe(() => {
        if (isThere()) finish();
      });
    });
  }

  async function startCrypto(): Promise<void> {
    const storeKey = decodeBase64(session.storeKey);
    if (platform.startCrypto === undefined) return encryption.unavailable();
    if (storeKey?.length !== STORE_KEY_BYTES) throw new Error('The session has no usable key for its crypto store');
    const engine = closeInOrder(await platform.startCrypto({ userId: ownUserId, deviceId, storeName: cryptoStoreName, storeKey }));
    const sender = createOutgoingSender({ engine, http, sendRoomEvent, onKeysLost });
    crypto = { engine, sender, rooms: createRoomEncryption({ engine, sender, loadMembers }) };
    encryption.attach(crypto);
  }

  async function loadCache(): Promise<StoredClient> {
    const opened: ClientStore = platform.hasIndexedDb ? await openIndexedDbStore(storeName) : createMemoryStore();
    store.use(opened);
    const stored = await opened.load();
    for (const record of stored.rooms) records.set(record.roomId, record);
    for (const [type, content] of stored.accountData) accountData.set(type, content);
    hasCaughtUp = stored.syncToken !== undefined;
    list.markAllChanged();
    return stored;
  }

  async function stop(): Promise<void> {
    await loop.stop();
    await queue.stop();
    const { engine } = crypto ?? {};
    crypto = undefined;
    encryption.detach();
    await engine?.close();
    store.close();
  }

  return {
    userId: ownUserId,
    deviceId,
    homeserverUrl,
    syncStatus: status,
    rooms: list.rooms,
    profile,
    messages,
    encryption,
    media,
    http,
    ...accountCalls,
    room: roomOf,
    presence: presenceOf,
    async start() {
      const { syncToken, outgoing } = await loadCache();
      cryptoStarted = startCrypto();
      // Not before: what waits to be sent waits for the crypto, and would be refused without.
      queue.restore(outgoing);
      await cryptoStarted;
      loop.start(syncToken);
      // A name that could not be fetched is shown as the id until the next start.
      accountCalls.loadProfile(ownUserId).then(profile.set, () => undefined);
    },
    stop,
    async logout() {
      await http.request(logoutEndpoint, {}).catch(() => undefined);
      await stop();
      await store.destroy();
      if (platform.hasIndexedDb) await deleteCryptoStore(cryptoStoreName);
    },
    retryNow() {
      loop.retryNow();
      queue.retryNow();
    },
  };
}
