import type { HookRequest } from '../inbound/hook-request.ts';
import { type Adapter, DIALECTS, type Dialect } from './adapter.ts';
import { alertmanagerAdapter, grafanaAdapter } from './alerts.ts';
import { discordAdapter } from './discord.ts';
import { genericAdapter } from './generic.ts';
import { githubAdapter } from './github.ts';
import { gitlabAdapter } from './gitlab.ts';
import { slackAdapter } from './slack.ts';

/** In the order in which a request without a dialect is tried: what headers tell first, the most particular bodies next. */
const ADAPTERS: readonly Adapter[] = [
  githubAdapter,
  gitlabAdapter,
  grafanaAdapter,
  alertmanagerAdapter,
  slackAdapter,
  discordAdapter,
  genericAdapter,
];

export function isDialect(name: string): name is Dialect {
  return DIALECTS.some((dialect) => dialect === name);
}

export function adapterOf(dialect: Dialect): Adapter {
  return ADAPTERS.find((adapter) => adapter.dialect === dialect) ?? genericAdapter;
}

/** The adapter that a request asks for by what it is; the generic one takes all. */
export function recogniseAdapter(request: HookRequest): Adapter {
  return ADAPTERS.find((adapter) => adapter.recognises(request)) ?? genericAdapter;
}
