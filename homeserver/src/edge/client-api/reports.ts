import { deleteEventReport, getEventReport, listEventReports } from 'federation-spec/api/admin/synapse-admin.ts';
import { reportEvent, reportRoom, reportUser } from 'federation-spec/api/client/reports.ts';
import { readInteger } from 'federation-spec/api/schemas/query.ts';
import type { Reports } from '../../domain/rooms/reports.ts';
import { invalidParam } from '../../platform/matrix-error.ts';
import { checkAdmin } from '../http/check-admin.ts';
import { type Route, route } from '../http/route.ts';

const DEFAULT_PAGE = 100;
const MAX_PAGE = 500;

/** https://spec.matrix.org/latest/client-server-api/#reporting-content */
export function reportRoutes(reports: Reports): Route[] {
  return [
    route(reportEvent, async ({ params, body, requester }) => {
      await reports.reportEvent(requester, params, { reason: body.reason, score: body.score });
      return {};
    }),
    route(reportRoom, async ({ params, body, requester }) => {
      await reports.reportRoom(requester, params.roomId, { reason: body.reason });
      return {};
    }),
    route(reportUser, async ({ params, body, requester }) => {
      await reports.reportUser(requester, params.userId, { reason: body.reason });
      return {};
    }),

    route(listEventReports, async ({ query, requester }) => {
      checkAdmin(requester);
      const from = readInteger(query.from) ?? 0;
      const limit = Math.min(readInteger(query.limit) ?? DEFAULT_PAGE, MAX_PAGE);
      const { reports: page, total } = await reports.list({
        from,
        limit,
        direction: query.dir ?? 'b',
        eventsOnly: true,
        reporter: query.user_id,
        roomId: query.room_id,
      });
      return { event_reports: page.map(toWire), total, ...(from + limit < total ? { next_token: from + page.length } : {}) };
    }),
    route(getEventReport, async ({ params, requester }) => {
      checkAdmin(requester);
      const report = await reports.load(readReportId(params.reportId));
      return { ...toWire(report), event_json: report.json === null ? {} : JSON.parse(report.json) };
    }),
    route(deleteEventReport, async ({ params, requester }) => {
      checkAdmin(requester);
      await reports.delete(readReportId(params.reportId));
      return {};
    }),
  ];
}

function readReportId(text: string): number {
  const reportId = Number(text);
  if (!/^\d{1,15}$/.test(text)) throw invalidParam('The number of a report is a whole number.');
  return reportId;
}

function toWire(report: Awaited<ReturnType<Reports['load']>>) {
  return {
    id: report.reportId,
    received_ts: report.receivedAt,
    room_id: report.roomId,
    event_id: report.eventId,
    user_id: report.reporter,
    reason: report.reason,
    score: report.score,
    sender: report.sender,
  };
}
