import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { pack } from 'tar-stream'
import { FaasError } from '../../../domain/errors.ts'
import type { BuilderFacts, BuilderRun } from '../../../domain/functions/build.ts'
import type { ImageClient } from './image-client.ts'

export interface BuilderImageOptions {
  /** Network of the commands that build the image. */
  network: string
  buildEnv: Record<string, string>
  buildTimeoutSeconds: number
  /** Debian packages to add, such as a compiler. */
  buildPackages: string[]
  /** Folders that are searched for programs of this machine. */
  searchPath: string[]
}

/** An image build in progress. */
interface Making {
  image: Promise<string>
  waiting: Set<Wanted>
  stop: AbortController
}

type Wanted = Pick<BuilderRun, 'runtimeImage' | 'facts' | 'signal' | 'onOutput'>

/** Label with the base on which a runtime was built; `host/runtime-images.ts` writes it. */
const baseLabel = 'io.taibai.base'
const sourceLabel = 'io.taibai.source'
const run = promisify(execFile)
const lastLines = 20

/**
 * Builder images: the runtime's image plus package managers. They are built for the first package that needs one, and the engine
 * keeps them.
 */
export class BuilderImages {
  #images: ImageClient
  #options: BuilderImageOptions
  #making = new Map<string, Making>()

  constructor(images: ImageClient, options: BuilderImageOptions) {
    this.#images = images
    this.#options = options
  }

  /** Returns the image's name. Several callers share one build, which is aborted when all of them have left. */
  async ensure(run: Wanted): Promise<string> {
    run.signal.throwIfAborted()
    const making = this.#making.get(run.facts.image) ?? this.#begin(run)
    making.waiting.add(run)
    const left = Promise.withResolvers<never>()
    const leave = () => left.reject(run.signal.reason)
    run.signal.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([making.image, left.promise])
    } finally {
      run.signal.removeEventListener('abort', leave)
      making.waiting.delete(run)
      if (making.waiting.size === 0) this.#giveUp(run.facts.image, making)
    }
  }

  #begin(run: Wanted): Making {
    const { image } = run.facts
    const [waiting, stop] = [new Set<Wanted>(), new AbortController()]
    const onOutput = (text: string) => {
      for (const each of waiting) each.onOutput(text)
    }
    const made = this.#make({ ...run, signal: stop.signal, onOutput })
    const making: Making = { image: made, waiting, stop }
    this.#making.set(image, making)
    made.catch(() => {}).finally(() => this.#forget(image, making))
    return making
  }

  /** Has no effect on a finished build. Later callers start a new one. */
  #giveUp(image: string, making: Making): void {
    making.stop.abort()
    this.#forget(image, making)
  }

  #forget(image: string, making: Making): void {
    if (this.#making.get(image) === making) this.#making.delete(image)
  }

  async #make({ runtimeImage, facts, signal, onOutput }: Wanted) {
    const { image } = facts
    const { network, buildEnv, buildPackages, buildTimeoutSeconds } = this.#options
    const source = `${runtimeImage} ${buildPackages.join(' ')}`
    const there = await this.#images.labelsOf(image)
    if (there?.[sourceLabel] === source) return image
    const labels = await this.#images.labelsOf(runtimeImage)
    onOutput(`Making the builder of ${runtimeImage}, once.\n`)
    // Other build variables are left out: the image's history would expose them.
    const proxies = Object.entries(buildEnv).filter(([name]) => /_proxy$/i.test(name))
    const args = { ...Object.fromEntries(proxies), BASE: runtimeImage, DEBIAN_PACKAGES: buildPackages.join(' ') }
    const output: string[] = []
    await this.#images
      .build(
        { image, args, labels: { [sourceLabel]: source }, network: network === 'egress' ? 'default' : network },
        contextOf(facts, labels?.[baseLabel] === 'local' ? await this.#hostPrograms(facts) : []),
        (text) => void output.push(text),
        AbortSignal.any([signal, AbortSignal.timeout(buildTimeoutSeconds * 1000)]),
      )
      .catch((cause: unknown) => {
        onOutput(output.join(''))
        const text = output.join('').trimEnd().split('\n').slice(-lastLines).join('\n')
        throw new FaasError('build_failed', `the image for builds could not be made.\n${text}`, { cause })
      })
    return image
  }

  /** A base built on this machine has no package manager: this machine's own is copied. */
  async #hostPrograms({ hostProgram }: BuilderFacts): Promise<[name: string, file: string][]> {
    const folder = hostProgram === null ? null : await this.#folderOf(hostProgram)
    if (folder === null) return []
    const files = filesBelow(folder).filter((path) => !path.includes('__pycache__'))
    return files.map((path) => [`${hostProgram}/${path}`, join(folder, path)])
  }

  async #folderOf(program: 'npm' | 'pip'): Promise<string | null> {
    const found = (name: string) => this.#options.searchPath.map((path) => join(path, name)).find(existsSync)
    if (program === 'pip') {
      const python = found('python3')
      // An older one does not run in Python 3.12 and later, whose pkgutil has lost what it uses.
      const ask =
        'import pip; print(pip.__path__[0] if [int(n) for n in pip.__version__.split(".")[:2]] >= [23, 2] else "")'
      return python === undefined
        ? null
        : run(python, ['-c', ask]).then(
            ({ stdout }) => stdout.trim() || null,
            () => null,
          )
    }
    const npm = found('npm')
    if (npm === undefined) {
      throw new FaasError(
        'build_failed',
        'the image for builds takes npm from this machine, which has none: install npm, or load runtime images that are made on the official ones.',
      )
    }
    // The path is bin/npm-cli.js of npm's package.
    return dirname(dirname(realpathSync(npm)))
  }
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()

function contextOf({ folder }: BuilderFacts, more: [name: string, file: string][]): Readable {
  const tar = pack()
  const own = filesBelow(folder).map((name): [string, string] => [name, join(folder, name)])
  for (const [name, file] of [...own, ...more]) {
    const mode = (statSync(file).mode & 0o111) === 0 ? 0o644 : 0o755
    tar.entry({ name, mode, mtime: new Date(0), uid: 0, gid: 0 }, readFileSync(file))
  }
  tar.finalize()
  return Readable.from(tar)
}
