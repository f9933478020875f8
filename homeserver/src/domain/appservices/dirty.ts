/** For whom something may wait: who was woken, by other things than events, since a service was last told. */
export type Dirty = {
  /** Everybody is to be looked at: after a start, and when too many were woken. */
  isEverybody: boolean;
  userNids: ReadonlySet<number>;
  /** Devices that lost one-time keys. */
  devices: readonly { userNid: number; deviceId: string }[];
};

export type DirtyMarks = {
  note: (userNids: Iterable<number>) => void;
  noteKeysTaken: (device: { userNid: number; deviceId: string }) => void;
  isAny: () => boolean;
  /** Gives out what was noted and begins anew. */
  take: () => Dirty;
  /** What was given out is still to be done. */
  putBack: (dirty: Dirty) => void;
};

const MAX_USERS = 5_000;
const MAX_DEVICES = 5_000;

/** In memory only: a start finds everybody dirty. */
export function createDirtyMarks(): DirtyMarks {
  let isEverybody = true;
  let userNids = new Set<number>();
  let devices = new Map<string, { userNid: number; deviceId: string }>();

  function note(nids: Iterable<number>): void {
    if (isEverybody) return;
    for (const nid of nids) userNids.add(nid);
    if (userNids.size <= MAX_USERS) return;
    isEverybody = true;
    userNids = new Set();
  }

  function noteKeysTaken(device: { userNid: number; deviceId: string }): void {
    if (devices.size < MAX_DEVICES) devices.set(`${device.userNid} ${device.deviceId}`, device);
  }

  return {
    note,
    noteKeysTaken,
    isAny: () => isEverybody || userNids.size > 0 || devices.size > 0,
    take: () => {
      const taken = { isEverybody, userNids, devices: [...devices.values()] };
      isEverybody = false;
      userNids = new Set();
      devices = new Map();
      return taken;
    },
    putBack: (dirty) => {
      note(dirty.userNids);
      for (const device of dirty.devices) noteKeysTaken(device);
      isEverybody ||= dirty.isEverybody;
    },
  };
}
