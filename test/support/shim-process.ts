/** A shim as a plain child process of the test, linked to it by a folder of its own or over TCP. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BindOptions, BoundWorker, Harness } from './conformance-harness.ts'
import { bindMeta, boundWorker, ShimConnection } from './shim-connection.ts'
import { type MakeShimLink, type ShimLink, type ShimLinkName, shimLinks } from './shim-links.ts'

export class ShimProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #way: ShimLink
  readonly #folder: string
  readonly connection: ShimConnection
  /** The exit code, null when a signal ended it. */
  readonly exited: Promise<number | null>
  /** What the process wrote to its own standard streams: nothing, from a shim in good health. */
  readonly raw: { text: string }

  private constructor(
    child: ChildProcess,
    way: ShimLink,
    folder: string,
    connection: ShimConnection,
    exited: Promise<number | null>,
    raw: { text: string },
  ) {
    this.#child = child
    this.#way = way
    this.#folder = folder
    this.connection = connection
    this.exited = exited
    this.raw = raw
  }

  /** Fulfilled when the shim has said hello. `runtime` is the folder with `runtime.json`. */
  static async start(runtime: string, way: ShimLinkName | MakeShimLink = 'folder'): Promise<ShimProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'taibai-shim-'))
    const link = await (typeof way === 'string' ? shimLinks[way] : way)(folder)
    const child = spawnShim(runtime, folder, link.env)
    const exited = exitCode(child)
    const raw = collectRaw(child)
    const early = failsWhenClosed(child, raw)
    try {
      const { frames, stdout, stderr } = await Promise.race([link.connection(), early])
      const connection = new ShimConnection(frames)
      connection.descriptor('stdout', stdout)
      connection.descriptor('stderr', stderr)
      const shim = new ShimProcess(child, link, folder, connection, exited, raw)
      await Promise.race([shim.connection.hello, early])
      return shim
    } catch (error) {
      await link.close()
      rmSync(folder, { recursive: true, force: true })
      throw error
    }
  }

  get pid(): number {
    return this.#child.pid as number
  }

  async bind(code: string, options: BindOptions = {}): Promise<{ loadMs: number }> {
    const inside = this.#way.bring(code, this.connection)
    return await this.connection.bind(bindMeta(inside, options))
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Afterwards the process is gone, with the children that it has in a sandbox too, and its folder removed. */
  async kill(): Promise<void> {
    killGroup(this.pid)
    await this.exited
    this.connection.close()
    await this.connection.closed
    this.connection.closeDescriptors()
    await this.#way.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }
}

/** Runs the conformance list against plain processes. `code` is the folder to bind, by default the runtime's own. */
export function processHarness(
  runtime: string,
  code = join(runtime, 'conformance'),
  way: ShimLinkName = 'folder',
): Harness {
  return {
    descriptorsAreSockets: way !== 'folder',
    async bind(options?: BindOptions): Promise<BoundWorker> {
      const shim = await ShimProcess.start(runtime, way)
      try {
        const { loadMs } = await shim.bind(code, options)
        return boundWorker(shim.connection, loadMs, shim.exited, () => shim.kill())
      } catch (error) {
        await shim.kill()
        throw error
      }
    },
  }
}

export function spawnShim(runtime: string, folder: string, link: Record<string, string>): ChildProcess {
  const manifest = JSON.parse(readFileSync(join(runtime, 'runtime.json'), 'utf8'))
  const [program, ...args] = manifest.command
  return spawn(program, [...args.slice(0, -1), join(runtime, manifest.shim)], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, TMPDIR: folder, LANG: 'C.UTF-8', ...link },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

function exitCode(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code))
  })
}

function collectRaw(child: ChildProcess): { text: string } {
  const raw = { text: '' }
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      raw.text += text
    })
  }
  return raw
}

/** Rejects when the child has ended and all that it printed is there; for the time before it said hello. */
function failsWhenClosed(child: ChildProcess, raw: { text: string }): Promise<never> {
  const closed = new Promise<never>((_resolve, reject) => {
    child.once('close', (code) => reject(new Error(`the shim ended with ${code} before it said hello: ${raw.text}`)))
  })
  closed.catch(() => {})
  return closed
}
