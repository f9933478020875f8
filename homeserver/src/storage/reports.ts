import type { Sql } from './database.ts';

export type NewReport = {
  receivedAt: number;
  reporterNid: number;
  roomId?: string | undefined;
  eventId?: string | undefined;
  /** The person reported. */
  reportedId?: string | undefined;
  reason?: string | undefined;
  score?: number | undefined;
};

export type ReportRow = {
  reportId: number;
  receivedAt: number;
  reporter: string;
  roomId: string | null;
  eventId: string | null;
  reportedId: string | null;
  reason: string | null;
  score: number | null;
  /** Who sent the event, and its text. */
  sender: string | null;
  json: string | null;
};

export async function insertReport(sql: Sql, report: NewReport): Promise<void> {
  const { receivedAt, reporterNid, roomId = null, eventId = null, reportedId = null, reason = null, score = null } = report;
  await sql`
    insert into reports (received_at, reporter_nid, room_id, event_id, reported_id, reason, score)
    values (${receivedAt}, ${reporterNid}, ${roomId}, ${eventId}, ${reportedId}, ${reason}, ${score})`;
}

export async function countReportsSince(sql: Sql, reporterNid: number, since: number): Promise<number> {
  const [row] = await sql<
    { count: number }[]
  >`select count(*) as count from reports where reporter_nid = ${reporterNid} and received_at >= ${since}`;
  return row?.count ?? 0;
}

export type ReportQuery = {
  from: number;
  limit: number;
  direction: 'b' | 'f';
  eventsOnly: boolean;
  reporter?: string | undefined;
  roomId?: string | undefined;
};

/** Reports, newest first unless `direction` is `f`, and how many there are in all. */
export async function listReports(sql: Sql, query: ReportQuery): Promise<{ reports: ReportRow[]; total: number }> {
  const { from, limit, direction, eventsOnly, reporter, roomId } = query;
  const which = sql`
    where (not ${eventsOnly} or p.event_id is not null)
    ${reporter === undefined ? sql`` : sql`and strpos(u.user_id, ${reporter}) > 0`} ${roomId === undefined ? sql`` : sql`and strpos(p.room_id, ${roomId}) > 0`}`;
  const reports = await sql<ReportRow[]>`
    select ${columns(sql)} ${tables(sql)} ${which}
    order by p.report_id ${direction === 'b' ? sql`desc` : sql``} offset ${from} limit ${limit}`;
  const [count] = await sql<
    { total: number }[]
  >`select count(*) as total from reports p join users u on u.user_nid = p.reporter_nid ${which}`;
  return { reports, total: count?.total ?? 0 };
}

export async function findReport(sql: Sql, reportId: number): Promise<ReportRow | undefined> {
  const [row] = await sql<ReportRow[]>`select ${columns(sql)} ${tables(sql)} where p.report_id = ${reportId}`;
  return row;
}

export async function deleteReport(sql: Sql, reportId: number): Promise<boolean> {
  return (await sql`delete from reports where report_id = ${reportId}`).count > 0;
}

function columns(sql: Sql) {
  return sql`p.report_id as "reportId", p.received_at as "receivedAt", u.user_id as reporter, p.room_id as "roomId", p.event_id as "eventId",
    p.reported_id as "reportedId", p.reason, p.score, s.user_id as sender, e.json`;
}

function tables(sql: Sql) {
  return sql`from reports p join users u on u.user_nid = p.reporter_nid
    left join events e on e.event_id = p.event_id left join users s on s.user_nid = e.sender_nid`;
}
