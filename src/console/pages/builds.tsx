import type { BuildRow } from '../../client/resources/builds.ts'
import { call, get } from '../api.ts'
import { useEvery, useLoad } from '../load.ts'
import { Action, Badge, Empty, ErrorMessage, Facts, Page } from '../parts/basics.tsx'
import { go, Link } from '../router.tsx'
import { mebibytes, time } from '../text.ts'
import { BuildLogText, BuildTable, tookText, useBuild } from './build-parts.tsx'

const rows = 100

/** Builds of packages, the newest first; of one function if given. */
export function BuildList({ functionId }: { functionId?: string }) {
  const of = functionId === undefined ? '' : `&function_id=${functionId}`
  const { data, problem, reload } = useLoad(() => get<{ builds: BuildRow[] }>(`/v1/builds?limit=${rows}${of}`), [of])
  useEvery(3000, reload)
  return (
    <>
      <ErrorMessage problem={problem} />
      {data?.builds.length === 0 && (
        <Empty>
          Nothing has been built. A package with a list of what it needs (package.json, requirements.txt,
          pyproject.toml) is, when it is deployed.
        </Empty>
      )}
      {data !== undefined && data.builds.length > 0 && (
        <BuildTable rows={data.builds} ofOne={functionId !== undefined} />
      )}
    </>
  )
}

export const BuildsPage = () => (
  <Page title="Builds">
    <BuildList />
  </Page>
)

/** One build: its state, its output, and the reason of a failure. */
export function BuildPage({ id }: { id: string }) {
  const { data, problem, log } = useBuild(id)
  if (data === undefined) return <ErrorMessage problem={problem} />
  const name = data.function_name ?? data.function_id ?? 'a function'
  const isOver = data.status !== 'running'
  const rebuild = async () =>
    go(`/builds/${(await call<BuildRow>('POST', `/v1/builds/${encodeURIComponent(id)}/rebuild?async=true`)).id}`)
  return (
    <Page
      title={`Build of ${name}`}
      actions={
        isOver ? (
          <Action
            label="Rebuild"
            act={rebuild}
            confirm={`Install the dependencies of this package again and deploy it to ${name}?`}
          />
        ) : (
          <Action
            label="Cancel"
            act={() => call('POST', `/v1/builds/${encodeURIComponent(id)}/cancel`)}
            confirm={`Cancel this build? ${name} stays as it is.`}
          />
        )
      }
    >
      <Facts
        facts={[
          ['State', <Badge kind={data.status} />],
          ['Function', data.status === 'success' ? <Link to={`/functions/${data.function_id}`}>{name}</Link> : name],
          ['Runtime', data.runtime],
          ['Dependencies', data.list],
          ['Installed', data.size === null ? null : `${mebibytes(data.size)}${data.cached ? ', cached' : ''}`],
          ['Started', time(data.created_at)],
          ['Duration', isOver ? tookText(data) : null],
          ['ID', <code>{data.id}</code>],
        ]}
      />
      {data.error !== null && (
        <>
          <h2>Error</h2>
          <pre class="bad">{data.error}</pre>
        </>
      )}
      <h2>Output</h2>
      <BuildLogText log={log} isOver={isOver} />
    </Page>
  )
}
