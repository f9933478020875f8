import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { Clock } from '../../platform/clock.ts';
import { badJson, limitExceeded, MatrixError, notFound } from '../../platform/matrix-error.ts';
import { findAccount } from '../../storage/accounts.ts';
import type { Database } from '../../storage/database.ts';
import {
  countReportsSince,
  deleteReport,
  findReport,
  insertReport,
  listReports,
  type ReportQuery,
  type ReportRow,
} from '../../storage/reports.ts';
import { findRoom } from '../../storage/rooms.ts';
import type { EnterRoom, RoomReader } from './enter-room.ts';

const MAX_REASON_LENGTH = 1_000;
/** Most reports of one person in a day. */
const MAX_REPORTS = 1_000;
const DAY_MS = 86_400_000;

export type Report = { reason?: string | undefined; score?: number | undefined };

export type Reports = {
  /** Throws M_NOT_FOUND unless the reporter is in the room and may see the event. */
  reportEvent: (reporter: RoomReader, target: { roomId: string; eventId: string }, report: Report) => Promise<void>;
  /** Anybody may report a room that this server knows; throws M_NOT_FOUND for others. */
  reportRoom: (reporter: RoomReader, roomId: string, report: Report) => Promise<void>;
  /** Answers alike whether there is such a person or not: nobody shall find out by this who has an account. */
  reportUser: (reporter: RoomReader, userId: string, report: Report) => Promise<void>;
  list: (query: ReportQuery) => Promise<{ reports: ReportRow[]; total: number }>;
  /** Throws M_NOT_FOUND. */
  load: (reportId: number) => Promise<ReportRow>;
  delete: (reportId: number) => Promise<void>;
};

type Deps = { database: Database; enterRoom: EnterRoom; clock: Clock; serverName: string };

/** https://spec.matrix.org/latest/client-server-api/#reporting-content */
export function createReports({ database, enterRoom, clock, serverName }: Deps): Reports {
  const { sql } = database;

  async function store(
    reporter: RoomReader,
    target: { roomId?: string; eventId?: string; reportedId?: string },
    report: Report,
  ): Promise<void> {
    if ((report.reason?.length ?? 0) > MAX_REASON_LENGTH) throw badJson(`A reason has at most ${MAX_REASON_LENGTH} characters.`);
    const now = clock.now();
    if ((await countReportsSince(sql, reporter.userNid, now - DAY_MS)) >= MAX_REPORTS) throw limitExceeded(DAY_MS);
    await insertReport(sql, { receivedAt: now, reporterNid: reporter.userNid, ...target, ...report });
  }

  return {
    reportEvent: async (reporter, target, report) => {
      const absent = notFound('There is no such event, or it is in a room that you are not in.');
      try {
        const { room, view } = await enterRoom.enter(reporter, target.roomId);
        if (view.membership !== 'join') throw absent;
        await enterRoom.findVisible(room, view, target.eventId);
      } catch (error) {
        throw error instanceof MatrixError ? absent : error;
      }
      await store(reporter, target, report);
    },
    reportRoom: async (reporter, roomId, report) => {
      const room = await findRoom(sql, roomId);
      if (room === undefined) throw notFound(`This server does not know the room ${roomId}.`);
      await store(reporter, { roomId }, report);
    },
    reportUser: async (reporter, userId, report) => {
      if (serverNameOf(userId) === serverName && (await findAccount(sql, userId)) === undefined) return;
      await store(reporter, { reportedId: userId }, report);
    },
    list: (query) => listReports(sql, query),
    load: async (reportId) => {
      const report = await findReport(sql, reportId);
      if (report === undefined) throw notFound('There is no such report.');
      return report;
    },
    delete: async (reportId) => {
      if (!(await deleteReport(sql, reportId))) throw notFound('There is no such report.');
    },
  };
}
