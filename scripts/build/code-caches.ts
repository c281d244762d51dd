import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { runOrThrow } from '../../src/host/command.ts'
import { SetupProblem } from '../../src/host/problem.ts'
import { writeJson } from './bundle.ts'
import { withAnswers } from './figures.ts'

/** V8's code cache of the program after its usual work: a start with it compiles nothing. */

const maker = join(import.meta.dirname, 'code-cache.ts')

/** Code caches of the commands after a request to a server, and of a server that has started. */
export async function makeCodeCaches(
  { main, commands }: Record<'main' | 'commands', string>,
  assets: Record<string, string>,
  work: string,
): Promise<Record<'commands.cache' | 'main.cache', string>> {
  const list = join(work, 'assets.json')
  writeJson(list, assets)
  const caches = { 'commands.cache': join(work, 'commands.cache'), 'main.cache': join(work, 'main.cache') }
  await withAnswers((url) =>
    runOrThrow('Compiling the commands', process.execPath, [
      maker,
      commands,
      list,
      caches['commands.cache'],
      'list',
      '--url',
      url,
    ]),
  )
  await startAndStop([maker, main, list, caches['main.cache'], 'serve'])
  return caches
}

async function startAndStop(args: string[]): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'taibai-compiling-'))
  const settings = { TAIBAI_DATA_DIR: dataDir, TAIBAI_PORT: '0', TAIBAI_ENGINE: 'process', TAIBAI_GENERIC_WORKERS: '0' }
  const env = { PATH: process.env.PATH, ...settings }
  const server = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(server, 'exit')
  for await (const line of createInterface({ input: server.stdout })) {
    if (line.includes('"taibai is ready"')) server.kill('SIGTERM')
  }
  const [code] = await ended
  rmSync(dataDir, { recursive: true, force: true })
  if (code !== 0) throw new SetupProblem(`The server ended with code ${code} when it was compiled.`)
}
