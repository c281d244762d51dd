import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { waitUntil } from './wait-until.ts'

/** A terminal of a server of tmux's own: nobody else's sessions are touched. */
export class Terminal implements Disposable {
  #socket: string
  #env: NodeJS.ProcessEnv

  /** `folder`: where its socket lies, on a short path. */
  constructor(folder: string, cwd: string, env: NodeJS.ProcessEnv) {
    this.#socket = join(folder, 'tmux.sock')
    this.#env = env
    this.#tmux(
      '-f',
      '/dev/null',
      'new-session',
      '-d',
      '-s',
      'person',
      '-x',
      '110',
      '-y',
      '40',
      '-c',
      cwd,
      'bash --norc --noprofile',
    )
  }

  type(text: string, ...keys: string[]): void {
    if (text !== '') this.#tmux('send-keys', '-t', 'person', '-l', text)
    this.#tmux('send-keys', '-t', 'person', ...(keys.length > 0 ? keys : ['Enter']))
  }

  get screen(): string {
    return this.#tmux('capture-pane', '-t', 'person', '-p', '-S', '-200')
  }

  /** What is on the screen when it has this. */
  async sees(what: RegExp): Promise<string> {
    await waitUntil(`the terminal shows ${what}`, () => what.test(this.screen)).catch((error: Error) => {
      throw new Error(`${error.message} It shows:
${this.screen.trimEnd()}`)
    })
    return this.screen
  }

  [Symbol.dispose](): void {
    this.#tmux('kill-server')
  }

  #tmux(...args: string[]): string {
    return spawnSync('tmux', ['-S', this.#socket, ...args], { env: this.#env, encoding: 'utf8' }).stdout
  }
}
