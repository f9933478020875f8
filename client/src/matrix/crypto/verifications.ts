import { createSignal, type Signal, type WritableSignal } from '../observable/signal.ts';
import type { OutgoingRequest, VerificationFlow } from './crypto-engine.ts';
import type { CryptoParts } from './crypto-parts.ts';
import type { Verification, VerificationState } from './verification.ts';

type Deps = {
  crypto: () => CryptoParts | undefined;
  /** A verification came to its good end. */
  onDone: () => void;
};

/** The verifications as a dialog shows them, over the engine's flows. */
export type Verifications = {
  /** The one to show. */
  current: Signal<Verification | undefined>;
  /** A flow of the engine is new or moved on. */
  update(flow: VerificationFlow): Verification;
};

type Entry = { verification: Verification; state: WritableSignal<VerificationState> };

export function createVerifications({ crypto, onDone }: Deps): Verifications {
  const entries = new Map<string, Entry>();
  const current = createSignal<Verification | undefined>(undefined);

  async function act(step: (parts: CryptoParts) => Promise<OutgoingRequest[]>): Promise<void> {
    const parts = crypto();
    if (parts === undefined) throw new Error('Encryption is not available here');
    await parts.sender.sendAll(await step(parts));
    await parts.sender.flush();
  }

  function create(flow: VerificationFlow): Entry {
    const { flowId, otherUserId } = flow;
    const state = createSignal(flow.state);
    const verification: Verification = {
      flowId,
      otherUserId,
      otherDeviceId: flow.otherDeviceId,
      isSelf: flow.isSelf,
      state,
      accept: () => act(({ engine }) => engine.acceptVerification(otherUserId, flowId)),
      confirm: () => act(({ engine }) => engine.confirmVerification(otherUserId, flowId)),
      mismatch: () => act(({ engine }) => engine.cancelVerification(otherUserId, flowId, true)),
      async cancel() {
        if (current.get() === verification) current.set(undefined);
        if (isOver(state.get())) return;
        await act(({ engine }) => engine.cancelVerification(otherUserId, flowId, false));
      },
    };
    const entry = { verification, state };
    entries.set(flowId, entry);
    return entry;
  }

  return {
    current,
    update(flow) {
      const known = entries.get(flow.flowId);
      const entry = known ?? create(flow);
      const before = known?.state.get();
      entry.state.set(flow.state);
      if (known === undefined && !isOver(flow.state)) current.set(entry.verification);
      if (flow.state.step === 'done' && before?.step !== 'done') onDone();
      // Somebody asked, and another device of ours answered, or they thought better of it: nothing to show.
      const wasUnanswered = before?.step === 'requested' && !before.byUs;
      if (flow.state.step === 'cancelled' && wasUnanswered && current.get() === entry.verification) current.set(undefined);
      return entry.verification;
    },
  };
}

function isOver({ step }: VerificationState): boolean {
  return step === 'done' || step === 'cancelled';
}
