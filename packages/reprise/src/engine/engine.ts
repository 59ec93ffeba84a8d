/**
 * Runs an effect at most once per operation: claims, calls the handler, settles, and tells how the arrival ended.
 * Knows no HTTP and no SQL; the store is a port, and so are time and randomness.
 */

import type { Arrival, Effect, Ports } from './arrival.ts'
import { performClaimed } from './claimed.ts'
import type { Conclusion } from './conclusion.ts'
import { decide } from './decide.ts'
import type { Policy } from './policy.ts'
import type { OperationRecord } from './record.ts'
import { ReplayCache } from './replay-cache.ts'
import { performTransactional } from './transactional.ts'
import { type WaitingLimits, WaitingRoom, watch } from './waiting-room.ts'

export interface EngineLimits {
  readonly replayCacheBytes: number
  readonly waiting: WaitingLimits
}

/** An outcome erased by another process is replayed from memory for at most this long. */
const cacheTtlMs = 60_000
/** How soon a store without wake-ups is looked at again by a waiting duplicate. */
const pollMs = 50
/** Retry-After of a duplicate whose first attempt has outlived what is usual. */
const patienceMs = 1_000

export class Engine<Tx> {
  readonly ports: Ports<Tx>
  readonly #cache: ReplayCache
  readonly #waiting: WaitingRoom

  constructor(ports: Ports<Tx>, limits: EngineLimits) {
    this.ports = ports
    this.#cache = new ReplayCache(limits.replayCacheBytes, cacheTtlMs)
    this.#waiting = new WaitingRoom(limits.waiting)
  }

  /** Brings one arrival to its conclusion. Never throws for what a store or a handler did: that is a conclusion too. */
  async perform(arrival: Arrival, policy: Policy, effect: Effect<Tx>): Promise<Conclusion> {
    const cached = this.#remembered(arrival, policy)
    if (cached !== undefined) return cached
    if (policy.waitMs === 0) return this.#attempt(arrival, policy, effect)
    // An attempt that has run its handler and was superseded is told "in progress" too. It does not wait for a second run:
    // a request can be handled once.
    let called = false
    const once: Effect<Tx> = (attempt) => {
      called = true
      return effect(attempt)
    }
    const first = await this.#attempt(arrival, policy, once)
    if (first.kind !== 'in-progress' || called) return first
    return this.#wait(first, arrival, policy, once, () => called)
  }

  /** Forgets what this process remembers of an outcome, because it was erased. */
  forget(id: string): void {
    this.#cache.delete(id)
  }

  /** The answer of an outcome that this process remembers. */
  #remembered(arrival: Arrival, policy: Policy): Conclusion | undefined {
    const { clock } = this.ports
    const cached = this.#cache.get(arrival.id, clock.now(), clock.monotonic())
    return cached === undefined ? undefined : this.#found(cached, arrival, policy)
  }

  async #attempt(arrival: Arrival, policy: Policy, effect: Effect<Tx>): Promise<Conclusion> {
    // What the store says may be old by the time it is heard, if this process stood still in between.
    const askedMs = this.ports.clock.monotonic()
    const performed =
      policy.guarantee === 'transactional'
        ? await performTransactional(this.ports, arrival, policy, effect)
        : await performClaimed(this.ports, arrival, policy, effect)
    if (performed.kind === 'executed') this.#cache.put(performed.record, askedMs)
    if (performed.kind !== 'found') return performed
    // Only what the store has just said: an entry put again by its own replays would never be asked about again.
    if (performed.record.state === 'completed') this.#cache.put(performed.record, askedMs)
    return this.#found(performed.record, arrival, policy)
  }

  /** What a record means for an arrival that may not run. */
  #found(record: OperationRecord, arrival: Arrival, policy: Policy): Conclusion {
    const decision = decide(record, arrival.fingerprint)
    switch (decision.kind) {
      case 'replay':
        return { kind: 'replayed', record: decision.record }
      case 'mismatch':
      case 'expired':
        return decision
      case 'unknown':
        return { kind: 'unknown', record: decision.record, error: undefined }
      case 'in-progress': {
        const { claimedAtMs, leaseUntilMs } = decision.record
        return {
          kind: 'in-progress',
          startedAtMs: claimedAtMs,
          retryAfterMs: this.#hint(claimedAtMs, leaseUntilMs, policy),
        }
      }
      case 'claim':
        // A record that lets itself be claimed was found by an attempt that lost the race for it.
        return { kind: 'in-progress', startedAtMs: record.createdAtMs, retryAfterMs: patienceMs }
    }
  }

  /** When the first attempt is likely to have answered: what is usual for the policy, never past the lease. */
  #hint(claimedAtMs: number, leaseUntilMs: number, policy: Policy): number {
    const nowMs = this.ports.clock.now()
    const usualMs = claimedAtMs + policy.pace - nowMs
    const hintMs = usualMs > 0 ? usualMs : Math.min(patienceMs, Math.max(0, leaseUntilMs - nowMs))
    // Jitter, so that all who were refused together don't come back together.
    return hintMs * (1 + this.ports.randomness.fraction() / 2)
  }

  /** Waits within bounds for the first attempt's answer; never runs two waiters' effects, the store sees to that. */
  async #wait(
    first: Conclusion,
    arrival: Arrival,
    policy: Policy,
    effect: Effect<Tx>,
    called: () => boolean,
  ): Promise<Conclusion> {
    if (!this.#waiting.enter(arrival.id)) return first
    const { store, clock } = this.ports
    const untilMs = clock.monotonic() + policy.waitMs
    try {
      for (;;) {
        // Watching starts before the next look, or a change between the two would be slept through.
        const watching = watch(store, arrival.id, pollMs, clock)
        try {
          // Of many that wait here one asks the store, and the others have its answer.
          const cached = this.#remembered(arrival, policy)
          if (cached !== undefined) return cached
          const again = await this.#attempt(arrival, policy, effect)
          const leftMs = untilMs - clock.monotonic()
          if (again.kind !== 'in-progress' || called() || leftMs <= 0) return again
          await watching.changed(leftMs)
        } finally {
          watching.end()
        }
      }
    } finally {
      this.#waiting.leave(arrival.id)
    }
  }
}
