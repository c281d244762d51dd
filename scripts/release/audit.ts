import { runCommand } from '../../src/host/command.ts'

/** Known vulnerabilities in what Taibai is made of, as the npm registry lists them. */

/** `unasked`: nothing is known, which is not the same as nothing to report. */
export interface Audit {
  kind: 'clean' | 'vulnerable' | 'unasked'
  /** For people; one line per vulnerable package. */
  text: string
}

const limitMs = 60_000

export async function audit(cwd: string): Promise<Audit> {
  const args = ['audit', '--omit=dev', '--json', '--fetch-retries=1']
  const { stdout, output } = await runCommand('npm', args, { cwd, timeoutMs: limitMs })
  return auditIn(stdout, output)
}

interface Answer {
  /** Why the registry was not asked, or gave no answer. */
  message?: string
  vulnerabilities?: Record<
    string,
    { severity: string; range: string; via: (string | { title?: string; url?: string })[] }
  >
  metadata?: { dependencies?: { prod?: number } }
}

/** From what `npm audit --json` printed. Pure. */
export function auditIn(stdout: string, output = ''): Audit {
  const answer = parsed(stdout)
  const { vulnerabilities } = answer ?? {}
  if (vulnerabilities === undefined) {
    const why = answer?.message ?? (output.trim().split('\n').at(-1) || 'npm said nothing')
    const text = `Whether there are known vulnerabilities could NOT be asked: ${why}. Ask another registry: npm audit --omit=dev --registry URL`
    return { kind: 'unasked', text }
  }
  const found = Object.entries(vulnerabilities)
  if (found.length > 0) return { kind: 'vulnerable', text: found.map(lineOf).join('\n') }
  const count = answer?.metadata?.dependencies?.prod
  return {
    kind: 'clean',
    text: `No known vulnerability in ${count === undefined ? 'the' : count} packages of production`,
  }
}

function lineOf([name, { severity, range, via }]: [string, NonNullable<Answer['vulnerabilities']>[string]]): string {
  const reasons = via.map((one) =>
    typeof one === 'string' ? `by ${one}` : [one.title, one.url].filter(Boolean).join(' '),
  )
  return `${severity}: ${name} ${range}: ${reasons.join('; ')}`
}

function parsed(text: string): Answer | undefined {
  try {
    return JSON.parse(text) as Answer
  } catch {
    return undefined
  }
}
