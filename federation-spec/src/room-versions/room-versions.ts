import { type RedactionRules, v1Redaction, v6Redaction, v8Redaction, v9Redaction, v11Redaction } from './redaction-rules.ts';

/**
 * Everything that differs between room versions, as data. Code asks for the difference by its name, never for the number.
 *
 * https://spec.matrix.org/latest/rooms/
 */
export type RoomVersionRules = {
  readonly version: string;
  /** How an event is named: by its server (v1, v2), or by its hash in base64 (v3), URL-safe from v4 on. */
  readonly eventIdFormat: 'chosen-by-server' | 'base64' | 'base64-url';
  /** Whether `prev_events` and `auth_events` hold ids, or pairs of id and hashes (v1, v2). */
  readonly eventReferences: 'id-and-hashes' | 'id';
  /** The room's id is the id of its `m.room.create` event with `!` for `$`; that event has no `room_id` and nobody names it in `auth_events`. */
  readonly createEventIdIsRoomId: boolean;
  /** Events must be canonical JSON: no floats, no integers beyond ±(2^53 − 1). */
  readonly strictCanonicalJson: boolean;
  /** The largest integer at the top of an event, such as its `depth`: 2^53 − 1 from v6 on, 2^63 − 1 before. */
  readonly maxInteger: bigint;
  /** A signature counts only while its key was valid at `origin_server_ts`. */
  readonly enforcesKeyValidity: boolean;
  readonly stateResolution: 'v1' | 'v2' | 'v2.1';
  readonly redaction: RedactionRules;
  /** An `m.room.redaction` names its target in `content.redacts` rather than at the top of the event. */
  readonly redactsInContent: boolean;
  /** Auth rule 11 of v1 and v2: who may redact is an auth rule. Later the receiver of a redaction checks it when applying. */
  readonly redactionAuthRule: boolean;
  /** `m.room.aliases` has an auth rule of its own. */
  readonly aliasesAuthRule: boolean;
  /** Changes of `notifications` in the power levels are checked like those of `events`. */
  readonly notificationLevelsChecked: boolean;
  /** Power levels may be written as strings and floats, or must be integers. */
  readonly powerLevelValues: 'number-or-string' | 'integer';
  /** The join rule `knock` and the membership `knock` exist. */
  readonly knocking: boolean;
  /** The join rule `restricted` exists. */
  readonly restrictedJoins: boolean;
  /** The join rule `knock_restricted` exists. */
  readonly knockRestrictedJoins: boolean;
  /** The creator is the sender of `m.room.create`; `content.creator` is gone. */
  readonly creatorIsSender: boolean;
  /** Creators, among them `content.additional_creators`, stand above every power level. */
  readonly privilegedCreators: boolean;
};

const v1: RoomVersionRules = {
  version: '1',
  eventIdFormat: 'chosen-by-server',
  eventReferences: 'id-and-hashes',
  createEventIdIsRoomId: false,
  strictCanonicalJson: false,
  maxInteger: 2n ** 63n - 1n,
  enforcesKeyValidity: false,
  stateResolution: 'v1',
  redaction: v1Redaction,
  redactsInContent: false,
  redactionAuthRule: true,
  aliasesAuthRule: true,
  notificationLevelsChecked: false,
  powerLevelValues: 'number-or-string',
  knocking: false,
  restrictedJoins: false,
  knockRestrictedJoins: false,
  creatorIsSender: false,
  privilegedCreators: false,
};
const v2: RoomVersionRules = { ...v1, version: '2', stateResolution: 'v2' };
const v3: RoomVersionRules = { ...v2, version: '3', eventIdFormat: 'base64', eventReferences: 'id', redactionAuthRule: false };
const v4: RoomVersionRules = { ...v3, version: '4', eventIdFormat: 'base64-url' };
const v5: RoomVersionRules = { ...v4, version: '5', enforcesKeyValidity: true };
const v6: RoomVersionRules = {
  ...v5,
  version: '6',
  strictCanonicalJson: true,
  maxInteger: 2n ** 53n - 1n,
  redaction: v6Redaction,
  aliasesAuthRule: false,
  notificationLevelsChecked: true,
};
const v7: RoomVersionRules = { ...v6, version: '7', knocking: true };
const v8: RoomVersionRules = { ...v7, version: '8', restrictedJoins: true, redaction: v8Redaction };
const v9: RoomVersionRules = { ...v8, version: '9', redaction: v9Redaction };
const v10: RoomVersionRules = { ...v9, version: '10', knockRestrictedJoins: true, powerLevelValues: 'integer' };
const v11: RoomVersionRules = { ...v10, version: '11', redaction: v11Redaction, redactsInContent: true, creatorIsSender: true };
const v12: RoomVersionRules = { ...v11, version: '12', stateResolution: 'v2.1', createEventIdIsRoomId: true, privilegedCreators: true };

const byVersion: ReadonlyMap<string, RoomVersionRules> = new Map(
  [v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12].map((rules) => [rules.version, rules]),
);

/** The versions we know, oldest first. All of them are stable. */
export const ROOM_VERSIONS: readonly string[] = [...byVersion.keys()];

/** The rules of a room version, or `undefined` when nobody told us that version. */
export function roomVersionRules(version: string): RoomVersionRules | undefined {
  return byVersion.get(version);
}
