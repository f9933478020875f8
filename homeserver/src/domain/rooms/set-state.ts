import { checkPowerLevelForm } from 'federation-spec/auth-rules/check-power-levels.ts';
import { powerLevelOf, requiredPowerLevel } from 'federation-spec/auth-rules/power-levels.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { parseRoomAlias } from 'federation-spec/identifiers/room-alias.ts';
import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import { badJson, invalidParam, MatrixError, matrixError } from '../../platform/matrix-error.ts';
import { MEMBER } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { Memberships } from './membership.ts';
import { findRetentionFault, RETENTION, type RetentionPolicies } from './retention-policies.ts';
import type { SendEvent } from './send-event.ts';
import { isAllowedBy } from './server-acl.ts';

/** Most further aliases of one event. */
const MAX_ALT_ALIASES = 100;
const MEMBERSHIPS: readonly string[] = ['invite', 'join', 'knock', 'leave', 'ban'];

export type StateWish = {
  roomId: string;
  type: string;
  stateKey: string;
  content: JsonObject;
  originServerTs?: number | undefined;
  /** For how many milliseconds everybody in the room is brought it. */
  stickyMs?: number | undefined;
};

/** Writes state as a client words it; resolves with the event's id. */
export type SetState = (actor: { userId: string; userNid: number }, wish: StateWish) => Promise<string>;

type Deps = {
  rooms: HotRooms;
  sendEvent: SendEvent;
  memberships: Pick<Memberships, 'put'>;
  retention: Pick<RetentionPolicies, 'settings'>;
  serverName: string;
  /** The room an alias points at. Throws M_NOT_FOUND. */
  resolveAlias: (alias: string) => Promise<{ roomId: string }>;
};

/**
 * Memberships go the way of memberships, and a main alias must be one of the room.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey
 */
export function createSetState({ rooms, sendEvent, memberships, retention, serverName, resolveAlias }: Deps): SetState {
  /** Throws M_BAD_JSON for a policy that the room cannot have here. */
  function checkRetention(content: JsonObject): void {
    const fault = findRetentionFault(content, retention.settings);
    if (fault !== undefined) throw badJson(fault);
  }

  /** Throws M_BAD_ALIAS when an alias that the event adds does not point at the room, M_INVALID_PARAM when it is none. */
  async function checkAliases(roomId: string, content: JsonObject): Promise<void> {
    const before = (await rooms.load(roomId))?.find('m.room.canonical_alias', '')?.content ?? {};
    const known = new Set(listAliases(before, { isStrict: false }));
    for (const alias of listAliases(content, { isStrict: true })) {
      if (known.has(alias)) continue;
      if (parseRoomAlias(alias) === undefined) throw invalidParam(`${alias} is no room alias.`);
      const target = await resolveAlias(alias).catch((error: unknown) => {
        if (error instanceof MatrixError) return undefined;
        throw error;
      });
      if (target?.roomId !== roomId) throw matrixError(400, 'M_BAD_ALIAS', `The alias ${alias} does not point at this room.`);
    }
  }

  /** Throws M_BAD_JSON for levels that no room of this version can have. Who may not set any is told that instead, when the event is sent. */
  async function checkLevels(userId: string, roomId: string, content: JsonObject): Promise<void> {
    const room = await rooms.load(roomId);
    const create = room?.find('m.room.create', '');
    if (room === undefined || create === undefined) return;
    const needed = requiredPowerLevel({ type: 'm.room.power_levels', stateKey: '' }, room, room.rules);
    if (powerLevelOf(userId, room, room.rules) < needed) return;
    const verdict = checkPowerLevelForm(content, create, room.rules);
    if (!verdict.allowed) throw badJson(verdict.reason);
  }

  return async function setState(actor, { roomId, type, stateKey, content, originServerTs, stickyMs }) {
    if (type === MEMBER && stickyMs !== undefined)
      throw invalidParam('A membership is brought to everybody as it is: it cannot be sticky.');
    if (type === MEMBER) checkMember(stateKey, content);
    if (type === 'm.room.power_levels' && stateKey === '') await checkLevels(actor.userId, roomId, content);
    if (type === RETENTION && stateKey === '') checkRetention(content);
    if (type === 'm.room.server_acl' && stateKey === '' && !isAllowedBy(content, serverName))
      throw invalidParam('This list would shut out the server it is made on.');
    if (type === MEMBER) return await memberships.put(actor, { roomId, target: stateKey, content, originServerTs });
    if (type === 'm.room.canonical_alias' && stateKey === '') await checkAliases(roomId, content);
    const time = originServerTs === undefined ? {} : { originServerTs };
    return await sendEvent({ roomId, sender: actor.userId, senderNid: actor.userNid, type, stateKey, content, stickyMs, ...time });
  };
}

/** Throws M_INVALID_PARAM for a membership of nobody, M_BAD_JSON for one that does not exist. */
function checkMember(stateKey: string, { membership }: JsonObject): void {
  if (parseUserId(stateKey) === undefined) throw invalidParam(`${JSON.stringify(stateKey)} is no user id.`);
  if (typeof membership !== 'string' || !MEMBERSHIPS.includes(membership))
    throw badJson(`A membership is one of ${MEMBERSHIPS.join(', ')}, which ${JSON.stringify(membership)} is not.`);
}

function listAliases({ alias, alt_aliases: further }: JsonObject, { isStrict }: { isStrict: boolean }): string[] {
  const given: unknown[] = [
    ...(alias === undefined || alias === null || alias === '' ? [] : [alias]),
    ...(Array.isArray(further) ? further : []),
  ];
  const texts = given.filter((value) => typeof value === 'string');
  const isWhole = texts.length === given.length && (further === undefined || Array.isArray(further)) && given.length <= MAX_ALT_ALIASES + 1;
  if (isStrict && !isWhole) throw badJson(`alias must be text, alt_aliases a list of at most ${MAX_ALT_ALIASES} texts.`);
  return texts;
}
