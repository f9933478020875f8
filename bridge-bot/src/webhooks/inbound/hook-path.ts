import type { Dialect } from '../adapters/adapter.ts';
import { isDialect } from '../adapters/find-adapter.ts';

export type HookTarget = { hookId: string; secret: string; dialect: Dialect | undefined };

const OWN = /^\/hooks\/([\w-]{1,64})\/([\w-]{1,128})(?:\/([a-z]{1,32}))?\/?$/;
/** Discord's own form, so that integrations which insist on it need but another host. */
const DISCORDS = /^\/api\/webhooks\/([\w-]{1,64})\/([\w-]{1,128})(?:\/(slack|github))?\/?$/;

/** Reads `/hooks/<id>/<secret>[/<dialect>]` and `/api/webhooks/<id>/<token>[/slack|/github]`. */
export function parseHookPath(path: string): HookTarget | undefined {
  const [, hookId, secret, dialect] = OWN.exec(path) ?? [];
  if (hookId !== undefined && secret !== undefined) {
    if (dialect !== undefined && !isDialect(dialect)) return undefined;
    return { hookId, secret, dialect };
  }
  const [, discordId, token, compatible = 'discord'] = DISCORDS.exec(path) ?? [];
  if (discordId === undefined || token === undefined || !isDialect(compatible)) return undefined;
  return { hookId: discordId, secret: token, dialect: compatible };
}
