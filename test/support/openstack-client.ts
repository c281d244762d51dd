import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { CommandDriver, type Printed } from './command-driver.ts'

/** The real `openstack` command with the Qinling plugin, as Debian packages it. */

const python = '/usr/bin/python3'

/** Why the client cannot be used here; null when it can. */
export function clientProblem(): string | null {
  const found = spawnSync(python, ['-c', 'import openstackclient, qinlingclient'])
  return found.status === 0 ? null : 'python3-openstackclient and python3-qinlingclient are not installed'
}

/** Many commands, one after the other, in one loaded client. */
export class OpenStackClient implements AsyncDisposable {
  /** Commands of the Qinling plugin. */
  readonly commands: string[]
  /** Those that were given so far, without their arguments. */
  readonly given = new Set<string>()
  /** Where commands run and leave files. */
  readonly folder: string
  /** How they find and greet the service: `OS_…`. */
  env: Record<string, string> = {}
  #driver: CommandDriver

  private constructor(driver: CommandDriver, folder: string) {
    this.#driver = driver
    this.commands = driver.commands
    this.folder = folder
  }

  static async start(): Promise<OpenStackClient> {
    const folder = mkdtempSync(join(tmpdir(), 'taibai-client-'))
    // The plugin makes its ZIPs under fixed names there.
    const env = { ...process.env, TMPDIR: folder, PYTHONDONTWRITEBYTECODE: '1' }
    return new OpenStackClient(await CommandDriver.start(python, 'openstack', env), folder)
  }

  /** Whatever comes of it. `args`: the command's words first. */
  run(...args: string[]): Promise<Printed> {
    const words = args.join(' ')
    const command = this.commands.filter((name) => `${words} `.startsWith(`${name} `)).sort(byLength)[0]
    if (command !== undefined) this.given.add(command)
    return this.#driver.run({ args, env: this.env, cwd: this.folder })
  }

  /** What a command prints that succeeds and says nothing on the side. */
  async says(...args: string[]): Promise<string> {
    const printed = await this.run(...args)
    expect(printed, args.join(' ')).toMatchObject({ code: 0, stderr: '' })
    return printed.stdout
  }

  /** The same, asked for as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: rows and lists of every shape
  async json(...args: string[]): Promise<any> {
    return JSON.parse(await this.says(...args, '-f', 'json'))
  }

  /** What a command says that fails as commands do: exit code 1, nothing but a sentence. */
  async refused(...args: string[]): Promise<string> {
    const printed = await this.run(...args)
    expect(printed, args.join(' ')).toMatchObject({ code: 1, stdout: '' })
    return printed.stderr.trim()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#driver[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** The longest first. */
const byLength = (a: string, b: string): number => b.length - a.length
