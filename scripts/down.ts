// Stops the server that `npm run up` started, and says what stays.
import type { Config } from '../src/config.ts'
import { runCommand, SetupProblem } from './setup/problem.ts'
import { done, skipped, step } from './setup/progress.ts'
import { findServer, stopLimitMs, stopServer } from './setup/server-process.ts'
import { readSettings } from './setup/settings.ts'

async function main(): Promise<undefined> {
  const settings = readSettings()
  step('Server')
  const pid = findServer(settings.dataDir)
  if (pid === undefined) skipped('none is running that `npm run up` has started')
  else await stop(settings, pid)
  console.log(`
What stays: the data in ${settings.dataDir}, the runtime images, and the Docker engine.
Start again with: npm run up`)
}

async function stop(settings: Config, pid: number): Promise<void> {
  if (await stopServer(settings.dataDir, pid, stopLimitMs(settings))) {
    done(`process ${pid} has stopped`)
    return
  }
  throw new SetupProblem(
    `Process ${pid} was asked to stop but still runs. Look into ${settings.dataDir}/server.log, or end it with: kill -9 ${pid}`,
  )
}

await runCommand(main)
