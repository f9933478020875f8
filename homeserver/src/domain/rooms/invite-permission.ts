import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { matchesGlob } from 'federation-spec/push-rules/match-glob.ts';
import { forbidden, matrixError } from '../../platform/matrix-error.ts';
import { findAccountDataOfTypes } from '../../storage/account-data.ts';
import { findBlock } from '../../storage/blocked-rooms.ts';
import type { Database } from '../../storage/database.ts';
import { findUserNids } from '../../storage/users.ts';

const ALL_OR_NONE = ['m.invite_permission_config', 'org.matrix.msc4380.invite_permission_config'];
const BY_NAME = 'org.matrix.msc4155.invite_permission_config';
/** Most patterns of one list that are looked at. */
const MAX_PATTERNS = 1_000;

/** What happens to an invite: it comes in, it comes in and is not shown, or it is refused. */
export type InviteVerdict = 'allow' | 'ignore' | 'block';

export type InvitePermission = {
  /** How a user's invites are judged, by inviter; undefined for who has said nothing. */
  loadJudge: (userNid: number) => Promise<((inviter: string) => InviteVerdict) | undefined>;
  /** Throws M_INVITE_BLOCKED when the user of this server takes no invites of the inviter, M_FORBIDDEN when nobody is to enter the room. */
  check: (userId: string, inviter: string, roomId?: string) => Promise<void>;
};

/** What people of this server have said of invites. https://spec.matrix.org/latest/client-server-api/#invite-permission */
export function createInvitePermission({ database }: { database: Database }): InvitePermission {
  async function loadJudge(userNid: number): Promise<((inviter: string) => InviteVerdict) | undefined> {
    const stored = await findAccountDataOfTypes(database.sql, userNid, [...ALL_OR_NONE, BY_NAME]);
    const configs = stored.map(({ type, content }) => ({ type, config: JSON.parse(content) as unknown }));
    if (configs.length === 0) return undefined;
    return (inviter) => {
      const verdicts = configs.map(({ type, config }) => {
        if (!isJsonObject(config)) return 'allow';
        return type === BY_NAME ? judgeByName(config, inviter) : judgeAll(config);
      });
      return verdicts.find((verdict) => verdict === 'block') ?? verdicts.find((verdict) => verdict === 'ignore') ?? 'allow';
    };
  }

  return {
    loadJudge,
    check: async (userId, inviter, roomId) => {
      if (roomId !== undefined && (await findBlock(database.sql, roomId)) !== undefined)
        throw forbidden('This room has been blocked on this server.');
      if (userId === inviter) return;
      const userNid = (await findUserNids(database.sql, [userId])).get(userId);
      const judge = userNid === undefined ? undefined : await loadJudge(userNid);
      if (judge?.(inviter) === 'block') throw matrixError(403, 'M_INVITE_BLOCKED', `${userId} does not take your invites.`);
    },
  };
}

function judgeAll(config: JsonObject): InviteVerdict {
  return config['default_action'] === 'block' || config['block_all'] === true ? 'block' : 'allow';
}

/** People are asked about before their servers; who is allowed goes before who is ignored, and that before who is blocked. */
function judgeByName(config: JsonObject, inviter: string): InviteVerdict {
  if (config['enabled'] === false) return 'allow';
  const server = serverNameOf(inviter) ?? '';
  const isNamed = (key: string, name: string): boolean => {
    const patterns: unknown = config[key];
    if (!Array.isArray(patterns)) return false;
    return patterns.slice(0, MAX_PATTERNS).some((pattern: unknown) => typeof pattern === 'string' && matchesGlob(pattern, name));
  };
  for (const [kind, name] of [
    ['users', inviter],
    ['servers', server],
  ] as const) {
    if (isNamed(`allowed_${kind}`, name)) return 'allow';
    if (isNamed(`ignored_${kind}`, name)) return 'ignore';
    if (isNamed(`blocked_${kind}`, name)) return 'block';
  }
  return 'allow';
}
