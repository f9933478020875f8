import type { JsonObject } from 'federation-spec/events/event.ts';
import type { E2ee } from '../../e2ee/create-e2ee.ts';
import type { StreamRow } from '../../streams/log-batch.ts';

/** An EDU as it came, from a server whose signature was checked. Its content is not. */
export type ReceivedEdu = { origin: string; content: JsonObject };

/** Takes in one kind of EDU. Rows it returns are committed before the transaction is answered. What is not as it must be is ignored. */
export type EduHandler = (edu: ReceivedEdu) => Promise<readonly StreamRow[]>;

/** By `edu_type`. EDUs of other types are passed over. */
export type EduHandlers = ReadonlyMap<string, EduHandler>;

/** What passes (typing, presence) and what is coalesced (receipts) is given to whoever keeps it; it writes when it sees fit. */
const PASSED_ON = ['m.typing', 'm.presence', 'm.receipt', 'chat.blinkchat.delivered'];

export type ReceiveEdu = (origin: string, edu: { edu_type: string; content: unknown }) => Promise<void>;

/** The handlers of all EDUs this server knows. `others` are those whose rows must be on disk before the sender is answered. */
export function createEduHandlers(receive: ReceiveEdu, others: readonly [string, EduHandler][] = []): EduHandlers {
  const passedOn = PASSED_ON.map((eduType): [string, EduHandler] => [
    eduType,
    async ({ origin, content }) => {
      await receive(origin, { edu_type: eduType, content });
      return [];
    },
  ]);
  return new Map([...passedOn, ...others]);
}

/** What these have committed when they resolve is safe: messages to devices must not be lost once the sender is answered. */
export function e2eeEduHandlers({ toDevice, remoteDeviceLists }: Pick<E2ee, 'toDevice' | 'remoteDeviceLists'>): [string, EduHandler][] {
  const committed =
    (receive: (origin: string, content: unknown) => Promise<void>): EduHandler =>
    async ({ origin, content }) => {
      await receive(origin, content);
      return [];
    };
  return [
    ['m.direct_to_device', committed(toDevice.receive)],
    ['m.device_list_update', committed(remoteDeviceLists.receiveDeviceListUpdate)],
    ['m.signing_key_update', committed(remoteDeviceLists.receiveSigningKeyUpdate)],
  ];
}
