// The server for development: restarts when a source file changes, logs in words instead of JSON.
import { watch } from 'node:fs'
import { join } from 'node:path'
import { chooseEngine } from './setup/choose-engine.ts'
import { DevServer } from './setup/dev-server.ts'
import { runCommand } from './setup/problem.ts'
import { step } from './setup/progress.ts'
import { PROJECT_FOLDER, RUNTIMES_FOLDER } from './setup/project.ts'
import { readSettings } from './setup/settings.ts'

async function main(): Promise<number> {
  const engine = await chooseEngine(readSettings())
  step('Server: restarts when src/ or runtimes/ change; Ctrl-C stops it')
  const server = new DevServer({ TAIBAI_DRAIN_MS: '1000', ...process.env, TAIBAI_ENGINE: engine })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => server.stop())
  const watching = watchSources(() => server.restartSoon())
  const code = await server.closed
  watching.abort()
  return code
}

/** Not `node --watch`: it makes worker threads report their imports as messages, which the server would take for its own. */
function watchSources(onChange: () => void): AbortController {
  const watching = new AbortController()
  const options = { recursive: true, signal: watching.signal }
  for (const folder of [join(PROJECT_FOLDER, 'src'), RUNTIMES_FOLDER]) watch(folder, options, onChange)
  return watching
}

await runCommand(main)
