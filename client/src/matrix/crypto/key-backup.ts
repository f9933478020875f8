import {
  deleteRoomKeysVersion,
  getRoomKeyBySessionId,
  getRoomKeys,
  getRoomKeysVersionCurrent,
  postRoomKeysVersion,
} from 'federation-spec/api/client/key-backup.ts';
import type { ClientContext } from '../client-context.ts';
import { waitMs } from '../http/matrix-http.ts';
import { RequestError } from '../http/request-error.ts';
import { isJsonObject, type JsonObject, objectIn, stringIn } from '../json.ts';
import type { StoredEvent } from '../timeline/stored-event.ts';
import type { CryptoParts } from './crypto-parts.ts';
import type { BackupState } from './encryption.ts';
import type { LateKeys } from './late-keys.ts';
import { sessionIdOf } from './room-encryption.ts';

const ALGORITHM = 'm.megolm_backup.v1.curve25519-aes-sha2';
/** Between two batches, so that a large first backup leaves the server room for others. */
const PAUSE_BETWEEN_BATCHES_MS = 250;
/** Rooms imported at once: progress can be told, and the engine's store is not blocked for long. */
const ROOMS_PER_IMPORT = 20;
/** Sessions asked for at once when messages cannot be read. */
const MAX_PARALLEL_FETCHES = 2;

type ServerBackup = { version: string; publicKey: string; info: JsonObject };

type Deps = {
  http: ClientContext['http'];
  lateKeys: LateKeys;
  crypto: () => CryptoParts | undefined;
  onChange: (state: BackupState) => void;
};

/** The backup of room keys at the server. https://spec.matrix.org/latest/client-server-api/#server-side-key-backups */
export type KeyBackup = {
  state(): BackupState;
  /** Looks at the server's backup and uses it when this device has its key. */
  check(): Promise<void>;
  /** Makes a new backup; the private key, for secret storage. */
  create(): Promise<string>;
  /** Uses the server's backup when the private key is its own; whether it is. */
  unlock(decryptionKey: string): Promise<boolean>;
  /** The private key, when this device has it. */
  decryptionKey(): Promise<string | undefined>;
  /** Uploads what is not saved yet, in the background. */
  uploadSoon(): void;
  restore(onProgress?: (done: number, total: number) => void): Promise<number>;
  /** Fetches keys of messages that could not be read. */
  fetchMissing(roomId: string, events: readonly StoredEvent[]): void;
};

