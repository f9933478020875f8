import { listPaths } from 'federation-spec/api/endpoint.ts';
import type { Route } from './route.ts';

type Leaf = { route: Route; names: readonly string[] };
type Node = { literals: Map<string, Node>; parameter: Node | undefined; leaves: Map<string, Leaf> };

export type Match =
  | { kind: 'route'; route: Route; params: Record<string, string> }
  | { kind: 'unknown-path' }
  | { kind: 'unknown-method' }
  | { kind: 'bad-encoding' };

export type RouteTable = {
  find(method: string, path: string): Match;
};

/**
 * Finds the route for a path by walking its segments once, whatever the number of routes. A literal segment wins over a parameter.
 * A path that nothing serves is tried without its trailing slash; a parameter that an older path of the endpoint lacks is empty.
 *
 * @throws when two routes claim the same method and path
 */
export function createRouteTable(routes: readonly Route[]): RouteTable {
  const root = createNode();
  for (const route of routes) {
    for (const path of listPaths(route.endpoint)) add(root, path, route);
  }
  return {
    find(method, path) {
      const segments = path.split('/');
      const exact = walk(root, segments, 1, []);
      const found = exact ?? (segments.at(-1) === '' ? walk(root, segments.slice(0, -1), 1, []) : undefined);
      if (found === undefined) return { kind: 'unknown-path' };
      const leaf = found.node.leaves.get(method === 'HEAD' ? 'GET' : method);
      if (leaf === undefined) return { kind: 'unknown-method' };
      const params = readParams(leaf, found.values);
      return params === undefined ? { kind: 'bad-encoding' } : { kind: 'route', route: leaf.route, params };
    },
  };
}

function createNode(): Node {
  return { literals: new Map(), parameter: undefined, leaves: new Map() };
}

function add(root: Node, path: string, route: Route): void {
  let node = root;
  const names: string[] = [];
  for (const segment of path.split('/').slice(1)) {
    if (segment.startsWith(':')) {
      names.push(segment.slice(1));
      node.parameter ??= createNode();
      node = node.parameter;
    } else {
      const next = node.literals.get(segment) ?? createNode();
      node.literals.set(segment, next);
      node = next;
    }
  }
  const { method, id } = route.endpoint;
  const taken = node.leaves.get(method);
  if (taken !== undefined) throw new Error(`${taken.route.endpoint.id} and ${id} both claim ${method} ${path}`);
  node.leaves.set(method, { route, names });
}

function walk(
  node: Node,
  segments: readonly string[],
  at: number,
  values: readonly string[],
): { node: Node; values: readonly string[] } | undefined {
  const segment = segments[at];
  if (segment === undefined) return node.leaves.size > 0 ? { node, values } : undefined;
  const literal = node.literals.get(segment);
  const found = literal === undefined ? undefined : walk(literal, segments, at + 1, values);
  if (found !== undefined || node.parameter === undefined) return found;
  return walk(node.parameter, segments, at + 1, [...values, segment]);
}

function readParams({ route, names }: Leaf, values: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const name of Object.keys(route.endpoint.params.properties)) params[name] = '';
  for (const [index, name] of names.entries()) {
    const value = decodeSegment(values[index] ?? '');
    if (value === undefined) return undefined;
    params[name] = value;
  }
  return params;
}

function decodeSegment(segment: string): string | undefined {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
