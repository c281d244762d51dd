import type { Client } from '../../client/client.ts'
import type { Keys } from './keys.ts'
import type { Project } from './project.ts'
import type { Screen } from './screen.ts'

/** A job of taibai.yaml: during development it runs only when asked. */
export interface DevJob {
  fn: string
  name: string
  when: string
  input: unknown
}

export const jobsOf = ({ functions }: Project): DevJob[] =>
  functions.flatMap(({ name: fn, said: { jobs = {} } }) =>
    Object.entries(jobs).map(([name, { pattern, at, input }]) => ({ fn, name, when: pattern ?? `at ${at}`, input })),
  )

const jobKeys = '123456789abdefgiklmnopstvwxyz'

/** Runs a job of the project now; asks for one when there are several. */
export function runOneOf(
  project: Project,
  { screen, keys, client }: { screen: Screen; keys: Keys | null; client: Client },
) {
  const jobs = jobsOf(project)
  if (jobs.length === 0) return screen.dim('taibai.yaml has no jobs.')
  if (jobs.length === 1) return void runJob(jobs[0] as DevJob, screen, client)
  screen.line('Which job? Its key, or any other for none.')
  for (const [at, { fn, name, when }] of jobs.entries()) screen.line(`  ${jobKeys[at]}  ${fn}/${name}  ${when}`)
  keys?.ask((key) => {
    const job = jobs[jobKeys.indexOf(key)]
    if (job !== undefined) void runJob(job, screen, client)
  })
}

async function runJob({ fn, name, input }: DevJob, screen: Screen, client: Client): Promise<void> {
  screen.dim(`Running job ${fn}/${name}.`)
  const given = input === undefined ? {} : { input: typeof input === 'string' ? input : JSON.stringify(input) }
  await client.executions
    .create({ function_id: fn, sync: false, description: `job ${name}`, ...given })
    .catch((error: Error) => screen.refused(fn, error.message, true))
}
