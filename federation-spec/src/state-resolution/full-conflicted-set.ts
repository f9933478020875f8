import { listAuthEventIds } from '../events/edges.ts';
import { type AuthGraph, listLeadingTo, walkAuthGraph } from './auth-graph.ts';
import type { Conflicts } from './split-conflicts.ts';
import type { Resolution, StateLookups, StateMap } from './state-lookups.ts';

type Input = { stateSets: readonly StateMap[]; conflicts: Conflicts; lookups: StateLookups; resolution: Resolution };

/**
 * The full conflicted set: the conflicted events, the auth difference of the states, and in version 2.1 the conflicted subgraph.
 *
 * An event that a state holds counts as part of that state's auth chain, as existing homeservers have it. Everything an
 * unconflicted event leads to is in every chain, so only what the conflicted events lead to can differ, and the unconflicted
 * ones are walked only while something is left that they could take out of the difference.
 *
 * https://spec.matrix.org/latest/rooms/v12/#definitions
 */
export function listFullConflictedSet({ stateSets, conflicts, lookups, resolution }: Input): Set<string> {
  const conflicted = new Set<string>();
  for (const eventIds of conflicts.conflicted.values()) {
    for (const eventId of eventIds) if (resolution.findEvent(eventId) !== undefined) conflicted.add(eventId);
  }
  const full = new Set(conflicted);
  const needsSubgraph = resolution.rules.stateResolution === 'v2.1';

  let graph: AuthGraph | undefined;
  const loadGraph = (): AuthGraph => {
    graph ??= walkAuthGraph(conflicted, resolution);
    return graph;
  };

  const difference =
    lookups.listAuthDifference?.(stateSets) ?? computeAuthDifference({ stateSets, conflicts, conflicted, graph: loadGraph(), resolution });
  for (const eventId of difference) if (resolution.findEvent(eventId) !== undefined) full.add(eventId);

  if (needsSubgraph) {
    const subgraph = lookups.listConflictedSubgraph?.(conflicted) ?? computeConflictedSubgraph(loadGraph(), conflicted);
    for (const eventId of subgraph) if (resolution.findEvent(eventId) !== undefined) full.add(eventId);
  }
  return full;
}

/** Everything in the graph lies behind some conflicted event; what also leads to one lies between two. */
function computeConflictedSubgraph(graph: AuthGraph, conflicted: ReadonlySet<string>): string[] {
  const marked = new Set<number>();
  for (const eventId of conflicted) {
    const node = graph.indexOf.get(eventId);
    if (node !== undefined) marked.add(node);
  }
  return [...listLeadingTo(graph, marked)].map((node) => graph.eventIds[node] ?? '');
}

type DifferenceInput = {
  stateSets: readonly StateMap[];
  conflicts: Conflicts;
  conflicted: ReadonlySet<string>;
  graph: AuthGraph;
  resolution: Resolution;
};

/**
 * 1. Give each event of the graph the set of states whose conflicted events lead to it, as bits.
 * 2. Unconflicted events, and all they lead to, are reached from every state.
 * 3. What only some states reach is the difference.
 */
function computeAuthDifference({ stateSets, conflicts, conflicted, graph, resolution }: DifferenceInput): string[] {
  const reach = createReach(graph, stateSets.length);
  // 1.
  stateSets.forEach((stateSet, index) => {
    for (const key of conflicts.conflicted.keys()) {
      const node = graph.indexOf.get(stateSet.get(key) ?? '');
      if (node !== undefined) reach.add(node, index);
    }
  });
  reach.spread();

  // 2.
  const doubtful = new Set<number>();
  for (const [node, eventId] of graph.eventIds.entries()) {
    if (!reach.isFull(node) && !conflicted.has(eventId)) doubtful.add(node);
  }
  for (const node of listReachedFromUnconflicted(conflicts.unconflicted, graph, doubtful, resolution)) reach.fill(node);

  // 3.
  return graph.eventIds.filter((_, node) => !reach.isFull(node));
}

/** Which events of the graph the unconflicted state leads to, as far as that matters for the doubtful ones. */
function listReachedFromUnconflicted(unconflicted: StateMap, graph: AuthGraph, doubtful: Set<number>, resolution: Resolution): Set<number> {
  const reached = new Set<number>();
  if (doubtful.size === 0) return reached;
  const enterGraph = (entry: number): void => {
    const stack = [entry];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (reached.has(node)) continue;
      reached.add(node);
      doubtful.delete(node);
      stack.push(...(graph.authEvents[node] ?? []));
    }
  };

  const outside: string[] = [];
  for (const eventId of unconflicted.values()) {
    const node = graph.indexOf.get(eventId);
    if (node === undefined) outside.push(eventId);
    else enterGraph(node);
  }
  const seen = new Set<string>();
  for (let eventId = outside.pop(); eventId !== undefined && doubtful.size > 0; eventId = outside.pop()) {
    const node = graph.indexOf.get(eventId);
    if (node !== undefined) enterGraph(node);
    if (node !== undefined || seen.has(eventId)) continue;
    seen.add(eventId);
    const event = resolution.findEvent(eventId);
    if (event !== undefined) outside.push(...listAuthEventIds(event));
  }
  return reached;
}

const BITS_PER_WORD = 32;

/** For each event of a graph, a set of small numbers (the states that reach it), as bits. */
function createReach(graph: AuthGraph, size: number) {
  const words = Math.max(1, Math.ceil(size / BITS_PER_WORD));
  const bits = new Uint32Array(graph.eventIds.length * words);
  const lastWord = size % BITS_PER_WORD === 0 ? 0xffffffff : 2 ** (size % BITS_PER_WORD) - 1;
  const fullWord = (word: number): number => (word === words - 1 ? lastWord : 0xffffffff);

  return {
    add(node: number, member: number): void {
      const at = node * words + Math.floor(member / BITS_PER_WORD);
      bits[at] = (bits[at] ?? 0) | (1 << (member % BITS_PER_WORD));
    },
    fill(node: number): void {
      for (let word = 0; word < words; word += 1) bits[node * words + word] = fullWord(word);
    },
    isFull(node: number): boolean {
      for (let word = 0; word < words; word += 1) if (bits[node * words + word] !== fullWord(word)) return false;
      return true;
    },
    /** Hands every event's set on to its auth events: one pass from the newest down, more only where events form a ring. */
    spread(): void {
      for (let isChanged = true; isChanged; ) {
        isChanged = false;
        for (let at = graph.order.length - 1; at >= 0; at -= 1) {
          const node = graph.order[at] ?? 0;
          for (const next of graph.authEvents[node] ?? []) isChanged = merge(node, next) || isChanged;
        }
      }
    },
  };

  function merge(from: number, into: number): boolean {
    let isChanged = false;
    for (let word = 0; word < words; word += 1) {
      const before = bits[into * words + word] ?? 0;
      const after = (before | (bits[from * words + word] ?? 0)) >>> 0;
      if (after === before) continue;
      bits[into * words + word] = after;
      isChanged = true;
    }
    return isChanged;
  }
}
