import type { Config } from './config.ts';
import { secret } from './parse-setting.ts';
import type { Setting } from './setting.ts';
import { SETTINGS } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type ReadEnv = { ok: true; config: Config } | { ok: false; problems: string[] };

type AnySetting = Setting<unknown, string | undefined>;
const PREFIX = 'BLINKCHAT_';
/** Variables of this prefix that other parts of the project read. */
const NOT_OURS = /^BLINKCHAT_(?:BOT|TEST|E2E|BENCH|WEBHOOKS?)_|^BLINKCHAT_(?:TORTURE|PARENT_PID)$/;

/** Reads all settings from the environment. Every wrong one is named, not only the first. An empty variable counts as unset. */
export function readEnv(env: Environment): ReadEnv {
  const problems: string[] = listUnknown(env);
  const values: Record<string, unknown> = {};
  const port = Number(env['BLINKCHAT_PORT'] || SETTINGS.port.fallback);

  for (const [key, setting] of Object.entries<AnySetting>(SETTINGS)) {
    const given = env[setting.variable] || setting.derive?.({ port }) || setting.fallback;
    if (given === undefined) continue;
    const parsed = setting.parse(given);
    if (parsed.ok) values[key] = parsed.value;
    else problems.push(`${setting.variable} must be ${parsed.reason}${setting.parse === secret ? '' : `; it is "${given}"`}`);
  }
  problems.push(...checkTogether(env));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, config: values as Config }; // each key went through its own parser
}

/** The settings that only make sense together. */
function checkTogether(env: Environment): string[] {
  const groups = [
    ['BLINKCHAT_TLS_PORT', 'BLINKCHAT_TLS_CERT', 'BLINKCHAT_TLS_KEY'],
    ['BLINKCHAT_S3_URL', 'BLINKCHAT_S3_ACCESS_KEY', 'BLINKCHAT_S3_SECRET_KEY'],
    ['BLINKCHAT_TURN_URIS', 'BLINKCHAT_TURN_SECRET'],
    ['BLINKCHAT_CAPTCHA_SITE_KEY', 'BLINKCHAT_CAPTCHA_SECRET'],
    ['BLINKCHAT_OIDC_ISSUER', 'BLINKCHAT_OIDC_CLIENT_ID', 'BLINKCHAT_OIDC_CLIENT_SECRET'],
  ];
  return groups.flatMap((group) => {
    const missing = group.filter((variable) => !env[variable]);
    return missing.length === 0 || missing.length === group.length
      ? []
      : [`${group.join(', ')} go together; ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not set`];
  });
}

/** A misspelt setting would otherwise be ignored in silence. */
function listUnknown(env: Environment): string[] {
  const known = new Set(Object.values(SETTINGS).map((setting) => setting.variable as string));
  return Object.keys(env)
    .filter((variable) => variable.startsWith(PREFIX) && !known.has(variable) && !NOT_OURS.test(variable))
    .map((variable) => `${variable} is not a setting of the homeserver; --help lists them`);
}

/** The text of `--help`. */
export function describeSettings(): string {
  const lines = Object.values<AnySetting>(SETTINGS).map(({ variable, fallback, about }) => {
    return `  ${variable.padEnd(31)} ${about}${fallback === undefined || fallback === '' ? '' : ` [${fallback}]`}`;
  });
  return [
    'BlinkChat homeserver.',
    '',
    'Usage: npm start [-- --help] [-- --env-file FILE]',
    '',
    'Settings come from the environment, or from a file of NAME=value lines. Defaults stand in brackets.',
    '',
    ...lines,
  ].join('\n');
}
