import { version } from '../assets.ts'
import { ApiError, UnreachableError } from '../client/problems.ts'
import type { HealthRow } from '../client/resources/health.ts'
import { type Finding, type FindingState, ok, problem, warning, worstOf } from '../domain/platform/finding.ts'
import { readSettings, serverUrl } from '../host/address.ts'
import { makeEngineClient } from '../host/engine-client.ts'
import { clockFinding, engineHere, imagesHere, networkFindings, portFinding } from '../host/machine-findings.ts'
import { type Cli, type CommandSpec, exitCode } from './command.ts'

export const commands: CommandSpec[] = [
  {
    name: 'doctor',
    summary: 'check the installation: report problems and how to solve them',
    examples: ['taibai doctor', 'taibai doctor --json'],
    run: (cli) => doctor(cli),
  },
]

/** Runs all checks: a failing one must not stop the others. */
async function doctor(cli: Cli): Promise<number> {
  const askedAt = cli.now()
  const server = await askServer(cli)
  const health = server.health
  const settings = readSettings(cli.localVariables)
  const isHere = cli.client().url === serverUrl(settings)
  const findings = [
    ...server.findings,
    ...(health?.findings ?? []).filter(({ area }) => !isHere || !readHere.has(area)),
    ...(isHere ? await findHere(cli, server) : []),
    await clockFinding(health === null ? null : Date.parse(health.now), askedAt),
  ]
  const state = worstOf(findings)
  cli.out.value({ state, findings }, () => show(cli, findings, state))
  return state === 'problem' ? exitCode('failed') : 0
}

/** Areas that are checked here in more detail than by the server. */
const readHere = new Set(['disk', 'permissions', 'databases'])

interface Asked {
  /** Null: not available. */
  health: HealthRow | null
  isAway: boolean
  findings: Finding[]
}

async function askServer(cli: Cli): Promise<Asked> {
  const { url } = cli.client()
  try {
    const health = await cli.client().health()
    const isOther = health.version !== version
    const says = `Taibai ${health.version} answers at ${url}.`
    const own = isOther
      ? warning(
          'server',
          `${says} This program is ${version}.`,
          'Bring both to the same release; "taibai up" restarts the server of this machine.',
        )
      : ok('server', says)
    return { health, isAway: false, findings: [own] }
  } catch (error) {
    return { health: null, isAway: error instanceof UnreachableError, findings: [await unanswered(cli, error)] }
  }
}

async function unanswered(cli: Cli, error: unknown): Promise<Finding> {
  const { url } = cli.client()
  if (error instanceof UnreachableError) {
    return problem(
      'server',
      error.message,
      'Start it with "taibai up", or name another with --url or "taibai context use".',
    )
  }
  if (!(error instanceof ApiError)) throw error
  switch (error.status) {
    case 401:
      return problem(
        'server',
        `The server at ${url} does not accept the token.`,
        'Give it one of its own: TAIBAI_TOKEN, or "taibai context add". That of the machine is in <data>/admin.token.',
      )
    case 403:
      return warning(
        'server',
        `The server at ${url} answers; only admins see what it reports about itself.`,
        "Use an admin's token.",
      )
    case 404:
      return (await cli.client().knowsUs())
        ? warning(
            'server',
            `The server at ${url} is older than this program (${version}): it does not report its health.`,
            'Upgrade it.',
          )
        : problem(
            'server',
            `What answers at ${url} is not a Taibai server.`,
            'Correct --url, TAIBAI_URL, TAIBAI_PORT or the context.',
          )
    default:
      return problem('server', `The server at ${url} answers with an error: ${error.message}`, 'See its log.')
  }
}

/** A failed check is itself a finding. */
const failed = (area: string) => (error: Error) => [problem(area, error.message, 'Run this as the user of the server.')]

/** Checks of this machine. A server that answers has already checked its own engine. */
async function findHere(cli: Cli, { health, isAway }: Asked): Promise<Finding[]> {
  const settings = readSettings(cli.localVariables)
  const hasContainers = health === null ? settings.engine !== 'process' : health.engine?.name !== 'processes'
  const engine = hasContainers ? makeEngineClient(settings.dockerHost) : null
  const report = await engine?.report().catch(() => null)
  const findings = [
    ...(engine !== null && health === null ? await engineHere(engine) : []),
    ...(engine !== null && report
      ? await imagesHere(engine, settings.runtimesDir, settings.runtimes).catch(failed('images'))
      : []),
    ...(await cli.local.inspect(settings.dataDir).catch(failed('disk'))),
    ...(isAway ? [await portFinding(settings)] : []),
    ...networkFindings(report?.proxies ?? null),
  ]
  engine?.close()
  return findings
}

const signs: Record<FindingState, string> = { ok: '✓', warning: '!', problem: '✗' }
const colours = { ok: 'green', warning: 'yellow', problem: 'red' } as const
const endings: Record<FindingState, string> = {
  ok: 'Everything is well.',
  warning: 'It works; what is marked with ! is worth a look.',
  problem: 'What is marked with ✗ has to be fixed.',
}

function show({ out }: Cli, findings: Finding[], state: FindingState): void {
  const width = Math.max(...findings.map(({ area }) => area.length))
  for (const { area, state: of, says, remedy } of findings) {
    out.line(`${out.style(colours[of], signs[of])} ${area.padEnd(width)}  ${says}`)
    if (remedy !== null && of !== 'ok') out.line(`  ${' '.repeat(width)}  ${out.style('dim', `→ ${remedy}`)}`)
  }
  out.line(`\n${out.style(colours[state], endings[state])}`)
}
