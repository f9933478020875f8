import {
  DeviceId,
  EventId,
  type OlmMachine,
  OtherUserIdentity,
  OwnUserIdentity,
  RoomId,
  Sas,
  UserId,
  VerificationMethod,
  type VerificationRequest,
  VerificationRequestPhase,
} from '@matrix-org/matrix-sdk-crypto-wasm';
import { type JsonObject, objectIn, stringIn } from '../json.ts';
import type { CryptoEvent, OutgoingRequest, VerificationFlow } from './crypto-engine.ts';
import { type MachineRequest, parseObject, toOutgoingRequest } from './outgoing-request.ts';
import type { VerificationState } from './verification.ts';

const METHODS = [VerificationMethod.SasV1];
/** Flows remembered at once; the oldest ended ones go first. */
const MAX_TRACKED_FLOWS = 50;
const REQUEST_TYPE = 'm.key.verification.request';

type Tracked = { request: VerificationRequest; sas: Sas | undefined; startedSas: boolean };

/** The verifications of one machine: drives each flow's steps by itself where no human is needed, and tells every change. */
export type MachineVerifications = {
  /** Looks at events that the machine has taken in: a request from another device or user begins a flow. */
  noticeEvent(event: JsonObject, roomId: string | undefined): void;
  requestSelf(deviceId: string | undefined): Promise<{ flow: VerificationFlow; requests: OutgoingRequest[] }>;
  userContent(userId: string): Promise<JsonObject>;
  startUser(userId: string, roomId: string, eventId: string): Promise<VerificationFlow>;
  accept(userId: string, flowId: string): OutgoingRequest[];
  confirm(userId: string, flowId: string): Promise<OutgoingRequest[]>;
  cancel(userId: string, flowId: string, mismatch: boolean): OutgoingRequest[];
};

/**
 * Who does what: the side that asked starts comparing emoji as soon as the other is ready; the asked side accepts that start.
 * When both start, the machine settles it as the specification says.
 */
export function createMachineVerifications(machine: OlmMachine, tell: (event: CryptoEvent) => void): MachineVerifications {
  const tracked = new Map<string, Tracked>();

  function track(request: VerificationRequest): VerificationFlow {
    const known = tracked.get(request.flowId);
    if (known !== undefined) return snapshot(known);
    forgetOldFlows(tracked);
    const entry: Tracked = { request, sas: undefined, startedSas: false };
    tracked.set(request.flowId, entry);
    request.registerChangesCallback(async () => advance(entry));
    return snapshot(entry);
  }

  /** Runs after the machine's callback returned: it must not be entered again from within. */
  function advance(entry: Tracked): void {
    setTimeout(() => {
      step(entry).catch((error: unknown) => {
        console.warn('A verification step failed', error);
      });
    }, 0);
  }

  async function step(entry: Tracked): Promise<void> {
    const { request } = entry;
    if (request.phase() === VerificationRequestPhase.Ready && request.weStarted() && !entry.startedSas) {
      entry.startedSas = true;
      const started = await request.startSas();
      if (started !== undefined) {
        watchSas(entry, started[0]);
        tellRequests([started[1]]);
      }
    }
    if (request.phase() === VerificationRequestPhase.Transitioned) {
      const verification = request.getVerification();
      if (verification instanceof Sas && (entry.sas === undefined || entry.sas.weStarted() !== verification.weStarted())) {
        watchSas(entry, verification);
        const accepted = verification.weStarted() ? undefined : verification.accept();
        if (accepted !== undefined) tellRequests([accepted]);
      }
    }
    tell({ type: 'verification', flow: snapshot(entry) });
  }

  function watchSas(entry: Tracked, sas: Sas): void {
    entry.sas = sas;
    sas.registerChangesCallback(async () => advance(entry));
  }

  function tellRequests(requests: MachineRequest[]): void {
    tell({ type: 'outgoing', requests: requests.map(toOutgoingRequest) });
  }

  function load(flowId: string): Tracked {
    const entry = tracked.get(flowId);
    if (entry === undefined) throw new Error(`There is no verification ${flowId}`);
    return entry;
  }

  return {
    noticeEvent(event, roomId) {
      const sender = stringIn(event, 'sender');
      const content = objectIn(event, 'content');
      const isRequest = stringIn(event, 'type') === REQUEST_TYPE || stringIn(content, 'msgtype') === REQUEST_TYPE;
      const flowId = roomId === undefined ? stringIn(content, 'transaction_id') : stringIn(event, 'event_id');
      if (!isRequest || sender === undefined || flowId === undefined) return;
      const request = machine.getVerificationRequest(new UserId(sender), flowId);
      if (request === undefined) return;
      tell({ type: 'verification', flow: track(request) });
    },
    async requestSelf(deviceId) {
      const [request, message] = await requestSelfVerification(machine, deviceId);
      return { flow: track(request), requests: [toOutgoingRequest(message)] };
    },
    async userContent(userId) {
      const identity = await loadOtherIdentity(machine, userId);
      return parseObject(identity.verificationRequestContent(METHODS));
    },
    async startUser(userId, roomId, eventId) {
      const identity = await loadOtherIdentity(machine, userId);
      return track(identity.requestVerification(new RoomId(roomId), new EventId(eventId), METHODS));
    },
    accept(_userId, flowId) {
      const message = load(flowId).request.acceptWithMethods(METHODS);
      return message === undefined ? [] : [toOutgoingRequest(message)];
    },
    async confirm(_userId, flowId) {
      const messages: MachineRequest[] = (await load(flowId).sas?.confirm()) ?? [];
      return messages.map(toOutgoingRequest);
    },
    cancel(_userId, flowId, mismatch) {
      const { request, sas } = load(flowId);
      const message = mismatch && sas !== undefined ? sas.cancelWithCode('m.mismatched_sas') : request.cancel();
      return message === undefined ? [] : [toOutgoingRequest(message)];
    },
  };
}