export function createKeyBackup({ http, lateKeys, crypto, onChange }: Deps): KeyBackup {
  let state: BackupState = { state: 'none' };
  let isUploading = false;
  let uploadAgain = false;
  const asked = new Set<string>();
  const wanted: { roomId: string; sessionId: string }[] = [];
  let fetching = 0;

  function setState(next: BackupState): void {
    state = next;
    onChange(next);
  }

  async function loadServerBackup(): Promise<ServerBackup | undefined> {
    try {
      const answer: unknown = await http.request(getRoomKeysVersionCurrent, { patient: true });
      const publicKey = stringIn(objectIn(answer, 'auth_data'), 'public_key');
      const version = stringIn(answer, 'version');
      if (!isJsonObject(answer) || publicKey === undefined || version === undefined || answer['algorithm'] !== ALGORITHM) return undefined;
      return { version, publicKey, info: answer };
    } catch (error) {
      if (error instanceof RequestError && error.status === 404) return undefined;
      throw error;
    }
  }

  async function use(parts: CryptoParts, backup: ServerBackup, decryptionKey: string | undefined): Promise<void> {
    await parts.engine.enableBackup({ publicKey: backup.publicKey, version: backup.version, decryptionKey });
    await tellCounts(parts, backup.version);
    uploadSoon();
  }

  async function tellCounts({ engine }: CryptoParts, version: string): Promise<void> {
    const { total, backedUp } = await engine.roomKeyCounts();
    setState({ state: 'enabled', version, backedUpKeys: backedUp, totalKeys: total });
  }

  async function uploadAll(): Promise<void> {
    const parts = crypto();
    if (parts === undefined || state.state !== 'enabled') return;
    const { version } = state;
    for (let batch = await parts.engine.nextBackupBatch(); batch !== undefined; batch = await parts.engine.nextBackupBatch()) {
      await parts.sender.send(batch);
      await tellCounts(parts, version);
      await waitMs(PAUSE_BETWEEN_BATCHES_MS);
    }
  }

  function uploadSoon(): void {
    uploadAgain = true;
    if (!isUploading) void runUploads();
  }

  async function runUploads(): Promise<void> {
    isUploading = true;
    while (uploadAgain) {
      uploadAgain = false;
      try {
        await uploadAll();
      } catch (error) {
        // Another device made a new backup: look again. Anything else is tried again with the next key.
        if (error instanceof RequestError && error.errcode === 'M_WRONG_ROOM_KEYS_VERSION') await check();
        else if (crypto() !== undefined) console.warn('Room keys could not be saved to the backup', error);
      }
    }
    isUploading = false;
  }

  async function check(): Promise<void> {
    const parts = crypto();
    if (parts === undefined) return;
    const backup = await loadServerBackup();
    if (backup === undefined) {
      await parts.engine.disableBackup();
      return setState({ state: 'none' });
    }
    const known = await parts.engine.backupKeys();
    const isOurs = known.decryptionKey !== undefined && (await parts.engine.backupPublicKey(known.decryptionKey)) === backup.publicKey;
    if (isOurs) return await use(parts, backup, known.decryptionKey);
    // Without its private key a backup may still be written to, when it is signed by our identity.
    if (await parts.engine.isBackupTrusted(backup.info)) return await use(parts, backup, undefined);
    setState({ state: 'locked', version: backup.version });
  }

  async function importRooms(parts: CryptoParts, rooms: JsonObject, key: { decryptionKey: string; version: string }): Promise<number> {
    const imported = await parts.engine.importBackup(rooms, key);
    const keys = Object.entries(rooms).flatMap(([roomId, room]) =>
      Object.keys(objectIn(room, 'sessions') ?? {}).map((sessionId) => ({ roomId, sessionId })),
    );
    await lateKeys.retry(keys);
    return imported;
  }

  async function fetchNext(): Promise<void> {
    const next = wanted.pop();
    const parts = crypto();
    const key = next === undefined ? undefined : await readKey(parts);
    if (next === undefined || parts === undefined || key === undefined) return;
    const { roomId, sessionId } = next;
    try {
      const session = await http.relay(getRoomKeyBySessionId, {
        params: { roomId, sessionId },
        query: { version: key.version },
        patient: true,
      });
      await importRooms(parts, { [roomId]: { sessions: { [sessionId]: session } } }, key);
    } catch (error) {
      if (!(error instanceof RequestError && error.status === 404)) asked.delete(`${roomId} ${sessionId}`);
    }
  }

  async function fetchAll(): Promise<void> {
    fetching += 1;
    try {
      while (wanted.length > 0 && (await readKey(crypto())) !== undefined) await fetchNext();
    } finally {
      fetching -= 1;
    }
  }

  return {
    state: () => state,
    check,
    uploadSoon,
    async create() {
      const parts = loadParts(crypto());
      const old = await loadServerBackup();
      const { decryptionKey, publicKey, authData } = await parts.engine.createBackupKey();
      const answer = await http.request(postRoomKeysVersion, { body: { algorithm: ALGORITHM, auth_data: authData } });
      await parts.engine.disableBackup();
      await use(parts, { version: answer.version, publicKey, info: {} }, decryptionKey);
      // The keys of the old one go into the new one as far as this device has them.
      if (old !== undefined) await http.request(deleteRoomKeysVersion, { params: { version: old.version } }).catch(() => undefined);
      return decryptionKey;
    },
    async unlock(decryptionKey) {
      const parts = loadParts(crypto());
      const backup = await loadServerBackup();
      if (backup === undefined || (await parts.engine.backupPublicKey(decryptionKey)) !== backup.publicKey) return false;
      asked.clear();
      await use(parts, backup, decryptionKey);
      return true;
    },
    decryptionKey: async () => (await crypto()?.engine.backupKeys())?.decryptionKey,
    async restore(onProgress) {
      const parts = loadParts(crypto());
      const key = await readKey(parts);
      if (key === undefined) throw new Error('This device does not have the key of the backup');
      const answer = await http.relay(getRoomKeys, { query: { version: key.version }, patient: true });
      const rooms = Object.entries(objectIn(answer, 'rooms') ?? {});
      let imported = 0;
      for (let at = 0; at < rooms.length; at += ROOMS_PER_IMPORT) {
        onProgress?.(at, rooms.length);
        imported += await importRooms(parts, Object.fromEntries(rooms.slice(at, at + ROOMS_PER_IMPORT)), key);
      }
      onProgress?.(rooms.length, rooms.length);
      return imported;
    },
    fetchMissing(roomId, events) {
      for (const stored of events) {
        const sessionId = stored.failure === 'missing-key' || stored.failure === 'historical' ? sessionIdOf(stored) : undefined;
        if (sessionId === undefined || asked.has(`${roomId} ${sessionId}`)) continue;
        asked.add(`${roomId} ${sessionId}`);
        wanted.push({ roomId, sessionId });
      }
      if (wanted.length > 0 && fetching < MAX_PARALLEL_FETCHES) void fetchAll();
    },
  };
}

async function readKey(parts: CryptoParts | undefined): Promise<{ decryptionKey: string; version: string } | undefined> {
  const { decryptionKey, version } = (await parts?.engine.backupKeys()) ?? {};
  return decryptionKey === undefined || version === undefined ? undefined : { decryptionKey, version };
}

function loadParts(parts: CryptoParts | undefined): CryptoParts {
  if (parts === undefined) throw new Error('Encryption is not available here');
  return parts;
}
