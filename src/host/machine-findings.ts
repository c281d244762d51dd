import { existsSync } from 'node:fs'
import { readHostEnvironment } from '../config.ts'
import { engineFindings } from '../domain/platform/engine-report.ts'
import { type Finding, ok, problem, warning } from '../domain/platform/finding.ts'
import { isPortTaken } from './address.ts'
import { runCommand } from './command.ts'
import { adviceOnEngine } from './engine.ts'
import type { EngineClient } from './engine-client.ts'
import { runsSystemd } from './host-facts.ts'
import { readRuntimeFolders } from './runtime-folder.ts'

/** Findings about this machine without a server: engine, images, port, clock, proxies and certificates. */

export async function engineHere(engine: EngineClient): Promise<Finding[]> {
  const advice = await adviceOnEngine(engine)
  if (advice === undefined) return engineFindings(await engine.report())
  const [says = '', ...ways] = advice.split('\n')
  return [problem('engine', says, ways.length === 0 ? 'Then run this again.' : ways.map((way) => way.trim()).join(' '))]
}

/** Whether the runtimes' images exist and match this program's files. */
export async function imagesHere(engine: EngineClient, runtimesDir: string, versions: string[]): Promise<Finding[]> {
  if (!existsSync(runtimesDir)) return []
  const findings: Finding[] = []
  for (const { name, image, repository } of readRuntimeFolders(runtimesDir, versions)) {
    if ((await engine.inspect(image)) !== undefined) findings.push(ok('images', `${image} is here.`))
    else {
      const isOld = (await engine.inspect(repository)) !== undefined
      const says = isOld
        ? `The image of ${name} belongs to another release: ${image} is missing.`
        : `${image} is missing.`
      findings.push(
        problem('images', says, 'Make it with "taibai up", or bring it in an archive: taibai images load FILE.'),
      )
    }
  }
  return findings
}

/** Where our server does not answer, the port must be free. */
export async function portFinding(address: { host: string; port: number }): Promise<Finding> {
  const { port } = address
  if (!(await isPortTaken(address))) return ok('port', `Port ${port} is free.`)
  return problem(
    'port',
    `Port ${port} is used by another program.`,
    'Stop that program, or choose another port with TAIBAI_PORT.',
  )
}

const mostSkewMs = 5000

/** `serverNow`: the server's clock when ours was `askedAt`; null: unknown. */
export async function clockFinding(serverNow: number | null, askedAt: number): Promise<Finding> {
  const skewMs = serverNow === null ? 0 : serverNow - askedAt
  const setIt = 'Let the clock be set from the network: systemctl enable --now systemd-timesyncd (or chrony).'
  if (Math.abs(skewMs) > mostSkewMs) {
    return warning(
      'clock',
      `The clocks of the server and of this machine differ by ${Math.round(skewMs / 1000)} s.`,
      setIt,
    )
  }
  if (!runsSystemd())
    return ok('clock', serverNow === null ? 'It was not compared with another clock.' : 'The clocks agree.')
  const { code, stdout } = await runCommand('timedatectl', ['show', '-p', 'NTPSynchronized', '--value'], {
    timeoutMs: 2000,
  })
  if (code === 0 && stdout.trim() === 'no') {
    return warning('clock', 'The clock is not set from the network: jobs may run at a wrong time.', setIt)
  }
  return ok('clock', 'It is set from the network.')
}

/** `engineProxies`: the engine's proxies for registries. */
export function networkFindings(engineProxies: string[] | null, env = readHostEnvironment()): Finding[] {
  const missing = env.certificateFiles.filter((file) => !existsSync(file))
  const names = Object.keys(env.proxies)
  return [
    missing.length === 0
      ? ok(
          'certificates',
          env.certificateFiles.length === 0
            ? "The system's are trusted."
            : `Also trusted: ${env.certificateFiles.join(', ')}.`,
        )
      : problem(
          'certificates',
          `There is no file ${missing.join(', ')}.`,
          'Correct SSL_CERT_FILE and NODE_EXTRA_CA_CERTS, or unset them.',
        ),
    names.length > 0 && engineProxies?.length === 0
      ? warning(
          'proxies',
          `Proxies are set for this user (${names.join(', ')}) and not for the engine: it may not reach registries.`,
          'Set them for the engine, too: "proxies" in /etc/docker/daemon.json.',
        )
      : ok('proxies', names.length === 0 ? 'None is set.' : `Set: ${names.join(', ')}.`),
  ]
}
