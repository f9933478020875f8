/** What the bot is told by its environment. */
export type Settings = {
  homeserver: string;
  user: string;
  password: string | undefined;
  accessToken: string | undefined;
  registrationSecret: string | undefined;
  allow: readonly string[] | undefined;
  host: string;
  port: number;
  publicUrl: string;
  dataDir: string;
};

export type ReadSettings = { ok: true; settings: Settings } | { ok: false; problems: string[] };

type Environment = Readonly<Record<string, string | undefined>>;
type Variable = { name: string; fallback?: string; about: string; wrong?: (given: string) => string | undefined };

const PREFIX = 'BLINKCHAT_BOT_';
const MAX_PORT = 65_535;

/** Every setting, in the order `--help` prints them; a new one is added here. */
const VARIABLES = {
  homeserver: { name: 'HOMESERVER', fallback: 'http://localhost:8008', about: "base URL of the homeserver's client API", wrong: notUrl },
  user: { name: 'USER', fallback: 'bot', about: 'localpart or full user id of its account' },
  password: { name: 'PASSWORD', about: 'its password' },
  accessToken: { name: 'ACCESS_TOKEN', about: 'instead of the password' },
  registrationSecret: { name: 'REGISTRATION_SECRET', about: "the homeserver's, to make the account when there is none" },
  allow: { name: 'ALLOW', about: 'who may invite it: user ids and server names separated by commas, or *; its own homeserver when unset' },
  host: { name: 'HOST', fallback: '127.0.0.1', about: 'the address to listen on for webhooks' },
  port: { name: 'PORT', fallback: '8090', about: 'and the port', wrong: notPort },
  publicUrl: { name: 'PUBLIC_URL', about: 'the base URL that webhooks reach it at; http://localhost:<port> when unset', wrong: notUrl },
  dataDir: { name: 'DATA_DIR', fallback: './data-bot', about: 'its keys, hooks and all it remembers' },
} as const satisfies Record<keyof Settings, Variable>;

/** Reads all settings. Every wrong one is named, not only the first. An empty variable counts as unset. */
export function readSettings(env: Environment): ReadSettings {
  const problems = listUnknown(env);
  for (const variable of listVariables()) {
    const given = env[PREFIX + variable.name];
    const wrong = given === undefined || given === '' ? undefined : variable.wrong?.(given);
    if (wrong !== undefined) problems.push(`${PREFIX}${variable.name} must be ${wrong}; it is "${given}"`);
  }
  const textOf = ({ name, fallback }: Variable): string | undefined => env[PREFIX + name] || fallback;
  const [password, accessToken] = [textOf(VARIABLES.password), textOf(VARIABLES.accessToken)];
  if (password === undefined && accessToken === undefined) problems.push(`Set ${PREFIX}PASSWORD or ${PREFIX}ACCESS_TOKEN`);
  if (password !== undefined && accessToken !== undefined) problems.push(`Set ${PREFIX}PASSWORD or ${PREFIX}ACCESS_TOKEN, not both`);
  if (problems.length > 0) return { ok: false, problems };

  const port = Number(textOf(VARIABLES.port));
  const settings: Settings = {
    homeserver: withoutSlash(textOf(VARIABLES.homeserver) ?? ''),
    user: textOf(VARIABLES.user) ?? '',
    password,
    accessToken,
    registrationSecret: textOf(VARIABLES.registrationSecret),
    allow: textOf(VARIABLES.allow)
      ?.split(',')
      .map((name) => name.trim()),
    host: textOf(VARIABLES.host) ?? '',
    port,
    publicUrl: withoutSlash(textOf(VARIABLES.publicUrl) ?? `http://localhost:${port}`),
    dataDir: textOf(VARIABLES.dataDir) ?? '',
  };
  return { ok: true, settings };
}

/** The text of `--help`. */
export function describeSettings(): string {
  const lines = listVariables().map(({ name, fallback, about }) => {
    return `  ${(PREFIX + name).padEnd(35)} ${about}${fallback === undefined ? '' : ` [${fallback}]`}`;
  });
  return [
    'BlinkChat bot: webhooks into rooms.',
    '',
    'Usage: npm run bot [-- --help]',
    '',
    'Settings come from the environment; defaults stand in brackets.',
    '',
    ...lines,
  ].join('\n');
}

function listVariables(): readonly Variable[] {
  return Object.values(VARIABLES);
}

/** A misspelt setting would otherwise be ignored in silence. */
function listUnknown(env: Environment): string[] {
  const known = new Set(listVariables().map(({ name }) => PREFIX + name));
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !known.has(name))
    .map((name) => `${name} is not a setting of the bot; --help lists them`);
}

function notUrl(given: string): string | undefined {
  const url = URL.parse(given);
  const right = url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.search === '' && url.hash === '';
  return right ? undefined : 'a URL that begins with http:// or https:// and has no query';
}

function notPort(given: string): string | undefined {
  return /^\d+$/.test(given) && Number(given) <= MAX_PORT ? undefined : `a whole number from 0 to ${MAX_PORT}`;
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
