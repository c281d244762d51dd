import type { Clock } from '../../domain/clock.ts'
import type { FaasError } from '../../domain/errors.ts'
import { callerDisconnected } from './refusals.ts'

/** Limits for calls that wait for a worker or for memory. */
export interface WaitLimits {
  maxWaiting: number
  timeoutMs: number
}

export interface WaitOptions {
  clock: Clock
  timeoutMs: number
  /** Fires when the caller leaves. */
  signal: AbortSignal | undefined
  /** The error at the timeout. */
  tooLate(): FaasError
  /** Called at the timeout or when the caller leaves, before the promise rejects. */
  onGiveUp(): void
}

/** Waits until the promise settles, the timeout passes, or the caller leaves, whichever comes first. */
export function waitFor<Got>({ clock, timeoutMs, signal, tooLate, onGiveUp }: WaitOptions): PromiseWithResolvers<Got> {
  const { promise, resolve, reject } = Promise.withResolvers<Got>()
  const stopWaiting = () => {
    stopTimer()
    signal?.removeEventListener('abort', onAbort)
  }
  const giveUp = (why: FaasError) => {
    stopWaiting()
    onGiveUp()
    reject(why)
  }
  const onAbort = () => giveUp(callerDisconnected())
  const stopTimer = clock.after(timeoutMs, () => giveUp(tooLate()))
  signal?.addEventListener('abort', onAbort, { once: true })
  return {
    promise,
    resolve(got) {
      stopWaiting()
      resolve(got)
    },
    reject(error) {
      stopWaiting()
      reject(error)
    },
  }
}
