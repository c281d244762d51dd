import { connect } from 'node:net'
import type { Clock } from '../../domain/clock.ts'
import type { Revision } from '../../domain/platform/worker.ts'
import { noUsage, type Outcome } from '../../domain/runs/outcome.ts'
import type { Listener, Sandbox } from '../sandbox/sandbox.ts'
import { killed } from './outcomes.ts'

/** Pause between attempts to connect to the image. */
const connectPauseMs = 20
/** An image that has listened only at a wrong address for this time is refused for it. */
const wrongPlaceMs = 2000
const lookMs = 500

export interface ImageStartParts {
  clock: Clock
  startTimeoutMs: number
}

/**
 * Waits until the image listens where it must. Null: it does. Else the reason, which is the function's fault unless the image was
 * ended from outside.
 */
export async function whyImageIsNotReady(
  sandbox: Sandbox,
  revision: Revision,
  address: { host: string; port: number },
  { clock, startTimeoutMs }: ImageStartParts,
): Promise<Outcome | null> {
  const startedAt = clock.elapsed()
  const elapsed = () => clock.elapsed() - startedAt
  let isOver = false
  void sandbox.exited.then(() => {
    isOver = true
  })
  let lookAt = lookMs
  let wrongSince: number | null = null
  while (elapsed() < startTimeoutMs) {
    if (isOver) return ended(sandbox, revision, elapsed())
    if (await (sandbox.connects?.() ?? tryConnect(address))) return null
    if (elapsed() > lookAt) {
      lookAt = elapsed() + lookMs
      const wrong = wrongListenAddress(await sandbox.listeners(), address.port)
      wrongSince = wrong === null ? null : (wrongSince ?? elapsed())
      if (wrong !== null && wrongSince !== null && elapsed() - wrongSince > wrongPlaceMs) {
        return failed(`the image ${revision.image} ${wrong}`, elapsed())
      }
    }
    await new Promise<void>((resolve) => clock.after(connectPauseMs, resolve))
  }
  return failed(
    `the image ${revision.image} did not listen on port ${revision.port ?? address.port} within ${startTimeoutMs / 1000} s`,
    elapsed(),
  )
}

/** Null: it listens nowhere yet, or that is unknown. Another port alone is no error: the image may still open the right one. */
export function wrongListenAddress(listeners: Listener[] | null, port: number): string | null {
  const onPort = (listeners ?? []).filter((one) => one.port === port)
  if (onPort.length === 0 || onPort.some(({ onlyLoopback }) => !onlyLoopback)) return null
  return `listens on port ${port} of its own loopback address only: it must listen on 0.0.0.0`
}

async function ended(sandbox: Sandbox, { image, port, memoryBytes }: Revision, runMs: number): Promise<Outcome> {
  const exit = await sandbox.exited
  if (exit.memoryExceeded || exit.fromOutside) return killed(exit, memoryBytes, runMs)
  const code = exit.code === null ? '' : ` with code ${exit.code}`
  return failed(`the image ${image} ended${code} before it listened on port ${port}`, runMs)
}

function failed(message: string, runMs: number): Outcome {
  return { kind: 'raised', error: { type: 'ImageNotReady', message, stack: null }, runMs, ...noUsage }
}

/** Whether a connection to the address succeeds. */
const tryConnect = (address: { host: string; port: number }): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ ...address, timeout: 1000 })
    const done = (ok: boolean) => {
      socket.destroy()
      resolve(ok)
    }
    socket
      .once('connect', () => done(true))
      .once('error', () => done(false))
      .once('timeout', () => done(false))
  })
