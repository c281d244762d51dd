import { existsSync, statSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import type { ExecutionRow } from '../../client/resources/executions.ts'
import { type Cli, type CommandSpec, numberOption, type Options, textOption, usageError } from '../command.ts'
import { type Debugging, debuggingOf, noDebugging } from './debugging.ts'
import { EndOfSession } from './end-of-session.ts'
import { FolderWatch } from './folder-watch.ts'
import { Keys } from './keys.ts'
import { type DevFunction, deployFunction, functionsAt, type Project, readProject, rootsOf } from './project.ts'
import { Screen } from './screen.ts'
import { type DevServer, openServer } from './server.ts'

export const commands: CommandSpec[] = [
  {
    name: 'dev',
    summary:
      'serve a folder while you edit it: saved changes apply to the next call; shows logs, calls and errors live',
    arguments: [['[folder]', 'with a taibai.yaml, or the package of one function; default: this folder']],
    options: [
      [
        '--engine <engine>',
        'start a server for this session; docker: containers; process: plain processes WITHOUT ISOLATION',
      ],
      ['--port <port>', 'port of that server; default: 7070, or the next free port'],
      ['--inspect [function]', 'let a debugger attach to the functions, or to this one; their calls have no timeout'],
    ],
    examples: ['taibai dev', 'taibai dev functions/report', 'taibai dev --inspect=report', 'taibai dev --json'],
    async run(cli, args, options) {
      const { path, inspect } = pathAndInspect(args[0] as string | undefined, options)
      if (!existsSync(path)) throw usageError(`There is no file or folder ${path}.`)
      const folder = resolve(statSync(path).isDirectory() ? path : dirname(path))
      const project = readProject(path)
      const debugging =
        inspect === null ? noDebugging : await debuggingOf(project, inspect, folder, (text) => cli.out.progress(text))
      using end = new EndOfSession(cli.interrupted)
      const server = await openServer(cli, folder, {
        engine: engineOf(options),
        port: numberOption(options, 'port', '--port'),
        debugs: inspect !== null,
      })
      await new DevSession(cli, { path, project, server, debugging, end }).run()
    },
  },
]

/** In `--inspect api` the word may be the folder: it counts as the option's value only when it names a function. */
function pathAndInspect(
  folder: string | undefined,
  { inspect }: Options,
): { path: string; inspect: string | true | null } {
  if (typeof inspect !== 'string') return { path: folder ?? '.', inspect: inspect === true ? true : null }
  if (folder === undefined && existsSync(inspect) && !readProject('.').functions.some(({ name }) => name === inspect))
    return { path: inspect, inspect: true }
  return { path: folder ?? '.', inspect }
}

function engineOf(options: Options): 'docker' | 'process' | undefined {
  const engine = textOption(options, 'engine')
  if (engine === undefined || engine === 'docker' || engine === 'process') return engine
  throw usageError(`--engine takes docker or process, and "${engine}" is neither.`)
}

interface Parts {
  path: string
  project: Project
  server: DevServer
  debugging: Debugging
  end: EndOfSession
}

/** Pause before reconnecting to the event stream. */
const againMs = 500

class DevSession {
  #cli: Cli
  #parts: Parts
  #project: Project
  #screen: Screen
  #watch: FolderWatch
  #keys: Keys | null = null
  /** Function names by the server's ids. */
  #names = new Map<string, string>()
  #runs = new Map<string, string>()
  /** Files saved since the last deployment. */
  #saved = new Set<string>()
  #isNoted = false
  /** Serialises deployments. */
  #turn: Promise<void> = Promise.resolve()
  #end: EndOfSession

  constructor(cli: Cli, parts: Parts) {
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
      const followed = this.#follow()
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

  // ------------------------------------------------------------------------------------------------ events

  /** Reconnects after a restart of the server. */
  async #follow(): Promise<void> {
    const { client } = this.#parts.server
    let isLost = false
    while (!this.#end.signal.aborted) {
      try {
        for await (const { event, data } of client.events({ log: true }, this.#end.signal)) {
          if (isLost) this.#screen.dim('The server is back.')
          isLost = false
          if (event === 'missed')
            this.#screen.dim(`${data.events} events were missed: they came faster than this terminal.`)
          if (event === 'execution') this.#noteRun(data)
          if (event === 'log') this.#noteLog(data.execution, data.text)
        }
      } catch {
        if (this.#end.signal.aborted) return
      }
      if (!isLost && !this.#end.signal.aborted) this.#screen.dim('The server is away: waiting for it.')
      isLost = true
      await this.#cli.sleep(againMs)
    }
  }

  #noteRun(row: ExecutionRow): void {
    const name = this.#names.get(row.function_id)
    if (name === undefined) return
    if (row.status === 'running') this.#runs.set(row.id, name)
    else {
      this.#runs.delete(row.id)
      this.#screen.call(name, row)
    }
  }

  #noteLog(execution: string, text: string): void {
    const name = this.#runs.get(execution)
    if (name !== undefined) this.#screen.log(name, execution, text)
  }

  // ------------------------------------------------------------------------------------------------ keys

  #press(key: string): void {
    if (key === 'q') this.#end.abort()
    else if (key === 'h' || key === '?') this.#showKeys()
    else if (key === 'u') this.#showHead()
    else if (key === 'c') this.#screen.clear()
    else if (key === 'r') void this.#inTurn(() => this.#again())
    else if (key === 'j') this.#chooseJob()
  }

  /** Deploys the current files again, in new workers. */
  async #again(): Promise<void> {
    if (!this.#readAgain()) return
    await this.#serveAll([])
    for (const id of this.#names.keys()) await this.#parts.server.client.functions.detach(id).catch(() => {})
  }

  #chooseJob(): void {
    const jobs = jobsOf(this.#project)
    if (jobs.length === 0) return this.#screen.dim('taibai.yaml says no jobs.')
    if (jobs.length === 1) return void this.#runJob(jobs[0] as DevJob)
    this.#screen.line('Which job? Its key, or any other for none.')
    for (const [at, { fn, name, when }] of jobs.entries()) this.#screen.line(`  ${jobKeys[at]}  ${fn}/${name}  ${when}`)
    this.#keys?.ask((key) => {
      const job = jobs[jobKeys.indexOf(key)]
      if (job !== undefined) void this.#runJob(job)
    })
  }

  async #runJob({ fn, name, input }: DevJob): Promise<void> {
    this.#screen.dim(`Running job ${fn}/${name}.`)
    const given = input === undefined ? {} : { input: typeof input === 'string' ? input : JSON.stringify(input) }
    await this.#parts.server.client.executions
      .create({ function_id: fn, sync: false, description: `job ${name}`, ...given })
      .catch((error: Error) => this.#screen.refused(fn, error.message, true))
  }

  // ------------------------------------------------------------------------------------------------ output

  #showHead(): void {
    const { server, debugging } = this.#parts
    const { out } = this.#cli
    const { url } = server.client
    const names = this.#project.functions.map(({ name }) => name)
    const jobs = jobsOf(this.#project)
    this.#screen.event('server', {
      url,
      own: server.isOwn,
      engine: server.engine ?? null,
      functions: names,
      debuggers: debugging.addresses,
    })
    if (out.json) return
    out.line(out.style('bold', 'taibai dev'))
    out.fields([
      ['server', `${url} (${server.about})`],
      ...(server.dataDir === undefined
        ? []
        : [['token', `$(cat ${relative(process.cwd(), server.dataDir)}/admin.token)`] as Field]),
      ...names.map((name): Field => [name, `${url}/fn/${name}`]),
      ...jobs.map(({ fn, name, when }): Field => ['job', `${fn}/${name}  ${when}  (only when you run it: j)`]),
      ...debugging.addresses.map(({ name, address }): Field => ['debugger', `${name}  ${address}`]),
    ])
    if (this.#cli.isInteractive) this.#showKeys()
    out.line()
  }

  #showKeys(): void {
    this.#screen.dim('keys: r serve all again · j run a job · u addresses · c clear · h keys · q quit')
  }
}

type Field = [name: string, value: string]

const jobKeys = '123456789abdefgiklmnopstvwxyz'

interface DevJob {
  fn: string
  name: string
  when: string
  input: unknown
}

const jobsOf = ({ functions }: Project): DevJob[] =>
  functions.flatMap(({ name: fn, said: { jobs = {} } }) =>
    Object.entries(jobs).map(([name, { pattern, at, input }]) => ({ fn, name, when: pattern ?? `at ${at}`, input })),
  )
