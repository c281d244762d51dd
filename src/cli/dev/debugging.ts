import { existsSync, globSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { FunctionFields } from '../../client/resources/functions.ts'
import { runCommand } from '../../host/command.ts'
import { CliError, usageError } from '../command.ts'
import type { DevFunction, Project } from './project.ts'
import { debuggedSeconds } from './server.ts'
import { makeSessionFolder } from './session.ts'

/** A debugging session: functions whose only worker listens for a debugger and runs the edited files themselves. */

export interface Debugging {
  /** Addresses for debuggers, by function name. */
  addresses: { name: string; address: string }[]
  isDebugged(fn: DevFunction): boolean
  /** Fields that replace the function's own. */
  override(fn: DevFunction): FunctionFields
}

export const noDebugging: Debugging = { addresses: [], isDebugged: () => false, override: () => ({}) }

/** The debuggers' default ports; further functions use the next ones. */
const firstPort = { node: 9229, python: 5678 }
const mib = 1024 * 1024
/** Minimum memory: a debugger runs inside the worker. */
const leastMb = 512

interface Debugged {
  language: 'node' | 'python'
  port: number
  folder: string
}

/** `inspect`: a function's name, or all. Throws CliError. */
export async function debuggingOf(
  project: Project,
  inspect: string | true,
  folder: string,
  say: (text: string) => void,
): Promise<Debugging> {
  const debugged = debuggedFunctions(project, inspect)
  const needsPython = [...debugged.values()].some(({ language }) => language === 'python')
  const packages = needsPython ? await debugpyFolder(folder, say) : ''
  return {
    addresses: [...debugged].map(([name, { language, port }]) => ({ name, address: addressText(language, port) })),
    isDebugged: ({ name }) => debugged.has(name),
    override: ({ name, said }) => {
      const one = debugged.get(name)
      if (one === undefined) return {}
      const env = { ...said.env, _TAIBAI_INSPECT: String(one.port), _TAIBAI_INSPECT_CODE: one.folder }
      return {
        env: { ...env, ...(one.language === 'python' && { _TAIBAI_INSPECT_PACKAGES: packages }) },
        timeout: debuggedSeconds,
        memory_size: Math.max(said.memory_mb ?? 0, leastMb) * mib,
        // One worker, which must exist before the first call.
        min_workers: 1,
        max_workers: 1,
      }
    },
  }
}

const addressText = (language: Debugged['language'], port: number): string =>
  language === 'node'
    ? `127.0.0.1:${port}  (chrome://inspect, or attach in your editor)`
    : `127.0.0.1:${port}  (debugpy: attach in your editor)`

/** Ports are assigned in the order of the file, so that a function keeps its own. */
export function debuggedFunctions({ functions }: Project, inspect: string | true): Map<string, Debugged> {
  const next = { ...firstPort }
  const wanted = functions.filter(({ name, code }) => code !== null && (inspect === true || name === inspect))
  const debugged = wanted.flatMap((fn): [string, Debugged][] => {
    const language = languageOf(fn.wanted({}).runtime ?? '')
    if (language === null) return []
    const code = fn.code as string
    const folder = statSync(code).isDirectory() ? code : dirname(code)
    return [[fn.name, { language, port: next[language]++, folder }]]
  })
  if (debugged.length > 0) return new Map(debugged)
  const which = inspect === true ? 'function' : `function "${inspect}"`
  throw usageError(
    `There is no ${which} in Node.js or Python here to debug; the functions are: ${functions.map(({ name }) => name).join(', ')}.`,
  )
}

/** Null: no debugger supports the language. */
const languageOf = (runtime: string): Debugged['language'] | null =>
  runtime.includes('python') ? 'python' : runtime.includes('nodejs') ? 'node' : null

/** Folder of debugpy: in the project, in this machine's Python, or downloaded for the session. */
async function debugpyFolder(folder: string, say: (text: string) => void): Promise<string> {
  const inProject = globSync(['debugpy', '{.venv,venv}/lib/python3.*/site-packages/debugpy'], { cwd: folder })[0]
  if (inProject !== undefined) return dirname(join(folder, inProject))
  const where = 'import debugpy, os; print(os.path.dirname(os.path.dirname(debugpy.__file__)))'
  const installed = await runCommand('python3', ['-c', where])
  if (installed.code === 0) return installed.stdout.trim()
  const own = join(makeSessionFolder(folder), 'debugger')
  if (existsSync(join(own, 'debugpy'))) return own
  say('Fetching debugpy for this session (pip) …')
  const fetched = await runCommand('python3', ['-m', 'pip', 'install', '--quiet', '--target', own, 'debugpy'])
  if (fetched.code === 0) return own
  throw new CliError(
    `debugpy is not there, and pip could not fetch it: install it (pip install debugpy), or name another function.\n${fetched.output.trimEnd()}`,
  )
}
