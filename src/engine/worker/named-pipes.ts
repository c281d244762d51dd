import { execFile } from 'node:child_process'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { FaasError } from '../../domain/errors.ts'

const run = promisify(execFile)

/** Number of pipes made at once: starting mkfifo takes milliseconds, a pipe microseconds. */
const batch = 32

/** Creates named pipes that anybody with access to the folder may use. Node.js has no mkfifo, so a program does it. */
export async function makePipes(paths: string[]): Promise<void> {
  await run('mkfifo', ['-m', '666', ...paths]).catch((cause: unknown) => {
    throw new FaasError('engine_failed', 'Named pipes cannot be made: is mkfifo (of coreutils) installed?', { cause })
  })
}

/**
 * Named pipes made in advance, so that no worker waits for mkfifo. They lie in a folder of their own, on the disk of the workers'
 * folders.
 */
export class NamedPipes {
  #folder: string
  #made = 0
  #ready: string[] = []
  #making: Promise<void> | null = null

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Moves a pipe to each of these paths. */
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
    // Removes pipes of an earlier run.
    if (this.#made === 0) await rm(this.#folder, { recursive: true, force: true })
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const paths = Array.from({ length: batch }, () => join(this.#folder, String(++this.#made)))
    await makePipes(paths)
    this.#ready.push(...paths)
  }
}
