import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { pack } from 'tar-stream'
import type { BuilderFacts, BuilderRun } from '../../../domain/build.ts'
import { FaasError } from '../../../domain/errors.ts'
import type { DockerClient } from './docker-client.ts'

export interface BuilderImageOptions {
  /** Of the commands that make the image. */
  network: string
  buildEnv: Record<string, string>
  buildTimeoutSeconds: number
  /** Debian packages that are added, such as a compiler. */
  buildPackages: string[]
  /** Folders in which programs of this machine are looked for. */
  searchPath: string[]
}

/** One image that is being made. */
interface Making {
  image: Promise<string>
  waiting: Set<Wanted>
  stop: AbortController
}

type Wanted = Pick<BuilderRun, 'runtimeImage' | 'facts' | 'signal' | 'onOutput'>

/** Says of the image which base its runtime was built on; `host/runtime-images.ts` writes it. */
const baseLabel = 'io.taibai.base'
const sourceLabel = 'io.taibai.source'
const run = promisify(execFile)
const lastLines = 20

/** The images that build: the one of the runtime, and package managers. Made when the first package wants one, kept by the engine. */
export class BuilderImages {
  #docker: DockerClient
  #options: BuilderImageOptions
  #making = new Map<string, Making>()

  constructor(docker: DockerClient, options: BuilderImageOptions) {
    this.#docker = docker
    this.#options = options
  }

  /** Its name. Several that want the same wait for it together, and it is given up when all of them have left. */
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

  /** Nothing happens to one that is made. Who comes now begins anew. */
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
    const there = await this.#docker.labelsOf(image)
    if (there?.[sourceLabel] === source) return image
    const labels = await this.#docker.labelsOf(runtimeImage)
    onOutput(`Making the builder of ${runtimeImage}, once.\n`)
    // No other variable of builds: the image would show it to whoever looks.
    const proxies = Object.entries(buildEnv).filter(([name]) => /_proxy$/i.test(name))
    const args = { ...Object.fromEntries(proxies), BASE: runtimeImage, DEBIAN_PACKAGES: buildPackages.join(' ') }
    const output: string[] = []
    await this.#docker
      .buildImage(
        { image, args, labels: { [sourceLabel]: source }, network: network === 'egress' ? 'default' : network },
        contextOf(facts, labels?.[baseLabel] === 'local' ? await this.#hostPrograms(facts) : []),
        (text) => void output.push(text),
        AbortSignal.any([signal, AbortSignal.timeout(buildTimeoutSeconds * 1000)]),
      )
      .catch((cause: unknown) => {
        onOutput(output.join(''))
        const text = output.join('').trimEnd().split('\n').slice(-lastLines).join('\n')
        throw new FaasError('build_failed', `the image that builds could not be made.\n${text}`, { cause })
      })
    return image
  }

  /** An image whose base was made on this machine has no package manager: the one of this machine serves. */
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
      const ask = 'import pip; print(pip.__path__[0])'
      return python === undefined
        ? null
        : run(python, ['-c', ask]).then(
            ({ stdout }) => stdout.trim(),
            () => null,
          )
    }
    const npm = found('npm')
    if (npm === undefined) {
      throw new FaasError(
        'build_failed',
        'the image that builds takes npm from this machine, where there is none: install it, or bring images of the official base.',
      )
    }
    // bin/npm-cli.js of its package.
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
