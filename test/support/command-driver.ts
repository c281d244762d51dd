import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface Printed {
  code: number
  stdout: string
  stderr: string
}

interface Command {
  args: string[]
  env: Record<string, string>
  cwd: string
}

/** A command line in Python that is loaded once: each command forks from it (`command_driver.py`), one after the other. */
export class CommandDriver implements AsyncDisposable {
  /** Those that a plugin brings. */
  readonly commands: string[]
  #child: ChildProcess
  #answers: AsyncIterator<string>
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(child: ChildProcess, answers: AsyncIterator<string>, commands: string[]) {
    this.#child = child
    this.#answers = answers
    this.commands = commands
  }

  static async start(python: string, program: 'openstack' | 'aws', env: NodeJS.ProcessEnv): Promise<CommandDriver> {
    const driver = join(import.meta.dirname, 'command_driver.py')
    const child = spawn(python, [driver, program], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const { commands } = await nextOf<{ commands: string[] }>(answers)
    return new CommandDriver(child, answers, commands)
  }

  run(command: Command): Promise<Printed> {
    const answer = this.#turn.then(() => {
      this.#child.stdin?.write(`${JSON.stringify(command)}\n`)
      return nextOf<Printed>(this.#answers)
    })
    this.#turn = answer.catch(() => {})
    return answer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve))
    this.#child.stdin?.end()
    await ended
  }
}

async function nextOf<T>(answers: AsyncIterator<string>): Promise<T> {
  const { done, value } = await answers.next()
  if (done) throw new Error('The command line ended; what it printed is above.')
  return JSON.parse(value) as T
}
