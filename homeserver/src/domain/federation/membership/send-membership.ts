import { sendJoinV1, sendJoinV2 } from 'federation-spec/api/server/joining.ts';
import { sendLeaveV1, sendLeaveV2 } from 'federation-spec/api/server/leaving.ts';
import type { Static } from 'typebox';
import type { CheckedPdu } from '../../rooms/receive-pdu/check-pdu.ts';
import type { CallOptions, FederationClient } from '../federation-client.ts';
import { FederationError } from '../federation-error.ts';

export type SendJoinAnswer = Static<typeof sendJoinV2.response>;

/** Hands a join to a resident, in the way of older servers when it knows no other. */
export async function sendJoin(
  client: FederationClient,
  resident: string,
  { roomId, join, omitMembers }: { roomId: string; join: CheckedPdu; omitMembers: boolean },
  options: CallOptions,
): Promise<SendJoinAnswer> {
  const params = { roomId, eventId: join.eventId };
  const body = { ...join.event };
  const query = { omit_members: String(omitMembers) };
  return await client.call(resident, sendJoinV2, { params, query, body }, options).catch(async (error: unknown) => {
    if (!isUnknownEndpoint(error)) throw error;
    const [, answer] = await client.call(resident, sendJoinV1, { params, body }, options);
    return answer;
  });
}

/** Hands a leave to a resident, likewise. */
export async function sendLeave(
  client: FederationClient,
  resident: string,
  { roomId, leave }: { roomId: string; leave: CheckedPdu },
  options: CallOptions,
): Promise<void> {
  const params = { roomId, eventId: leave.eventId };
  const body = { ...leave.event };
  await client.call(resident, sendLeaveV2, { params, body }, options).catch(async (error: unknown) => {
    if (!isUnknownEndpoint(error)) throw error;
    await client.call(resident, sendLeaveV1, { params, body }, options);
  });
}

/** The server has no such endpoint. A 404 or a 400 with another code is an answer of the endpoint. */
export function isUnknownEndpoint(error: unknown): boolean {
  if (!(error instanceof FederationError)) return false;
  const { status, errcode } = error;
  return errcode === 'M_UNRECOGNIZED' || (status === 404 && errcode === undefined) || status === 405;
}
