// The server for development: restarts when a source file changes, logs in words instead of JSON.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { chooseEngine } from './setup/choose-engine.ts'
import { prettyLogLine } from './setup/pretty-log.ts'
import { runCommand } from './setup/problem.ts'
import { step } from './setup/progress.ts'
import { PROJECT_FOLDER } from './setup/project.ts'
import { SERVER_PROGRAM } from './setup/server-process.ts'
import { readSettings } from './setup/settings.ts'

async function main(): Promise<number> {
  const env = { ...process.env, TAIBAI_ENGINE: await chooseEngine(readSettings()) }
  step('Server (Ctrl-C stops it)')
  const args = ['--watch', '--watch-preserve-output', SERVER_PROGRAM]
  const server = spawn(process.execPath, args, { cwd: PROJECT_FOLDER, env, stdio: ['inherit', 'pipe', 'inherit'] })
  createInterface({ input: server.stdout }).on('line', (line) => console.log(prettyLogLine(line)))
  // The terminal sends its signals to the server as well; we only wait for its end.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => server.kill('SIGTERM'))
  const { promise, resolve } = Promise.withResolvers<number>()
  server.on('exit', (code) => resolve(code ?? 0))
  return promise
}

await runCommand(main)
