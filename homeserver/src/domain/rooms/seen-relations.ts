import type { Sql } from '../../storage/database.ts';
import { listEventsByNid, type StoredEvent } from '../../storage/events.ts';
import { listChildren, listLatestEdits, listRelationSummaries, type RelatedEvent, type RelationSummary } from '../../storage/relations.ts';
import type { RoomView } from './visibility.ts';

/** How many of the events that relate to one are looked at for those that the reader may see. */
const MAX_LOOKED_AT = 500;
/** Most events of one `m.reference` bundle. */
const MAX_REFERENCES = 100;

/** What of a room a reader may see. */
export type Sight = Pick<RoomView, 'maySee' | 'learn' | 'mayHide'>;

export type SeenSummary = RelationSummary & { latest: StoredEvent | undefined };

type SightOf = (roomNid: number) => Sight | undefined;
type SummaryView = { readerNid: number; ignoredNids: readonly number[]; upTo?: number | undefined; sightOf: SightOf };

/**
 * What relates to events, as far as the reader may see it. Nearly always that is all of it, which costs nothing more; where it is not, the
 * events are looked at one by one: those that were sent while the reader was not there do not count, and the last that they may see is the
 * last.
 */
export function createReadSeenRelations(sql: Sql) {
  async function learn(events: readonly StoredEvent[], sightOf: SightOf): Promise<void> {
    for (const [roomNid, ofRoom] of Map.groupBy(events, (event) => event.roomNid)) await sightOf(roomNid)?.learn(ofRoom);
  }

  async function listSeenChildren(
    targetIds: readonly string[],
    relTypes: readonly string[],
    { ignoredNids = [], upTo, sightOf }: Partial<SummaryView> & { sightOf: SightOf },
  ): Promise<RelatedEvent[]> {
    const children = await listChildren(sql, targetIds, { relTypes, ignoredNids, upTo, limit: MAX_LOOKED_AT });
    await learn(
      children.map((child) => child.event),
      sightOf,
    );
    return children.filter(({ event }) => sightOf(event.roomNid)?.maySee(event) !== false);
  }

  async function listSummaries(targets: readonly StoredEvent[], view: SummaryView): Promise<SeenSummary[]> {
    const { readerNid, sightOf } = view;
    const summaries = await listRelationSummaries(sql, targets.map(idOf), view);
    const threads = summaries.filter((summary) => summary.relType === 'm.thread');
    const latest = new Map((await listEventsByNid(sql, threads.map(latestOf))).map((event) => [event.eventNid, event]));
    await learn([...latest.values()], sightOf);

    const rooms = new Map(targets.map((target) => [target.eventId, sightOf(target.roomNid)]));
    const isDoubtful = ({ targetId, latestNid }: RelationSummary): boolean => {
      const [sight, last] = [rooms.get(targetId), latest.get(latestNid)];
      return sight !== undefined && (sight.mayHide || (last !== undefined && !sight.maySee(last)));
    };
    const doubtful = new Set(summaries.filter(isDoubtful).map((summary) => summary.targetId));
    const children = await listSeenChildren([...doubtful], ['m.thread', 'm.reference'], view);
    return summaries.flatMap((summary) => {
      const { targetId, relType, latestNid } = summary;
      if (!doubtful.has(targetId)) return [{ ...summary, latest: latest.get(latestNid) }];
      const seen = children.filter((child) => child.targetId === targetId && child.relType === relType).map((child) => child.event);
      return seen[0] === undefined ? [] : [summaryOf(summary, seen, readerNid)];
    });
  }

  /** The edit that stands for each event. */
  async function listEdits(
    targets: readonly StoredEvent[],
    { upTo, sightOf }: { upTo?: number | undefined; sightOf: SightOf },
  ): Promise<Map<string, StoredEvent>> {
    const edits = await listLatestEdits(sql, targets.map(idOf), upTo);
    await learn([...edits.values()], sightOf);
    const hidden = [...edits].filter(([, edit]) => sightOf(edit.roomNid)?.maySee(edit) === false).map(([targetId]) => targetId);
    if (hidden.length === 0) return edits;
    for (const targetId of hidden) edits.delete(targetId);
    const others = await listSeenChildren(hidden, ['m.replace'], { upTo, sightOf });
    for (const [targetId, ofTarget] of Map.groupBy(others, (child) => child.targetId)) {
      const [newest] = ofTarget.map((child) => child.event).sort(newestEditFirst);
      if (newest !== undefined) edits.set(targetId, newest);
    }
    return edits;
  }

  return { listSummaries, listEdits };
}

/** `seen`: the newest first. */
function summaryOf(summary: RelationSummary, seen: readonly StoredEvent[], readerNid: number): SeenSummary {
  const eventIds = summary.relType === 'm.reference' ? seen.map(idOf).reverse().slice(0, MAX_REFERENCES) : null;
  const isParticipant = seen.some((event) => event.senderNid === readerNid);
  return { ...summary, count: seen.length, isParticipant, latestNid: seen[0]?.eventNid ?? 0, eventIds, latest: seen[0] };
}

/** https://spec.matrix.org/latest/client-server-api/#validity-of-replacement-events */
function newestEditFirst(a: StoredEvent, b: StoredEvent): number {
  if (a.originServerTs !== b.originServerTs) return b.originServerTs - a.originServerTs;
  return a.eventId < b.eventId ? 1 : -1;
}

function idOf(event: StoredEvent): string {
  return event.eventId;
}

function latestOf(summary: RelationSummary): number {
  return summary.latestNid;
}
