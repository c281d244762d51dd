// Makes sure that a Docker engine answers: uses the one that is there, or installs and starts one where this may be done.
import { canInstallPackages } from './debian-packages.ts'
import { engineAddress } from './docker-cli.ts'
import { decideEngine, type EngineFacts } from './engine-decision.ts'
import { askEngine, waitForEngine } from './engine-ping.ts'
import { installEngine, startEngine } from './engine-start.ts'
import { withLock } from './lock.ts'
import { SetupProblem } from './problem.ts'
import type { Report } from './progress.ts'
import { findProgram, runsSystemd } from './this-host.ts'

export type EngineResult =
  | { kind: 'ready'; how: 'answered' | 'started' | 'installed' }
  | { kind: 'unavailable'; reason: string }

/** Never throws for what a host can be like: what stands in the way comes back as a sentence. */
export async function ensureEngine(report: Report): Promise<EngineResult> {
  try {
    const onWait = (pid: number) => report(`waiting for process ${pid}, which is setting up the engine too`)
    return await withLock('engine', onWait, () => carryOut(report))
  } catch (error) {
    if (error instanceof SetupProblem) return { kind: 'unavailable', reason: error.message }
    throw error
  }
}

async function carryOut(report: Report): Promise<EngineResult> {
  const facts = await gatherFacts()
  const decision = decideEngine(facts)
  switch (decision.do) {
    case 'use':
      return { kind: 'ready', how: 'answered' }
    case 'give up':
      return { kind: 'unavailable', reason: decision.reason }
    case 'install client':
      await installEngine(facts, report)
      return { kind: 'ready', how: 'installed' }
    case 'install':
      await installEngine(facts, report)
      await start(facts, report)
      return { kind: 'ready', how: 'installed' }
    case 'start':
      await start(facts, report)
      return { kind: 'ready', how: 'started' }
  }
}

async function start(facts: EngineFacts, report: Report): Promise<void> {
  const attempt = await startEngine(facts, report)
  await waitForEngine(facts.address, attempt)
}

async function gatherFacts(): Promise<EngineFacts> {
  const address = engineAddress()
  return {
    address,
    addressIsGiven: Boolean(process.env.TAIBAI_DOCKER_HOST || process.env.DOCKER_HOST),
    answer: await askEngine(address),
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    hasClient: findProgram('docker') !== undefined,
    hasDaemon: findProgram('dockerd') !== undefined,
    canInstall: await canInstallPackages(),
    hasSystemd: runsSystemd(),
  }
}
