import { spawn } from 'node:child_process'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { FaasError } from '../../../domain/errors.ts'
import { manifestOf, type RuntimeManifest } from '../../../domain/functions/runtime.ts'
import type { EngineReport } from '../../../domain/platform/engine-report.ts'
import { warning } from '../../../domain/platform/finding.ts'
import type { ApiOpener, CommandResult, OnOutput, SandboxEngine, SandboxSpec } from '../sandbox.ts'
import { killGroup, ProcessSandbox } from './process-sandbox.ts'

export interface ProcessEngineOptions {
  manifests: RuntimeManifest[]
  /** Parent of the workers' folders, which is searched for leftovers. */
  workersDir: string
  openFilesLimit: number
  /** Command that starts a Node.js program: its flags and file are appended. */
  nodeCommand: string[]
}

const isolatesNothing = 'Functions run as plain processes of this user, WITHOUT ISOLATION.'

/**
 * Runs sandboxes as child processes, for development on a machine without containers: same shims, same frames, no isolation.
 * Memory is watched and open files are limited; processors, network and files are not.
 */
export class ProcessEngine implements SandboxEngine {
  readonly isUp = true
  readonly isolatesFiles = false
  readonly images = null
  readonly builder = null
  #options: ProcessEngineOptions
  #sandboxes = new Set<ProcessSandbox>()

  constructor(options: ProcessEngineOptions) {
    this.#options = options
  }

  inside(folder: string): string {
    return folder
  }

  /** On disk while the worker lives: this engine does not isolate. */
  secretsFolder(folder: string): string {
    return join(folder, 'secrets')
  }

  async start(spec: SandboxSpec): Promise<ProcessSandbox> {
    const manifest = this.#manifestOf(spec.image)
    const { folder } = spec
    // A function's own image cannot run here, even one made from a runtime.
    if (folder === null) throw noImages()
    const [program, ...args] = commandLine(manifest, this.#options)
    const env = { PATH: process.env.PATH, HOME: folder, TMPDIR: folder, LANG: 'C.UTF-8', ...spec.env }
    const child = spawn(program as string, args, { cwd: folder, env, detached: true, stdio: 'ignore' })
    const started = await new Promise<boolean>((resolve) => {
      child.once('spawn', () => resolve(true)).once('error', () => resolve(false))
    })
    if (!started) throw new FaasError('engine_failed', `${manifest.command[0]} could not be started: is it installed?`)
    // Registered before any await: a child may end at once.
    const sandbox = new ProcessSandbox(child, spec)
    this.#sandboxes.add(sandbox)
    void sandbox.exited.then(() => this.#sandboxes.delete(sandbox))
    await writeFile(join(folder, 'pid.new'), String(child.pid))
    await rename(join(folder, 'pid.new'), join(folder, 'pid'))
    return sandbox
  }

  async openApi(opener: ApiOpener): Promise<string> {
    return `http://127.0.0.1:${await opener.listen('127.0.0.1', '127.0.0.0/8')}`
  }

  async runToEnd(_spec: SandboxSpec, _onOutput: OnOutput): Promise<CommandResult> {
    throw noImages()
  }

  async prepareImage(image: string): Promise<void> {
    this.#manifestOf(image)
  }

  async report(): Promise<EngineReport> {
    const nothing = { apiVersion: null, cgroupVersion: null, isRootless: process.getuid?.() !== 0, storage: null }
    const findings = [warning('engine', isolatesNothing, 'Use a container engine where others call functions.')]
    return { name: 'processes', version: process.version, ...nothing, ociRuntimes: [], proxies: [], findings }
  }

  /** Finds workers that did not notice the server's end because their function blocks the event loop. */
  async removeLeftovers(): Promise<number> {
    const names = await readdir(this.#options.workersDir).catch(() => [])
    const removed = await Promise.all(names.map((name) => this.#removeLeftover(join(this.#options.workersDir, name))))
    return removed.filter((was) => was).length
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sandboxes].map((sandbox) => sandbox.kill()))
  }

  #manifestOf(image: string): RuntimeManifest {
    const manifest = manifestOf(this.#options.manifests, image)
    if (manifest === undefined) throw noImages()
    return manifest
  }

  /** Kills only processes that are shims of ours: the pid may have been reused. */
  async #removeLeftover(folder: string): Promise<boolean> {
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => ''))
    if (!Number.isInteger(pid) || pid <= 1) return false
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const isShim = this.#options.manifests.some(({ shimPath }) => command.includes(shimPath))
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (!isShim || !environment.includes(basename(folder))) return false
    killGroup(pid)
    return true
  }
}

const noImages = (): FaasError =>
  new FaasError('not_supported', 'This server runs functions as plain processes: images need the docker engine.')

/**
 * Starts the shim through a shell that sets the limits and execs it. Node.js is the server's own. The shell writes its process id
 * down where the server has not yet: a server that is killed at this moment leaves no process that the next one cannot find.
 */
function commandLine(
  manifest: RuntimeManifest,
  { openFilesLimit, nodeCommand }: Pick<ProcessEngineOptions, 'openFilesLimit' | 'nodeCommand'>,
): string[] {
  const [interpreter = '', ...rest] = manifest.command
  const program = interpreter === 'node' ? nodeCommand : [interpreter]
  const flags = rest.slice(0, -1)
  const script = `set -C; echo $$ >pid; ulimit -c 0; ulimit -n ${openFilesLimit}; exec "$@"`
  return ['/bin/sh', '-c', script, 'sh', ...program, ...flags, manifest.shimPath]
}
