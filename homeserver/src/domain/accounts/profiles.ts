import type { JsonObject, JsonValue } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import type { Logger } from '../../platform/logger.ts';
import { guestAccessForbidden, invalidParam, matrixError, missingParam, notFound } from '../../platform/matrix-error.ts';
import { type AccountRow, findAccount } from '../../storage/accounts.ts';
import type { Pool, Sql } from '../../storage/database.ts';
import { deleteProfileField, listProfileFields, upsertProfileField } from '../../storage/profiles.ts';

/** Asks another server for the profile of one of its users. @throws M_NOT_FOUND */
export type QueryRemoteProfile = (userId: string, field: string | undefined) => Promise<JsonObject>;
/** Tells the person's rooms of a new name or picture. */
export type SpreadProfile = (user: { userNid: number; userId: string }) => Promise<void>;

type ProfileOwner = { userNid: number; userId: string; isGuest?: boolean };

/** https://spec.matrix.org/latest/client-server-api/#profiles */
export type Profiles = {
  /** @throws M_NOT_FOUND when nobody has this user id */
  load(userId: string): Promise<JsonObject>;
  /** @throws M_NOT_FOUND when there is no such field */
  loadField(userId: string, name: string): Promise<JsonValue>;
  /** A local profile, for other servers. @throws M_NOT_FOUND */
  loadLocal(userId: string): Promise<JsonObject>;
  /** What membership events carry of a local profile: `displayname`, `avatar_url`. */
  findForMembership(userId: string): Promise<JsonObject>;
  /**
   * An empty name or picture is none. A guest has a name only.
   *
   * @throws M_MISSING_PARAM, M_INVALID_PARAM, M_KEY_TOO_LARGE, M_PROFILE_TOO_LARGE, M_GUEST_ACCESS_FORBIDDEN
   */
  setField(user: ProfileOwner, name: string, value: unknown): Promise<void>;
  deleteField(user: ProfileOwner, name: string): Promise<void>;
};

const MAX_PROFILE_BYTES = 65_536;
const MAX_NAME_BYTES = 255;
const MAX_TEXT_CHARACTERS: Readonly<Record<string, number>> = { displayname: 256, avatar_url: 1_000, 'm.tz': 255 };
const IN_MEMBERSHIPS: readonly string[] = ['displayname', 'avatar_url'];
/** The grammar of field names: https://spec.matrix.org/latest/appendices/#common-namespaced-identifier-grammar */
const NAME = /^[a-z][a-z0-9_.-]*$/;

type Deps = {
  pool: Pool;
  serverName: string;
  /** Asks for a local user who is not there; true when it has been made since. */
  askForUser: (userId: string) => Promise<boolean>;
  queryRemoteProfile: QueryRemoteProfile;
  spreadProfile: SpreadProfile;
  logger: Logger;
};

export function createProfiles({ pool, serverName, askForUser, queryRemoteProfile, spreadProfile, logger }: Deps): Profiles {
  const isLocal = (userId: string) => serverNameOf(userId) === serverName;

  async function listLocal(userId: string): Promise<JsonObject> {
    const fields = await listProfileFields(pool, userId);
    return Object.fromEntries(fields.map(({ name, value }) => [name, JSON.parse(value) as JsonValue]));
  }

  async function findOrAskFor(userId: string): Promise<AccountRow | undefined> {
    const account = await findAccount(pool, userId);
    return account === undefined && (await askForUser(userId)) ? await findAccount(pool, userId) : account;
  }

  async function loadLocal(userId: string): Promise<JsonObject> {
    const account = isLocal(userId) ? await findOrAskFor(userId) : undefined;
    if (account === undefined || account.status === 'deactivated') throw notFound(`Nobody here is called ${userId}`);
    return await listLocal(userId);
  }

  /** Rooms hear of it behind the answer: there may be thousands, and some far away. */
  function spread(user: { userNid: number; userId: string }, name: string): void {
    if (!IN_MEMBERSHIPS.includes(name)) return;
    spreadProfile(user).catch((error: unknown) =>
      logger.warn({ err: error, userId: user.userId }, 'a profile could not be told to all rooms'),
    );
  }

  async function removeField(user: ProfileOwner, name: string): Promise<void> {
    await deleteProfileField(pool, user.userNid, name);
    spread(user, name);
  }

  return {
    loadLocal,
    async load(userId) {
      checkUserId(userId);
      return isLocal(userId) ? await loadLocal(userId) : await queryRemoteProfile(userId, undefined);
    },
    async loadField(userId, name) {
      checkUserId(userId);
      const profile = isLocal(userId) ? await loadLocal(userId) : await queryRemoteProfile(userId, name);
      const value = Object.hasOwn(profile, name) ? profile[name] : undefined;
      if (value === undefined) throw notFound(`The profile of ${userId} has no ${name}`);
      return value;
    },
    async findForMembership(userId) {
      let profile = await listLocal(userId);
      if (Object.keys(profile).length === 0 && isLocal(userId) && (await findOrAskFor(userId)) !== undefined)
        profile = await listLocal(userId);
      return Object.fromEntries(Object.entries(profile).filter(([name]) => IN_MEMBERSHIPS.includes(name)));
    },
    async setField(user, name, value) {
      checkName(name);
      checkMayChange(user, name);
      checkValue(name, value);
      if (value === '' && IN_MEMBERSHIPS.includes(name)) return await removeField(user, name);
      const isStored = await upsertProfileField(pool, user.userNid, { name, value: JSON.stringify(value) }, MAX_PROFILE_BYTES);
      if (!isStored) throw matrixError(400, 'M_PROFILE_TOO_LARGE', `A profile may have at most ${MAX_PROFILE_BYTES} bytes`);
      spread(user, name);
    },
    async deleteField(user, name) {
      checkName(name);
      checkMayChange(user, name);
      await removeField(user, name);
    },
  };
}

/** What a new account begins with: its user name as display name, unless it was given another. */
export async function welcomeAccount(
  sql: Sql,
  { userNid, userId, isGuest, displayName }: { userNid: number; userId: string; isGuest: boolean; displayName?: string | undefined },
): Promise<void> {
  const name = displayName ?? parseUserId(userId)?.localpart;
  if (!isGuest && name !== undefined)
    await upsertProfileField(sql, userNid, { name: 'displayname', value: JSON.stringify(name) }, MAX_PROFILE_BYTES);
}

function checkMayChange({ isGuest }: ProfileOwner, name: string): void {
  if (isGuest === true && name !== 'displayname') throw guestAccessForbidden('A guest may only change the display name');
}

function checkName(name: string): void {
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw matrixError(400, 'M_KEY_TOO_LARGE', `A field's name has at most ${MAX_NAME_BYTES} bytes`);
  if (!NAME.test(name)) throw invalidParam(`${JSON.stringify(name)} cannot be the name of a profile field`);
}

function checkValue(name: string, value: unknown): void {
  if (value === undefined) throw missingParam(`Missing key ${name}`);
  const maxCharacters = Object.hasOwn(MAX_TEXT_CHARACTERS, name) ? MAX_TEXT_CHARACTERS[name] : undefined;
  if (maxCharacters === undefined) return;
  if (typeof value !== 'string') throw invalidParam(`${name} must be text`);
  if (value.length > maxCharacters) throw invalidParam(`${name} may have at most ${maxCharacters} characters`);
}

function checkUserId(userId: string): void {
  if (parseUserId(userId) === undefined) throw invalidParam(`${userId.slice(0, 255)} is no user id; one looks like @name:example.org`);
}
