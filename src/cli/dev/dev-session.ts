import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import type { Cli } from '../command.ts'
import type { Debugging } from './debugging.ts'
import { runOneOf } from './dev-jobs.ts'
import { FolderWatch } from './folder-watch.ts'
import { Keys } from './keys.ts'
import { type DevFunction, deployFunction, functionsAt, type Project, readProject, rootsOf } from './project.ts'
import { RunWatch } from './run-watch.ts'
import { Screen } from './screen.ts'
import type { DevServer } from './server.ts'
import type { SessionEnd } from './session-end.ts'
import { showHead, showKeys } from './session-head.ts'

export interface DevSessionParts {
  path: string
  project: Project
  server: DevServer
  debugging: Debugging
  end: SessionEnd
}

/** Serves the folder until it is ended: what is saved is deployed, what runs is shown. */
export class DevSession {
  #cli: Cli
  #parts: DevSessionParts
  #project: Project
  #screen: Screen
  #watch: FolderWatch
  #keys: Keys | null = null
  /** Function names by the server's ids. */
  #names = new Map<string, string>()
  /** Files saved since the last deployment. */
  #saved = new Set<string>()
  #isNoted = false
  /** Serialises deployments. */
  #turn: Promise<void> = Promise.resolve()
  #end: SessionEnd

  constructor(cli: Cli, parts: DevSessionParts) {
    this.#cli = cli
    this.#parts = parts
    this.#end = parts.end
    this.#project = parts.project
    this.#screen = new Screen(cli.out, () => cli.now(), process.cwd())
    this.#watch = new FolderWatch(
      (paths) => this.#note(paths),
      (error) => this.#screen.refused(null, error.message, true),
    )
  }

  /** Runs until `q`, Ctrl-C or a signal. */
  async run(): Promise<void> {
    try {
      this.#watch.follow(rootsOf(this.#project))
      this.#screen.functions(this.#project.functions)
      this.#showHead()
      const followed = this.#runs().follow()
      if (this.#cli.isInteractive) this.#keys = new Keys(this.#cli.inputStream(), (key) => this.#press(key))
      await this.#inTurn(() => this.#serveAll([]))
      this.#screen.event('ready', { url: this.#parts.server.client.url })
      await this.#end.came
      await followed
    } finally {
      this.#end.abort()
      this.#keys?.close()
      this.#watch.close()
      await this.#parts.server.close()
      this.#screen.event('ended', {})
    }
  }

  // ------------------------------------------------------------------------------------------------ saved files

  /** Files saved during a deployment are deployed together afterwards. */
  #note(paths: string[]): void {
    for (const path of paths) this.#saved.add(path)
    if (this.#isNoted) return
    this.#isNoted = true
    void this.#inTurn(() => this.#serveSaved())
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(() => (this.#end.signal.aborted ? undefined : work()))
    return this.#turn
  }

  async #serveSaved(): Promise<void> {
    const paths = [...this.#saved]
    this.#saved.clear()
    this.#isNoted = false
    if (this.#project.file === undefined || !paths.includes(this.#project.file))
      return this.#serveThese(functionsAt(paths, this.#project.functions), paths)
    if (this.#readAgain()) await this.#serveAll([this.#project.file])
  }

  /** False when the file is invalid, which is shown: the previous content stays in force. */
  #readAgain(): boolean {
    try {
      this.#project = readProject(this.#parts.path)
      this.#watch.follow(rootsOf(this.#project))
    } catch (error) {
      this.#screen.refused(null, (error as Error).message, true)
      return false
    }
    this.#screen.functions(this.#project.functions)
    return true
  }

  #serveAll(paths: string[]): Promise<void> {
    return this.#serveThese(this.#project.functions, paths)
  }

  async #serveThese(functions: DevFunction[], paths: string[]): Promise<void> {
    for (const fn of functions) if (!this.#end.signal.aborted) await this.#serve(fn, paths)
  }

  async #serve(fn: DevFunction, paths: string[]): Promise<void> {
    const { client, isOwn } = this.#parts.server
    const from = this.#cli.now()
    const onOutput = (text: string) => this.#screen.log(fn.name, '', text)
    const { override, isDebugged } = this.#parts.debugging
    // With a debugger, the worker itself reports code that does not load.
    const how = isDebugged(fn) ? { onOutput } : { check: 'load' as const, onOutput }
    try {
      const isNew = await deployFunction(fn, { client, isOwn, how, override })
      if (!this.#hasName(fn.name)) this.#names.set((await client.functions.get(fn.name)).id, fn.name)
      if (isNew || paths.length === 0) this.#screen.served(fn.name, this.#shown(paths, fn), this.#cli.now() - from)
    } catch (error) {
      if (!this.#end.signal.aborted) this.#screen.refused(fn.name, (error as Error).message, this.#hasName(fn.name))
    }
  }

  #hasName(name: string): boolean {
    return [...this.#names.values()].includes(name)
  }

  #shown(paths: string[], { code }: DevFunction): string[] {
    const own = paths.filter((path) => code === null || path.startsWith(code) || path === this.#project.file)
    // Temporary files of editors are gone by now.
    const there = own.filter((path) => existsSync(path))
    return (there.length === 0 ? own : there).map((path) => relative(process.cwd(), path))
  }

  // ------------------------------------------------------------------------------------------------ keys

  #press(key: string): void {
    if (key === 'q') this.#end.abort()
    else if (key === 'h' || key === '?') showKeys(this.#screen)
    else if (key === 'u') this.#showHead()
    else if (key === 'c') this.#screen.clear()
    else if (key === 'r') void this.#inTurn(() => this.#again())
    else if (key === 'j') this.#runJob()
  }

  /** Deploys the current files again, in new workers. */
  async #again(): Promise<void> {
    if (!this.#readAgain()) return
    await this.#serveAll([])
    for (const id of this.#names.keys()) await this.#parts.server.client.functions.detach(id).catch(() => {})
  }

  #runJob(): void {
    runOneOf(this.#project, { screen: this.#screen, keys: this.#keys, client: this.#parts.server.client })
  }

  #runs(): RunWatch {
    return new RunWatch({
      client: this.#parts.server.client,
      screen: this.#screen,
      signal: this.#end.signal,
      nameOf: (functionId) => this.#names.get(functionId),
      sleep: (ms) => this.#cli.sleep(ms),
    })
  }

  #showHead(): void {
    showHead(this.#cli, this.#screen, this.#project, this.#parts)
  }
}
