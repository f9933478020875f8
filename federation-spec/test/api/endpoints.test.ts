import { readdirSync, readFileSync } from 'node:fs';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { type ApiName, allEndpoints, endpointsByApi } from '../../src/api/all-endpoints.ts';
import { type Endpoint, listPaths } from '../../src/api/endpoint.ts';

type Row = Readonly<Record<string, string>>;

function readTable(name: string): Row[] {
  const text = readFileSync(new URL(`../../vectors/endpoints/${name}.tsv`, import.meta.url), 'utf8');
  const [header = '', ...lines] = text.trimEnd().split('\n');
  const columns = header.split('\t');
  return lines.map((line) => {
    const cells = line.split('\t');
    return Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? '']));
  });
}

/** A path is the same whatever its parameters are called, in braces or after a colon. */
function nameless(path: string | undefined): string {
  return (path ?? '').replaceAll(/\{\w+\}|:\w+/g, '*');
}

function paramsOf(path: string): string[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => name ?? '');
}

function places(endpoints: readonly Endpoint[]): string[] {
  return endpoints.flatMap((endpoint) => listPaths(endpoint).map((path) => `${endpoint.method} ${nameless(path)}`));
}

const LISTS: readonly [ApiName, string][] = [
  ['client', 'client-server'],
  ['server', 'server-server'],
  ['appservice', 'application-service'],
  ['pushGateway', 'push-gateway'],
];

describe.each(LISTS)('the %s API', (api, list) => {
  const rows = readTable(list);

  test.each(rows.map((row) => [row['operationId'] ?? '', row] as const))('%s is declared as the specification has it', (id, row) => {
    const found = endpointsByApi[api].find((endpoint) => endpoint.id === id);
    expect(found).toMatchObject({ method: row['method'], since: row['since'], deprecated: row['deprecated'] === 'yes' });
    expect(nameless(found?.path)).toBe(nameless(row['path']));
  });

  test('nothing is declared as stable that the specification does not have', () => {
    const known = new Set(rows.map((row) => row['operationId']));
    const beyond = new Set(readTable('beyond').map((row) => `${row['method']} ${nameless(row['path'])}`));
    const unknown = endpointsByApi[api].filter(
      (endpoint) =>
        !known.has(endpoint.id) && endpoint.since !== 'unstable' && !beyond.has(`${endpoint.method} ${nameless(endpoint.path)}`),
    );
    expect(unknown.map((endpoint) => endpoint.id)).toEqual([]);
  });
});

describe.each(['unstable', 'beyond'])('the paths of %s.tsv', (list) => {
  const served = new Set(places(allEndpoints));

  test.each(readTable(list).map((row) => [`${row['method']} ${row['path']}`, row] as const))('%s is served', (_, row) => {
    expect(served).toContain(`${row['method']} ${nameless(row['path'])}`);
  });
});

test('an unstable path is served by the operation of its stable path', () => {
  const strays = readTable('unstable')
    .filter((row) => row['stable'] !== '')
    .filter((row) => {
      const owner = allEndpoints.find(
        (endpoint) =>
          endpoint.method === row['method'] && nameless(endpoint.path) === nameless(row['stable']) && endpoint.servedBy === undefined,
      );
      return owner === undefined || !owner.alsoAt.some((path) => nameless(path) === nameless(row['path']));
    });
  expect(strays.map((row) => row['path'])).toEqual([]);
});

test.each(['client', 'server', 'appservice', 'push-gateway', 'oauth', 'admin'])(
  'no module of api/%s is left out of the list',
  async (folder) => {
    const listed = new Set(allEndpoints);
    const home = new URL(`../../src/api/${folder}/`, import.meta.url);
    for (const file of readdirSync(home)) {
      const module: Readonly<Record<string, Endpoint>> = await import(new URL(file, home).href);
      for (const [name, value] of Object.entries(module)) {
        expect(listed, `${folder}/${file} exports ${name}`).toContain(value);
        expect(value.id).toBe(name);
      }
    }
  },
);

test.each(Object.entries(endpointsByApi))('operation ids of the %s API are unique', (_, endpoints) => {
  const ids = endpoints.map((endpoint) => endpoint.id);
  expect(ids).toEqual([...new Set(ids)]);
});

test('no two operations share a method and a path, unless one is served by the other', () => {
  const seen = places(allEndpoints.filter((endpoint) => endpoint.servedBy === undefined));
  expect(seen.filter((place, index) => seen.indexOf(place) !== index)).toEqual([]);
});

test('an operation served by another has its method and path', () => {
  const shared = Object.values(endpointsByApi).flatMap((endpoints) =>
    endpoints
      .filter((endpoint) => endpoint.servedBy !== undefined)
      .map((endpoint) => [endpoint, endpoints.find((other) => other.id === endpoint.servedBy)] as const),
  );
  expect(shared.length).toBeGreaterThan(0);
  for (const [endpoint, owner] of shared) expect(owner).toMatchObject({ method: endpoint.method, path: endpoint.path });
});

describe.each(allEndpoints.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const))('%s', (_, endpoint) => {
  test('has a schema for each parameter of its paths, and each path has those it requires', () => {
    const paths = listPaths(endpoint).map(paramsOf);
    const { properties, required = [] } = endpoint.params;
    expect(Object.keys(properties).sort()).toEqual([...new Set(paths.flat())].sort());
    for (const path of paths) expect(path).toEqual(expect.arrayContaining(required));
  });

  test('has schemas that compile', () => {
    for (const schema of [endpoint.params, endpoint.query, endpoint.body, endpoint.response]) {
      if (schema !== 'raw') expect(Compile(schema).Check(Symbol.iterator)).toBe(false);
    }
  });

  test('links to the specification or the proposal', () => {
    expect(endpoint.spec).toMatch(/^https:\/\/(spec\.matrix\.org|github\.com\/matrix-org|element-hq\.github\.io)\//);
  });
});
