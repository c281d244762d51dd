import { createHook } from 'node:async_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { App } from './app.ts'
import type { Config } from './config.ts'
import type { ServiceManager } from './host/service-manager.ts'

/** The server as a process: settings, start, signals. */

const keptTicks: object[] = []

/**
 * Resolves when the server takes work. `exit` ends the process: when it cannot start or continue, and when a signal has stopped
 * it.
 */
export async function serve(exit: (code: number) => never, { isImage = false } = {}): Promise<void> {
  const fail = (sentence: string): never => {
    process.stderr.write(`${sentence}\n`)
    return exit(1)
  }
  const { makeServiceManager } = await import('./host/service-manager.ts')
  const app = await start(fail, isImage)
  const manager = makeServiceManager()
  stopOnSignals(app, manager, exit, fail)
  // In the turn in which the server became ready: no call comes between.
  keepTickShape()
  dropGarbage()
  manager.ready()
}

async function start(fail: (sentence: string) => never, isImage: boolean): Promise<App> {
  try {
    const { readConfig } = await import('./config.ts')
    const { unpackAssets } = await import('./assets.ts')
    const config = readConfig()
    if (isImage) await prepareContainer(config)
    else if (config.engine !== 'process') await goFirst(config)
    unpackAssets(config.cacheDir)
    if (isImage) await prepareImages(config)
    const { startApp } = await import('./app.ts')
    return await startApp(config, (error) => fail(`The server cannot go on: ${error.message}`))
  } catch (error) {
    return fail(explain(error))
  }
}

/** Containers belong to the engine; child processes would inherit our priority. */
async function goFirst({ nice }: Config): Promise<void> {
  const { raisePriority } = await import('./host/process-priority.ts')
  raisePriority(nice)
}

/** In a container of our image nobody prepares the machine: the server does it, and drops root. */
async function prepareContainer({ dataDir, dockerHost }: Config): Promise<void> {
  const { leaveRoot } = await import('./host/container-user.ts')
  leaveRoot(dataDir, (dockerHost ?? 'unix:///var/run/docker.sock').replace('unix://', ''))
}

async function prepareImages(config: Config): Promise<void> {
  const { dockerHost, runtimesDir, runtimes: versions } = config
  const { makeEngineClient } = await import('./host/engine-client.ts')
  const { readyEngine } = await import('./host/ready-engine.ts')
  const { makeProgress } = await import('./host/progress.ts')
  const { storedCredentials } = await import('./registry-credentials.ts')
  const engine = makeEngineClient(dockerHost, storedCredentials(config))
  const progress = makeProgress((line) => process.stdout.write(`${line}\n`))
  const result = await readyEngine({ engine, mayInstall: false, runtimesDir, versions }, progress)
  engine.close()
  if (result.kind === 'unavailable') throw new Error(result.reason)
}

/**
 * Loading our modules leaves 130 MB of garbage (Node.js parses drizzle-orm's package.json of 180 kB for each of its modules) in a
 * young generation that does not shrink while idle. A collection before the first call halves the server's 280 MB.
 */
function dropGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect: NonNullable<typeof globalThis.gc> = runInNewContext('gc')
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  setFlagsFromString('--no-expose-gc')
}

/**
 * Keeps a tick of `process.nextTick` for ever. A garbage collection without a waiting tick would drop the hidden class of ticks;
 * V8 then creates each later tick on a slow path, in 0.9 µs instead of 0.1, and a call has six (Node.js 24).
 */
function keepTickShape(): void {
  const hook = createHook({
    init(_id, type, _trigger, resource) {
      if (type === 'TickObject') keptTicks.push(resource)
    },
  }).enable()
  process.nextTick(() => {})
  hook.disable()
}

/** npm forwards a signal that the terminal has already sent to us: a second one within this time is the same signal. */
const sameSignalMs = 500

/** The first signal drains; the second stops at once. */
function stopOnSignals(
  running: App,
  manager: ServiceManager,
  exit: (code: number) => never,
  fail: (sentence: string) => never,
): void {
  let stoppingSince: number | null = null
  const stop = async (signal: NodeJS.Signals) => {
    const now = performance.now()
    if (stoppingSince !== null && now - stoppingSince < sameSignalMs) return
    if (stoppingSince !== null) exit(1)
    stoppingSince = now
    manager.stopping()
    await running.close(signal).then(
      () => exit(0),
      (error: unknown) => fail(`Stopped, but not everything could be saved: ${explain(error)}`),
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

/** The sentence of a known error, the stack of others. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE')
    return `The port is in use already: stop the program that uses it, or set TAIBAI_PORT. (${error.message})`
  if (code === 'EACCES') return `Not permitted: ${error.message}. Choose another TAIBAI_PORT or TAIBAI_DATA_DIR.`
  const isOurs = error.constructor === Error || error.name === 'FaasError'
  return isOurs ? error.message : (error.stack ?? error.message)
}
