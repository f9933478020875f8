import {
  deleteRoomKeyBySessionId,
  deleteRoomKeys,
  deleteRoomKeysByRoomId,
  deleteRoomKeysVersion,
  getRoomKeyBySessionId,
  getRoomKeys,
  getRoomKeysByRoomId,
  getRoomKeysVersion,
  getRoomKeysVersionCurrent,
  postRoomKeysVersion,
  putRoomKeyBySessionId,
  putRoomKeys,
  putRoomKeysByRoomId,
  putRoomKeysVersion,
} from 'federation-spec/api/client/key-backup.ts';
import type { KeyBackupData } from 'federation-spec/api/schemas/key-backup.ts';
import type { KeyBackup, KeyBackups } from '../../domain/e2ee/key-backups.ts';
import { notFound } from '../../platform/matrix-error.ts';
import { type Route, raw, route } from '../http/route.ts';

const MAX_BODY_BYTES = 16 * 1024 * 1024;
type Session = Awaited<ReturnType<KeyBackups['listSessions']>>[number];

/** https://spec.matrix.org/latest/client-server-api/#server-side-key-backups */
export function keyBackupRoutes(backups: KeyBackups): Route[] {
  return [...versionRoutes(backups), ...readRoutes(backups), ...writeRoutes(backups)];
}

function versionRoutes(backups: KeyBackups): Route[] {
  return [
    route(postRoomKeysVersion, async ({ requester, body }) => ({
      version: await backups.create(requester.userNid, body.algorithm, body.auth_data),
    })),
    route(getRoomKeysVersionCurrent, async ({ requester }) =>
      raw({ json: backupAnswer(await backups.load(requester.userNid, undefined)) }),
    ),
    route(getRoomKeysVersion, async ({ requester, params }) =>
      raw({ json: backupAnswer(await backups.load(requester.userNid, params.version)) }),
    ),
    route(putRoomKeysVersion, async ({ requester, params, body }) => {
      const change = { algorithm: body.algorithm, authData: body.auth_data, version: body.version };
      await backups.update(requester.userNid, params.version, change);
      return {};
    }),
    route(deleteRoomKeysVersion, async ({ requester, params }) => {
      await backups.remove(requester.userNid, params.version);
      return {};
    }),
  ];
}

function readRoutes(backups: KeyBackups): Route[] {
  return [
    route(getRoomKeys, async ({ requester, query }) => {
      const sessions = await backups.listSessions(requester.userNid, query.version, {});
      const rooms = Map.groupBy(sessions, ({ roomId }) => roomId);
      return raw({ json: { rooms: Object.fromEntries([...rooms].map(([roomId, of]) => [roomId, { sessions: sessionsAnswer(of) }])) } });
    }),
    route(getRoomKeysByRoomId, async ({ requester, params, query }) => {
      const sessions = await backups.listSessions(requester.userNid, query.version, { roomId: params.roomId });
      return raw({ json: { sessions: sessionsAnswer(sessions) } });
    }),
    route(getRoomKeyBySessionId, async ({ requester, params, query }) => {
      const [session] = await backups.listSessions(requester.userNid, query.version, params);
      if (session === undefined) throw notFound('The backup has no such key');
      return raw({ json: sessionAnswer(session) });
    }),
  ];
}

function writeRoutes(backups: KeyBackups): Route[] {
  const options = { maxBodyBytes: MAX_BODY_BYTES };
  return [
    route(
      putRoomKeys,
      async ({ requester, query, body }) => {
        const sessions = Object.entries(body.rooms).flatMap(([roomId, { sessions: of }]) => readSessions(roomId, of));
        return await backups.putSessions(requester.userNid, query.version, sessions);
      },
      options,
    ),
    route(
      putRoomKeysByRoomId,
      async ({ requester, params, query, body }) =>
        await backups.putSessions(requester.userNid, query.version, readSessions(params.roomId, body.sessions)),
      options,
    ),
    route(putRoomKeyBySessionId, async ({ requester, params, query, body }) => {
      const sessions = readSessions(params.roomId, { [params.sessionId]: body });
      return await backups.putSessions(requester.userNid, query.version, sessions);
    }),
    route(deleteRoomKeys, ({ requester, query }) => backups.removeSessions(requester.userNid, query.version, {})),
    route(deleteRoomKeysByRoomId, ({ requester, params, query }) => backups.removeSessions(requester.userNid, query.version, params)),
    route(deleteRoomKeyBySessionId, ({ requester, params, query }) => backups.removeSessions(requester.userNid, query.version, params)),
  ];
}

function backupAnswer({ version, algorithm, authData, count, etag }: KeyBackup) {
  return { version, algorithm, auth_data: authData, count, etag };
}

function sessionsAnswer(sessions: readonly Session[]) {
  return Object.fromEntries(sessions.map((session) => [session.sessionId, sessionAnswer(session)]));
}

function sessionAnswer({ firstMessageIndex, forwardedCount, isVerified, sessionData }: Session) {
  return {
    first_message_index: firstMessageIndex,
    forwarded_count: forwardedCount,
    is_verified: isVerified,
    session_data: JSON.parse(sessionData) as unknown,
  };
}

function readSessions(roomId: string, sessions: Readonly<Record<string, KeyBackupData>>): Session[] {
  return Object.entries(sessions).map(([sessionId, data]) => ({
    roomId,
    sessionId,
    firstMessageIndex: data.first_message_index,
    forwardedCount: data.forwarded_count,
    isVerified: data.is_verified,
    sessionData: JSON.stringify(data.session_data),
  }));
}
