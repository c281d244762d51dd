import { readSettings } from '../host/address.ts'
import { SetupProblem } from '../host/problem.ts'
import { makeProgress } from '../host/progress.ts'
import { findServer, serverFiles, stopLimitMs, stopServer } from '../host/server-process.ts'
import type { Cli, CommandSpec } from './command.ts'

export const commands: CommandSpec[] = [
  {
    name: 'down',
    summary: 'stop the server that "taibai up" started',
    examples: ['taibai down'],
    run: (cli) => down(cli),
  },
]

/** Also lists what remains. */
async function down({ out, localVariables }: Cli): Promise<void> {
  const settings = readSettings(localVariables)
  const progress = makeProgress((line) => out.line(line))
  progress.step('Server')
  const pid = findServer(settings.dataDir)
  if (pid === undefined) progress.skipped('no server is running that "taibai up" has started')
  else if (await stopServer(settings.dataDir, pid, stopLimitMs(settings))) progress.done(`process ${pid} has stopped`)
  else throw stillRunning(pid, serverFiles(settings.dataDir).log)
  out.value({ stopped: pid ?? null, data_dir: settings.dataDir }, () => {
    out.line(`\nWhat stays: the data in ${settings.dataDir}, the runtime images, and the container engine.`)
    out.line('Start again with: taibai up (from the sources: npm run up)')
  })
}

const stillRunning = (pid: number, log: string): SetupProblem =>
  new SetupProblem(`Process ${pid} was asked to stop but still runs. See ${log}, or end it with: kill -9 ${pid}`)
