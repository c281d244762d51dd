import { existsSync } from 'node:fs'
import { readHostEnvironment } from '../config.ts'
import { type EngineClient, makeEngineClient } from './engine-client.ts'
import { decideEngine, type EngineFacts } from './engine-decision.ts'
import { installEngine, startEngine } from './engine-start.ts'
import { findProgram, isRoot, runsSystemd } from './host-facts.ts'
import { withLock } from './lock.ts'
import { SetupProblem } from './problem.ts'
import type { Report } from './progress.ts'

/** Ensures that a container engine answers: uses an existing one, or starts or installs one where permitted. */

export type EngineResult =
  | { kind: 'ready'; how: 'answered' | 'started' | 'installed' }
  | { kind: 'unavailable'; reason: string }

export interface EngineStartOptions {
  engine: EngineClient
  /** True when an engine may be installed. */
  mayInstall: boolean
}

/** Does not throw for the state of a machine: an obstacle is returned as a sentence. */
export async function ensureEngine(wish: EngineStartOptions, report: Report): Promise<EngineResult> {
  try {
    const onWait = (pid: number) => report(`waiting for process ${pid}, which is setting up the engine too`)
    return await withLock('engine', onWait, () => carryOut(wish, report))
  } catch (error) {
    if (error instanceof SetupProblem) return { kind: 'unavailable', reason: error.message }
    throw error
  }
}

/** Why no engine can be used now, and the ways forward; undefined: an engine answers. */
export async function adviceOnEngine(engine: EngineClient): Promise<string | undefined> {
  const facts = await gatherFacts({ engine, mayInstall: false })
  const decision = decideEngine(facts)
  if (decision.do === 'use') return undefined
  if (decision.do === 'give up') return decision.reason
  return `No container engine runs at ${facts.address}; "taibai up" starts the one that is installed.`
}

async function carryOut(wish: EngineStartOptions, report: Report): Promise<EngineResult> {
  const facts = await gatherFacts(wish)
  const decision = decideEngine(facts)
  switch (decision.do) {
    case 'use':
      return { kind: 'ready', how: 'answered' }
    case 'give up':
      return { kind: 'unavailable', reason: decision.reason }
    case 'install':
      await installEngine(facts.hasSystemd, report)
      await startEngine(wish.engine, facts.hasSystemd, report)
      return { kind: 'ready', how: 'installed' }
    case 'start':
      await startEngine(wish.engine, facts.hasSystemd, report)
      return { kind: 'ready', how: 'started' }
  }
}

async function gatherFacts({ engine, mayInstall }: EngineStartOptions): Promise<EngineFacts> {
  const answer = await engine.ask()
  return {
    address: engine.address,
    addressIsGiven: readHostEnvironment().engineIsChosen,
    answer,
    others: answer === 'no' ? await otherEngines(engine.address) : [],
    platform: process.platform,
    isRoot: isRoot(),
    hasDaemon: findProgram('dockerd') !== undefined,
    mayInstall,
    hasApt: findProgram('apt-get') !== undefined,
    hasSystemd: runsSystemd(),
  }
}

/** Sockets of rootless Docker and Podman. */
async function otherEngines(address: string): Promise<string[]> {
  const userFolder = `/run/user/${process.getuid?.()}`
  const sockets = [`${userFolder}/docker.sock`, '/run/podman/podman.sock', `${userFolder}/podman/podman.sock`]
  const found = sockets.filter(existsSync).map((socket) => `unix://${socket}`)
  const answers = await Promise.all(found.map((one) => makeEngineClient(one).ask()))
  return found.filter((one, at) => one !== address && answers[at] === 'yes')
}
