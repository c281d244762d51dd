import { existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type CommandSpec, numberOption, type Options, textOption, usageError } from '../command.ts'
import { debuggingOf, noDebugging } from './debugging.ts'
import { DevSession } from './dev-session.ts'
import { readProject } from './project.ts'
import { openServer } from './server.ts'
import { SessionEnd } from './session-end.ts'

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
      using end = new SessionEnd(cli.interrupted)
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
  throw usageError(`--engine takes docker or process, not "${engine}".`)
}
