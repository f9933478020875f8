import { readList } from 'federation-spec/api/schemas/query.ts';
import { sendInviteV1, sendInviteV2 } from 'federation-spec/api/server/invites.ts';
import { makeJoin, sendJoinV1, sendJoinV2 } from 'federation-spec/api/server/joining.ts';
import { makeKnock, sendKnock } from 'federation-spec/api/server/knocking.ts';
import { makeLeave, sendLeaveV1, sendLeaveV2 } from 'federation-spec/api/server/leaving.ts';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import type { AcceptMembership } from '../../domain/federation/membership/accept-membership.ts';
import type { AnswerJoin } from '../../domain/federation/membership/answer-join.ts';
import type { MakeMembership } from '../../domain/federation/membership/make-membership.ts';
import type { ReceiveInvite } from '../../domain/federation/membership/receive-invite.ts';
import { listRoomPreview } from '../../domain/federation/membership/room-preview.ts';
import { type Route, raw, route } from '../http/route.ts';

const OLD_VERSION = '1';

type Deps = { makeMembership: MakeMembership; acceptMembership: AcceptMembership; answerJoin: AnswerJoin; receiveInvite: ReceiveInvite };

/** https://spec.matrix.org/latest/server-server-api/#joining-rooms */
export function serverMembershipRoutes({ makeMembership, acceptMembership, answerJoin, receiveInvite }: Deps): Route[] {
  return [
    route(makeJoin, async ({ params, query, origin }) => {
      const versions = query.ver === undefined ? [OLD_VERSION] : readList(query.ver);
      return await makeMembership({ ...params, origin, membership: 'join', versions });
    }),
    route(sendJoinV2, async ({ params, query, body, origin }) => {
      const omitMembers = query.omit_members === 'true';
      return raw({ text: await answerJoin({ ...params, origin, event: body, membership: 'join' }, { omitMembers }) });
    }),
    route(sendJoinV1, async ({ params, body, origin }) =>
      raw({ text: `[200,${await answerJoin({ ...params, origin, event: body, membership: 'join' })}]` }),
    ),

    route(makeLeave, async ({ params, origin }) => await makeMembership({ ...params, origin, membership: 'leave', versions: undefined })),
    route(sendLeaveV2, async ({ params, body, origin }) => {
      await acceptMembership({ ...params, origin, event: body, membership: 'leave' });
      return {};
    }),
    route(sendLeaveV1, async ({ params, body, origin }) => {
      await acceptMembership({ ...params, origin, event: body, membership: 'leave' });
      return raw({ json: [200, {}] });
    }),

    route(makeKnock, async ({ params, query, origin }) =>
      makeMembership({ ...params, origin, membership: 'knock', versions: readList(query.ver) }),
    ),
    route(sendKnock, async ({ params, body, origin }) => {
      const { room } = await acceptMembership({ ...params, origin, event: body, membership: 'knock' });
      return { knock_room_state: listRoomPreview(room).map((event) => ({ ...event })) };
    }),

    route(sendInviteV2, async ({ params, body, origin }) => {
      const { room_version: roomVersion, event } = body;
      const inviteRoomState = listObjects(body.invite_room_state);
      return { event: { ...(await receiveInvite({ ...params, origin, roomVersion, event, inviteRoomState })) } };
    }),
    route(sendInviteV1, async ({ params, body, origin }) => {
      const invite = { ...params, origin, roomVersion: OLD_VERSION, event: body, inviteRoomState: previewOf(body) };
      return raw({ json: [200, { event: await receiveInvite(invite) }] });
    }),
  ];
}

function previewOf(event: JsonObject): JsonObject[] {
  const { unsigned } = event;
  return listObjects(isJsonObject(unsigned) ? unsigned['invite_room_state'] : undefined);
}

function listObjects(values: unknown): JsonObject[] {
  return Array.isArray(values) ? values.filter(isJsonObject) : [];
}
