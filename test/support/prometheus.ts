import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '../../src/host/command.ts'
import { projectFolder } from './server-process.ts'
import { waitUntil } from './wait-until.ts'

/** Debian's Prometheus, unpacked beside the tests: installed, it would start a service. */

const folder = join(projectFolder, 'node_modules/.cache/prometheus')
const programs = join(folder, 'unpacked/usr/bin')

/** False where there is no Debian package of it. */
export async function getPrometheus(): Promise<boolean> {
  if (existsSync(join(programs, 'prometheus'))) return true
  mkdirSync(folder, { recursive: true })
  await runCommand('apt-get', ['-q', 'download', 'prometheus'], { cwd: folder })
  const archive = readdirSync(folder).find((name) => name.endsWith('.deb'))
  if (archive === undefined) return false
  return (await runCommand('dpkg-deb', ['-x', archive, 'unpacked'], { cwd: folder })).code === 0
}

/** The messages of its checker about a rules file; empty: no problem. */
export async function problemsOfRules(file: string): Promise<string> {
  const { code, output } = await runCommand(join(programs, 'promtool'), ['check', 'rules', file])
  return code === 0 ? '' : output
}

export interface Prometheus extends AsyncDisposable {
  /** Values of an expression, by their labels. */
  query(expression: string): Promise<{ metric: Record<string, string>; value: number }[]>
}

/** One that asks the server at `address` every second, with its token. */
export async function startPrometheus(address: string, token: string): Promise<Prometheus> {
  const data = mkdtempSync(join(tmpdir(), 'taibai-prometheus-'))
  writeFileSync(join(data, 'token'), token)
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: [
      {
        job_name: 'taibai',
        authorization: { credentials_file: join(data, 'token') },
        static_configs: [{ targets: [address] }],
      },
    ],
  }
  writeFileSync(join(data, 'prometheus.yml'), JSON.stringify(config))
  const files = [`--config.file=${join(data, 'prometheus.yml')}`, `--storage.tsdb.path=${join(data, 'tsdb')}`]
  const child = spawn(join(programs, 'prometheus'), [...files, '--web.listen-address=127.0.0.1:0'])
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const listening = () => /msg="Listening on" address=(\S+)/.exec(said)?.[1]
  const url = `http://${await waitUntil('Prometheus listens', listening)}`
  await waitUntil('Prometheus is ready', () =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
  return {
    query: async (expression) => {
      const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`)
      const { data: found } = (await answer.json()) as {
        data: { result: { metric: Record<string, string>; value: [number, string] }[] }
      }
      return found.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }))
    },
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
      rmSync(data, { recursive: true, force: true })
    },
  }
}
