import type { AuditRow } from '../../client/resources/audit.ts'
import type { BackupRow } from '../../client/resources/backups.ts'
import type { HealthRow } from '../../client/resources/health.ts'
import { apiRequest, call, get } from '../api.ts'
import { isLive, serverNow } from '../live.ts'
import { useEvery, useLoad } from '../load.ts'
import { Action, Badge, Empty, ErrorMessage, Facts, Page, Table } from '../parts/basics.tsx'
import { mebibytes, time } from '../text.ts'

/** The server's state: readiness, contents, backups. */
export function ServerPage() {
  const ready = useLoad(async () => (await apiRequest('GET', '/readyz')).status === 200, [])
  const backups = useLoad(() => get<{ backups: BackupRow[] }>('/v1/backups'), [])
  const health = useLoad(() => get<HealthRow>('/v1/health'), [])
  const audit = useLoad(() => get<{ audit: AuditRow[] }>('/v1/audit?limit=50'), [])
  useEvery(5000, ready.reload)
  useEvery(30_000, health.reload)
  const { running, queued, jobs } = serverNow.value
  return (
    <Page title="Server">
      <Facts
        facts={[
          ['State', ready.data === undefined ? null : ready.data ? 'ready' : 'not ready'],
          ['Events', isLive.value ? 'live' : 'not connected'],
          ['Version', health.data?.version],
          ['Running', running],
          ['Waiting', queued],
          ['Jobs', jobs],
          ['Since', health.data && time(health.data.started_at)],
          ['Engine', health.data?.engine && `${health.data.engine.name} ${health.data.engine.version}`],
          ['Worker memory', health.data && memoryOf(health.data.memory)],
          ['Free disk space', health.data && mebibytes(health.data.data.free_bytes)],
        ]}
      />
      <p>
        <a href="/docs">Documentation</a> · <a href="/openapi.json">API reference</a> · <a href="/metrics">Metrics</a>
      </p>
      <section>
        <h2>Health</h2>
        <ErrorMessage problem={health.problem} />
        {health.data !== undefined && <Findings findings={health.data.findings} />}
      </section>
      <section>
        <h2>Backups</h2>
        <ErrorMessage problem={backups.problem} />
        <div class="actions">
          <Action label="Create backup" kind="primary" act={() => call('POST', '/v1/backups').then(backups.reload)} />
        </div>
        {backups.data?.backups.length === 0 && <Empty>There are no backups on the server.</Empty>}
        {(backups.data?.backups.length ?? 0) > 0 && (
          <Table
            label="Backups"
            rows={backups.data?.backups.toReversed() ?? []}
            keyOf={({ name }) => name}
            columns={[
              { title: 'Name', cell: ({ name }) => name },
              { title: 'Size', cell: ({ size_bytes }) => mebibytes(size_bytes), number: true },
              { title: 'Created', cell: ({ created_at }) => time(created_at) },
              {
                title: 'Actions',
                cell: ({ name }) => (
                  <Action
                    label="Delete"
                    kind="small danger"
                    confirm="Delete this backup?"
                    act={() => call('DELETE', `/v1/backups/${encodeURIComponent(name)}`).then(backups.reload)}
                  />
                ),
              },
            ]}
          />
        )}
      </section>
      <section>
        <h2>Audit log</h2>
        <ErrorMessage problem={audit.problem} />
        {audit.data?.audit.length === 0 && <Empty>No changes yet.</Empty>}
        {(audit.data?.audit.length ?? 0) > 0 && (
          <Table
            label="Changes"
            rows={audit.data?.audit ?? []}
            keyOf={({ id }) => id}
            columns={[
              { title: 'Time', cell: ({ at }) => time(at) },
              { title: 'User', cell: ({ who }) => who.name ?? who.id ?? who.kind },
              { title: 'Project', cell: ({ project_id }) => project_id },
              {
                title: 'Subject',
                cell: ({ method, path }) => <span class="cut" title={path}>{`${method} ${path}`}</span>,
              },
              {
                title: 'Name',
                cell: ({ subject_name, subject_id }) => <span class="cut">{subject_name ?? subject_id}</span>,
              },
              { title: 'Address', cell: ({ address }) => address },
            ]}
          />
        )}
      </section>
    </Page>
  )
}

const memoryOf = ({ reserved_bytes, budget_bytes }: HealthRow['memory']): string =>
  `${mebibytes(reserved_bytes)} of ${mebibytes(budget_bytes)}`

/** Problems come first. */
function Findings({ findings }: { findings: HealthRow['findings'] }) {
  const order = ['problem', 'warning', 'ok']
  return (
    <Table
      label="Findings"
      rows={findings.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state))}
      keyOf={({ area, says }) => `${area} ${says}`}
      columns={[
        { title: 'Subject', cell: ({ area }) => area },
        { title: 'State', cell: ({ state }) => <Badge kind={state} /> },
        { title: 'Finding', cell: ({ says }) => <span class="prose">{says}</span> },
        { title: 'What to do', cell: ({ state, remedy }) => <span class="prose">{state === 'ok' ? '' : remedy}</span> },
      ]}
    />
  )
}
