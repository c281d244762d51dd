// Asks whether a Docker engine answers, once or until a deadline.
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { docker } from './docker-cli.ts'
import type { EngineFacts } from './engine-decision.ts'
import type { StartAttempt } from './engine-start.ts'
import { SetupProblem } from './problem.ts'

const ANSWER_LIMIT_MS = 5_000
const START_LIMIT_MS = 60_000
const POLL_MS = 200

export async function askEngine(address: string): Promise<EngineFacts['answer']> {
  if (address.startsWith('unix://')) return askSocket(address.slice('unix://'.length))
  // TCP, TLS and SSH addresses have many settings; the command line knows them all.
  const result = await docker(['version', '--format', '{{.Server.Version}}'], { timeoutMs: ANSWER_LIMIT_MS })
  return result.code === 0 ? 'yes' : 'no'
}

/** Waits until a started engine answers; a failed start is a problem with the end of its log. */
export async function waitForEngine(address: string, attempt: StartAttempt): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS
  while (performance.now() < deadline) {
    if ((await askEngine(address)) === 'yes') return
    if (attempt.hasEnded())
      throw new SetupProblem(`The Docker engine ended while starting. The end of its log:\n${attempt.logTail()}`)
    await sleep(POLL_MS)
  }
  throw new SetupProblem(
    `The Docker engine did not answer within ${START_LIMIT_MS / 1000} s. The end of its log:\n${attempt.logTail()}`,
  )
}

function askSocket(socketPath: string): Promise<EngineFacts['answer']> {
  const { promise, resolve } = Promise.withResolvers<EngineFacts['answer']>()
  const ping = request({ socketPath, path: '/_ping', timeout: ANSWER_LIMIT_MS }, (response) => {
    response.resume()
    resolve(response.statusCode === 200 ? 'yes' : 'no')
  })
  ping.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EACCES' ? 'denied' : 'no'))
  ping.on('timeout', () => ping.destroy())
  ping.end()
  return promise
}
