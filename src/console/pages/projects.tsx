import type { ProjectRow } from '../../client/resources/projects.ts'
import { get } from '../api.ts'
import { useEvery, useLoad } from '../load.ts'
import { me } from '../me.ts'
import { ErrorMessage, Page, Table } from '../parts/basics.tsx'
import { useForm } from '../parts/form.tsx'
import { go, Link } from '../router.tsx'

/** Contents and current use of each project: admins see all, others their own. */
export function ProjectsPage() {
  const projects = useLoad(() => get<{ projects: ProjectRow[] }>('/v1/projects'), [])
  const form = useForm({ id: '' })
  useEvery(5000, projects.reload)
  return (
    <Page title="Projects">
      <ErrorMessage problem={projects.problem} />
      {projects.data !== undefined && (
        <Table
          label="Projects"
          rows={projects.data.projects}
          keyOf={({ id }) => id}
          columns={[
            { title: 'Name', cell: ({ id }) => <Link to={`/projects/${encodeURIComponent(id)}`}>{id}</Link> },
            { title: 'Functions', cell: ({ functions }) => functions, number: true },
            { title: 'Jobs', cell: ({ jobs }) => jobs, number: true },
            { title: 'Webhooks', cell: ({ webhooks }) => webhooks, number: true },
            { title: 'Tokens', cell: ({ tokens }) => tokens, number: true },
            { title: 'Running', cell: ({ running }) => running, number: true },
            { title: 'Waiting', cell: ({ queued_runs }) => queued_runs, number: true },
            { title: 'Worker memory', cell: ({ worker_memory_mb }) => `${worker_memory_mb} MiB`, number: true },
            { title: 'Limits', cell: ({ own_limits }) => (own_limits ? 'own' : 'default') },
          ]}
        />
      )}
      {me.value?.roles.includes('admin') && (
        <form
          class="bar"
          onSubmit={(event) => {
            event.preventDefault()
            if (form.texts.id !== '') go(`/projects/${encodeURIComponent(form.texts.id)}`)
          }}
        >
          {form.input('id', 'Open a project by name', { placeholder: 'shop' })}
          <button type="submit">Open</button>
        </form>
      )}
      <p class="prose">
        A project is a name: it exists as soon as a token for it does, and limits can be set before that.
      </p>
    </Page>
  )
}
