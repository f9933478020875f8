import { listAuthEventIds } from '../events/edges.ts';
import type { Resolution } from './state-lookups.ts';

/** More events than any room's auth chains hold; a walk that gets here is being fed without end. */
const MAX_AUTH_GRAPH_EVENTS = 4_000_000;

/**
 * Some events and everything their auth events lead to, as numbers. `authEvents[n]` are the numbers of event n's auth events.
 * `order` lists every event after its auth events (but in a ring of events, which hostile ids of versions 1 and 2 can form).
 */
export type AuthGraph = { eventIds: string[]; indexOf: Map<string, number>; authEvents: number[][]; order: number[] };

/**
 * Walks auth events from `roots`, without recursion. Events that are not found are left out.
 *
 * @throws {RangeError} when there is no end to it.
 */
export function walkAuthGraph(roots: Iterable<string>, resolution: Resolution): AuthGraph {
  const graph: AuthGraph = { eventIds: [], indexOf: new Map(), authEvents: [], order: [] };
  const path: { node: number; rest: string[] }[] = [];

  const visit = (eventId: string): number | undefined => {
    const seen = graph.indexOf.get(eventId);
    if (seen !== undefined) return seen;
    const event = resolution.findEvent(eventId);
    if (event === undefined) return undefined;
    const node = graph.eventIds.length;
    if (node >= MAX_AUTH_GRAPH_EVENTS) throw new RangeError(`The auth chains hold more than ${MAX_AUTH_GRAPH_EVENTS} events.`);
    graph.eventIds.push(eventId);
    graph.indexOf.set(eventId, node);
    graph.authEvents.push([]);
    path.push({ node, rest: [...new Set(listAuthEventIds(event))] });
    return node;
  };

  for (const root of roots) {
    visit(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const next = top.rest.pop();
      if (next === undefined) {
        graph.order.push(top.node);
        path.pop();
        continue;
      }
      const node = visit(next);
      if (node !== undefined) graph.authEvents[top.node]?.push(node);
    }
  }
  return graph;
}

/**
 * The events of a graph from which auth events lead to a marked one, the marked ones included.
 */
export function listLeadingTo(graph: AuthGraph, marked: ReadonlySet<number>): Set<number> {
  const leading = new Set(marked);
  for (let before = -1; before !== leading.size; ) {
    before = leading.size;
    for (const node of graph.order) {
      if (!leading.has(node) && graph.authEvents[node]?.some((next) => leading.has(next))) leading.add(node);
    }
  }
  return leading;
}
