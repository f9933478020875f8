/** What redaction keeps of an object: everything, or these keys, each whole (`true`) or itself pruned. */
export type KeptContent = 'all' | { readonly [key: string]: true | KeptContent };

/**
 * What redaction keeps of an event: keys at its top, and keys of its `content` by event type.
 *
 * https://spec.matrix.org/latest/rooms/v12/#redactions
 */
export type RedactionRules = {
  readonly keptKeys: ReadonlySet<string>;
  readonly keptContent: ReadonlyMap<string, KeptContent>;
};

const KEPT_BY_ALL = [
  'event_id',
  'type',
  'room_id',
  'sender',
  'state_key',
  'content',
  'hashes',
  'signatures',
  'depth',
  'prev_events',
  'auth_events',
  'origin_server_ts',
];

const v1Keys: ReadonlySet<string> = new Set([...KEPT_BY_ALL, 'prev_state', 'origin', 'membership']);
const v11Keys: ReadonlySet<string> = new Set(KEPT_BY_ALL);

const v1PowerLevels = {
  ban: true,
  events: true,
  events_default: true,
  kick: true,
  redact: true,
  state_default: true,
  users: true,
  users_default: true,
} as const;

const v1Content: Readonly<Record<string, KeptContent>> = {
  'm.room.member': { membership: true },
  'm.room.create': { creator: true },
  'm.room.join_rules': { join_rule: true },
  'm.room.power_levels': v1PowerLevels,
  'm.room.history_visibility': { history_visibility: true },
};

const v8Content: Readonly<Record<string, KeptContent>> = { ...v1Content, 'm.room.join_rules': { join_rule: true, allow: true } };

const v9Content: Readonly<Record<string, KeptContent>> = {
  ...v8Content,
  'm.room.member': { membership: true, join_authorised_via_users_server: true },
};

const v11Content: Readonly<Record<string, KeptContent>> = {
  ...v9Content,
  'm.room.member': { membership: true, join_authorised_via_users_server: true, third_party_invite: { signed: true } },
  'm.room.create': 'all',
  'm.room.power_levels': { ...v1PowerLevels, invite: true },
  'm.room.redaction': { redacts: true },
};

/** Room versions 1 to 5. */
export const v1Redaction = redactionRules(v1Keys, { ...v1Content, 'm.room.aliases': { aliases: true } });
/** Room versions 6 and 7: `m.room.aliases` keeps nothing. */
export const v6Redaction = redactionRules(v1Keys, v1Content);
/** Room version 8: `m.room.join_rules` keeps `allow`. */
export const v8Redaction = redactionRules(v1Keys, v8Content);
/** Room versions 9 and 10: `m.room.member` keeps `join_authorised_via_users_server`. */
export const v9Redaction = redactionRules(v1Keys, v9Content);
/** Room versions 11 and 12: the old keys at the top go, and more of the content that others rely on stays. */
export const v11Redaction = redactionRules(v11Keys, v11Content);

function redactionRules(keptKeys: ReadonlySet<string>, content: Readonly<Record<string, KeptContent>>): RedactionRules {
  return { keptKeys, keptContent: new Map(Object.entries(content)) };
}
