import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Database } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { relationOf } from '../../storage/relation-of.ts';
import { listRelatedIds } from '../../storage/relations.ts';
import type { ListIgnored } from '../accounts/ignored-users.ts';
import { createReadSeenRelations, type Sight } from './seen-relations.ts';

export type BundleView = {
  readerNid: number;
  /** For who has left the room: nothing later is told. */
  upTo?: number | undefined;
  /** The events among these to which others relate, where the caller knows it already. */
  relatedIds?: ReadonlySet<string> | undefined;
  /** What of a room the reader may see, where there is a question about that. */
  sightOf?: ((roomNid: number) => Sight | undefined) | undefined;
  render: (event: StoredEvent, bundle?: JsonObject) => JsonObject;
};

/** The `m.relations` of each event that has any, by event id. */
export type LoadBundles = (events: readonly StoredEvent[], view: BundleView) => Promise<Map<string, JsonObject>>;

/**
 * What other events add to these: one query when none does, four otherwise, however many they are.
 *
 * 1. Those to which others relate. Edits, reactions and state events are never told with what relates to them.
 * 2. Their threads and references. 3. The edits of them, and of the last event of each thread.
 * What people sent whom the reader ignores is no part of it, nor is what the reader may not see.
 * https://spec.matrix.org/latest/client-server-api/#aggregations-of-child-events
 */
export function createLoadBundles({ database, listIgnored }: { database: Database; listIgnored: ListIgnored }): LoadBundles {
  const { sql } = database;
  const { listSummaries, listEdits } = createReadSeenRelations(sql);

  return async (events, { readerNid, upTo, relatedIds, sightOf = () => undefined, render }) => {
    // 1.
    const candidates = events.filter((event) => event.keyNid === null && relatedIds?.has(event.eventId) !== false && isBundled(event));
    const related = relatedIds ?? (await listRelatedIds(sql, candidates.map(idOf)));
    const targets = candidates.filter((event) => related.has(event.eventId));
    if (targets.length === 0) return new Map();

    // 2.
    const { nids } = await listIgnored(readerNid);
    const ignoredNids = [...nids].filter((nid) => nid !== readerNid);
    const summaries = await listSummaries(targets, { readerNid, ignoredNids, upTo, sightOf });
    const threads = summaries.filter((summary) => summary.relType === 'm.thread').flatMap(({ latest }) => latest ?? []);

    // 3.
    const edits = await listEdits([...targets, ...threads], { upTo, sightOf });
    const editOf = (event: StoredEvent): JsonObject => {
      const edit = edits.get(event.eventId);
      return edit === undefined ? {} : { 'm.replace': render(edit) };
    };

    const bundles = new Map<string, JsonObject>();
    for (const target of targets) {
      const bundle = editOf(target);
      for (const summary of summaries.filter((candidate) => candidate.targetId === target.eventId)) {
        const last = summary.latest;
        if (summary.relType === 'm.reference') bundle['m.reference'] = { chunk: (summary.eventIds ?? []).map((id) => ({ event_id: id })) };
        else if (last !== undefined) {
          bundle['m.thread'] = {
            latest_event: render(last, editOf(last)),
            count: summary.count,
            current_user_participated: summary.isParticipant || target.senderNid === readerNid,
          };
        }
      }
      if (Object.keys(bundle).length > 0) bundles.set(target.eventId, bundle);
    }
    return bundles;
  };
}

function idOf(event: StoredEvent): string {
  return event.eventId;
}

function isBundled(event: StoredEvent): boolean {
  const relType = relationOf(event)?.relType;
  return relType !== 'm.replace' && relType !== 'm.annotation';
}
