import { type EngineResult, type EngineStartOptions, ensureEngine } from './engine.ts'
import { HostProblem } from './problem.ts'
import type { Progress } from './progress.ts'
import { readRuntimeFolders } from './runtime-folder.ts'
import { buildRuntimes, showBuilt } from './runtime-images.ts'

export interface ReadyEngineOptions extends EngineStartOptions {
  runtimesDir: string
  /** Names of further language versions that are requested. */
  versions: string[]
}

/** An engine that answers and has the required images, or the reason why functions cannot run in containers here. */
export async function readyEngine(wish: ReadyEngineOptions, progress: Progress): Promise<EngineResult> {
  progress.step('Container engine')
  const result = await ensureEngine(wish, progress.detail)
  if (result.kind === 'unavailable') return result
  if (result.how === 'answered') progress.skipped('an engine answers')
  else progress.done(`the engine is ${result.how} and answers`)
  progress.step('Runtime images')
  const missing = await buildImages(wish, progress)
  return missing === undefined ? result : { kind: 'unavailable', reason: missing }
}

/** Without any base an engine is useless: then the reason is returned. A broken Dockerfile of ours is thrown. */
async function buildImages(
  { engine, runtimesDir, versions }: ReadyEngineOptions,
  progress: Progress,
): Promise<string | undefined> {
  try {
    const runtimes = readRuntimeFolders(runtimesDir, versions)
    showBuilt(await buildRuntimes({ engine, runtimes, report: progress.detail }), progress)
  } catch (error) {
    if (error instanceof HostProblem) return error.message
    throw error
  }
}
