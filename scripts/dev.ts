// Runs the server for development: restarts when a source file changes, and prints readable log lines instead of JSON.
import { watch } from 'node:fs'
import { join } from 'node:path'
import { projectFolder } from '../src/assets.ts'
import { readSettings } from '../src/host/address.ts'
import { SetupProblem } from '../src/host/problem.ts'
import { buildConsole, consoleIsOld } from './build-console.ts'
import { DevServer } from './setup/dev-server.ts'
import { readyOwnEngine } from './setup/own-engine.ts'
import { progress, runScript } from './setup/terminal.ts'

async function main(): Promise<number> {
  const { engine } = readSettings()
  if (engine === 'docker') await needEngine()
  if (consoleIsOld()) await buildConsole()
  progress.step('Server: restarts when src/ or runtimes/ change; Ctrl-C stops it')
  const server = new DevServer({ TAIBAI_DRAIN_MS: '1000', ...process.env, TAIBAI_ENGINE: engine })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => server.stop())
  const watching = watchSources(() => server.restartSoon())
  const code = await server.closed
  watching.abort()
  return code
}

async function needEngine(): Promise<void> {
  const result = await readyOwnEngine()
  if (result.kind === 'unavailable') throw new SetupProblem(result.reason)
}

/** `node --watch` is not used: it makes worker threads report their imports as messages, which the server would misread. */
function watchSources(onChange: () => void): AbortController {
  const watching = new AbortController()
  const options = { recursive: true, signal: watching.signal }
  for (const folder of ['src', 'runtimes']) watch(join(projectFolder, folder), options, onChange)
  return watching
}

await runScript(main)