async function requestSelfVerification(machine: OlmMachine, deviceId: string | undefined): Promise<[VerificationRequest, MachineRequest]> {
  if (deviceId !== undefined) {
    const device = await machine.getDevice(machine.userId, new DeviceId(deviceId));
    if (device === undefined) throw new Error(`There is no device ${deviceId}`);
    return device.requestVerification(METHODS);
  }
  const identity = await machine.getIdentity(machine.userId);
  if (!(identity instanceof OwnUserIdentity)) throw new Error('This account has no cross-signing identity to verify with');
  return await identity.requestVerification(METHODS);
}

async function loadOtherIdentity(machine: OlmMachine, userId: string): Promise<OtherUserIdentity> {
  const identity = await machine.getIdentity(new UserId(userId));
  if (!(identity instanceof OtherUserIdentity)) throw new Error(`${userId} has no cross-signing identity, so there is nothing to verify`);
  return identity;
}

function forgetOldFlows(tracked: Map<string, Tracked>): void {
  for (const [flowId, { request }] of tracked) {
    if (tracked.size < MAX_TRACKED_FLOWS) return;
    if (request.isDone() || request.isCancelled()) tracked.delete(flowId);
  }
}

function snapshot({ request, sas }: Tracked): VerificationFlow {
  return {
    flowId: request.flowId,
    otherUserId: request.otherUserId.toString(),
    otherDeviceId: request.otherDeviceId?.toString(),
    roomId: request.roomId?.toString(),
    isSelf: request.isSelfVerification(),
    state: verificationState(request, sas),
  };
}

function verificationState(request: VerificationRequest, sas: Sas | undefined): VerificationState {
  const cancelled = sas?.cancelInfo() ?? request.cancelInfo;
  if (cancelled !== undefined) {
    return { step: 'cancelled', byUs: cancelled.cancelledbyUs(), code: cancelled.cancelCode(), reason: cancelled.reason() };
  }
  if (request.timedOut()) return { step: 'cancelled', byUs: false, code: 'm.timeout', reason: 'The verification took too long' };
  if (sas?.isDone() === true || request.isDone()) return { step: 'done' };
  if (sas?.haveWeConfirmed() === true) return { step: 'confirming' };
  if (sas?.canBePresented() === true) return comparing(sas);
  if (request.phase() === VerificationRequestPhase.Requested || request.phase() === VerificationRequestPhase.Created) {
    return { step: 'requested', byUs: request.weStarted() };
  }
  return { step: 'waiting' };
}

function comparing(sas: Sas): VerificationState {
  const indices = sas.emojiIndex() ?? new Uint8Array();
  const emoji = (sas.emoji() ?? []).map(({ symbol, description }, at) => ({ index: indices[at] ?? 0, symbol, description }));
  const [first = 0, second = 0, third = 0] = sas.decimals() ?? [];
  return { step: 'comparing', emoji, decimals: [first, second, third] };
}
