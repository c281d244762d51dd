import { execFile } from 'node:child_process'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { FaasError } from '../../domain/errors.ts'

const run = promisify(execFile)

/** How many are made in one go: starting the program takes some milliseconds, a pipe microseconds. */
const batch = 32

/** Named pipes, for whoever reaches their folder. Node.js cannot make one, so a program does. */
export async function makePipes(paths: string[]): Promise<void> {
  await run('mkfifo', ['-m', '666', ...paths]).catch((cause: unknown) => {
    throw new FaasError('engine_failed', 'Named pipes cannot be made: is mkfifo (of coreutils) installed?', { cause })
  })
}

/** Pipes that are made ahead, so that no worker waits for the program. The folder is its own, on the disk of the workers' folders. */
export class PipeStock {
  #folder: string
  #made = 0
  #ready: string[] = []
  #making: Promise<void> | null = null

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Puts a pipe at each of these paths. */
  async put(paths: string[]): Promise<void> {
    while (this.#ready.length < paths.length) await this.#make()
    const taken = this.#ready.splice(0, paths.length)
    if (this.#ready.length < batch / 2) this.#make().catch(() => {})
    await Promise.all(paths.map((path, index) => rename(taken[index] as string, path)))
  }

  #make(): Promise<void> {
    this.#making ??= this.#makeBatch().finally(() => {
      this.#making = null
    })
    return this.#making
  }

  async #makeBatch(): Promise<void> {
    // What an earlier run has left.
    if (this.#made === 0) await rm(this.#folder, { recursive: true, force: true })
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const paths = Array.from({ length: batch }, () => join(this.#folder, String(++this.#made)))
    await makePipes(paths)
    this.#ready.push(...paths)
  }
}
