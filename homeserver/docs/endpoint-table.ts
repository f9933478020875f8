import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ApiName, endpointsByApi } from 'federation-spec/api/all-endpoints.ts';
import type { Endpoint } from 'federation-spec/api/endpoint.ts';
import { startServer } from '../test/kit/start-server.ts';

/** The README of the specification package, which holds the table between two marks. */
export const README = fileURLToPath(new URL('../../federation-spec/README.md', import.meta.url));
const DOMAIN = fileURLToPath(new URL('../src/domain', import.meta.url));
const START = '<!-- endpoints -->';
const END = '<!-- /endpoints -->';

type State = 'served' | 'called' | 'not yet';

const TITLES: Readonly<Record<ApiName, string>> = {
  client: 'Client-server API',
  server: 'Server-server API',
  appservice: 'Application service API (the homeserver calls it)',
  pushGateway: 'Push gateway API (the homeserver calls it)',
  oauth: 'OAuth 2.0, at addresses of our own',
  admin: 'Administration, as existing tools call it',
};

/** These are served by others, so what counts is whether the homeserver calls them. */
const CALLED_APIS: ReadonlySet<string> = new Set<ApiName>(['appservice', 'pushGateway']);
/** An import of operations, by name or as a whole; the domain is what calls. */
const NAMED_IMPORT = /import \{([^}]*)\} from 'federation-spec\/api\//g;
const WHOLE_IMPORT = /import \* as (\w+) from 'federation-spec\/api\//g;

/** The README with its table as it is today: what the homeserver serves is asked of one that was really put together. */
export async function withEndpointTable(readme: string): Promise<string> {
  const [before, after] = [readme.split(START)[0], readme.split(END)[1]];
  if (before === undefined || after === undefined) throw new Error(`${README} has no ${START} … ${END}`);
  return `${before}${START}\n${await buildEndpointTable()}\n${END}${after}`;
}

async function buildEndpointTable(): Promise<string> {
  const serves = await findServed();
  const calls = await findCalled();
  const sections = Object.entries(endpointsByApi).map(([api, endpoints]) => {
    const title = TITLES[api as ApiName];
    const rows = endpoints.map((each) => ({ each, state: stateOf(each, CALLED_APIS.has(api), serves, calls) }));
    const done = rows.filter(({ state }) => state !== 'not yet').length;
    const lines = rows.map(({ each, state }) => rowOf(each, state)).sort();
    return [
      `### ${title}: ${done} of ${rows.length}`,
      '',
      '| operation | | since | state |',
      '|---|---|---|---|',
      ...lines.map((line) => line.slice(line.indexOf('|'))),
    ].join('\n');
  });
  return sections.join('\n\n');
}

/** A line of the table, behind what it is sorted by: the path, then the method. */
function rowOf({ id, method, path, spec, since, deprecated }: Endpoint, state: State): string {
  const sortedBy = `${path} ${method} ${id} `;
  return `${sortedBy}| [${id}](${spec}) | \`${method} ${path}\` | ${since}${deprecated ? ', deprecated' : ''} | ${state} |`;
}

function stateOf(endpoint: Endpoint, isCalled: boolean, serves: (endpoint: Endpoint) => boolean, calls: ReadonlySet<string>): State {
  if (!isCalled && serves(endpoint)) return 'served';
  return calls.has(endpoint.id) ? 'called' : 'not yet';
}

/** Starts a homeserver with everything switched on, and looks at its routes; the well-known documents are pages, and asked for. */
async function findServed(): Promise<(endpoint: Endpoint) => boolean> {
  const server = await startServer({
    config: {
      publicUrl: 'https://hs.test',
      adminContact: '@admin:hs.test',
      registrationSecret: 'secret',
      urlPreviews: true,
      presence: true,
      oidcIssuer: 'https://op.test',
      oidcClientId: 'blinkchat',
      oidcClientSecret: 'secret',
      policyServerKey: 'Noi6WqcDj0QmPxCNQqgezwTlBKrfqehY1u2FyWP9uYw',
    },
  });
  try {
    const routes = new Set(server.routes().map(({ endpoint }) => `${endpoint.method} ${endpoint.path}`));
    const documents = new Set<string>();
    for (const { path } of Object.values(endpointsByApi).flat()) {
      if (!path.startsWith('/.well-known/')) continue;
      const response = await fetch(`${server.url}${path}`);
      if (response.ok && response.headers.get('content-type')?.startsWith('application/json')) documents.add(`GET ${path}`);
      await response.body?.cancel();
    }
    return ({ method, path }) => routes.has(`${method} ${path}`) || documents.has(`${method} ${path}`);
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

/** The operations that some source of the domain names. */
async function findCalled(): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  const files = await readdir(DOMAIN, { recursive: true });
  for (const file of files.filter((each) => each.endsWith('.ts') && !each.endsWith('.test.ts'))) {
    const source = await readFile(join(DOMAIN, file), 'utf8');
    for (const [, imported = ''] of source.matchAll(NAMED_IMPORT)) {
      for (const name of imported.split(',')) names.add(name.trim().split(' ')[0] ?? '');
    }
    for (const [, whole = ''] of source.matchAll(WHOLE_IMPORT)) {
      for (const [, name = ''] of source.matchAll(new RegExp(`\\b${whole}\\.(\\w+)`, 'g'))) names.add(name);
    }
  }
  return names;
}
