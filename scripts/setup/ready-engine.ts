// An engine that answers and the images it needs; or the reason why functions cannot run in containers here.
import { buildRuntimes, showBuilt } from '../build-runtimes.ts'
import { type EngineResult, ensureEngine } from './engine.ts'
import { HostProblem } from './problem.ts'
import { detail, done, skipped, step } from './progress.ts'

export async function readyEngine(): Promise<EngineResult> {
  step('Docker engine')
  const engine = await ensureEngine(detail)
  if (engine.kind === 'unavailable') return engine
  if (engine.how === 'answered') skipped('an engine answers')
  else done(`the engine is ${engine.how} and answers`)
  step('Runtime images')
  const missing = await buildImages()
  return missing === undefined ? engine : { kind: 'unavailable', reason: missing }
}

/** Where no base can be had, an engine is of no use: then the reason comes back. A broken Dockerfile of ours is thrown. */
async function buildImages(): Promise<string | undefined> {
  try {
    showBuilt(await buildRuntimes())
  } catch (error) {
    if (error instanceof HostProblem) return error.message
    throw error
  }
}
