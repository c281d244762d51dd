// With which of its engines the server can run functions here.
import type { Config } from '../../src/config.ts'
import { step, warn } from './progress.ts'
import { readyEngine } from './ready-engine.ts'

export type Engine = Config['engine']

/** Containers where they can be had; otherwise child processes, which isolate nothing and must not go unnoticed. */
export async function chooseEngine(settings: Config): Promise<Engine> {
  if (settings.engine === 'process') {
    step('Engine')
    warn('TAIBAI_ENGINE asks for plain child processes: functions run WITHOUT ISOLATION.')
    return 'process'
  }
  const result = await readyEngine()
  if (result.kind === 'ready') return 'docker'
  warn(result.reason)
  warn('NO CONTAINERS: functions will run as plain child processes of the server, WITHOUT ISOLATION.')
  warn('That is for trying things out: run only code you trust. Run this command again when Docker is there.')
  return 'process'
}
