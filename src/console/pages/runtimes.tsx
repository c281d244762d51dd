import type { RuntimeRow } from '../../client/resources/runtimes.ts'
import { call, get } from '../api.ts'
import { useEvery, useLoad } from '../load.ts'
import { isAdmin } from '../me.ts'
import { numberIn } from '../number-text.ts'
import { Action, Badge, ErrorMessage, Page, Table } from '../parts/basics.tsx'
import { useForm } from '../parts/form.tsx'
import { mebibytes } from '../text.ts'

const mib = 1024 * 1024

/** Runtimes for functions; admins add and remove them, and change their images. */
export function RuntimesPage() {
  const { data, problem, reload } = useLoad(() => get<{ runtimes: RuntimeRow[] }>('/v1/runtimes'), [])
  useEvery(3000, reload)
  const upgrade = async ({ id, image }: RuntimeRow) => {
    const wanted = prompt('New image; the old one is restored if it does not work', image)
    if (wanted === null || wanted === image) return
    await call('PUT', `/v1/runtimes/${encodeURIComponent(id)}`, { image: wanted })
    reload()
  }
  return (
    <Page title="Runtimes">
      <ErrorMessage problem={problem} />
      {data !== undefined && (
        <Table
          label="Runtimes"
          rows={data.runtimes}
          keyOf={({ id }) => id}
          columns={[
            { title: 'Name', cell: ({ name, id }) => name ?? id },
            { title: 'Description', cell: ({ description }) => <span class="prose">{description ?? '–'}</span> },
            { title: 'Signature', cell: ({ signature }) => signature },
            { title: 'Minimum memory', cell: ({ min_memory }) => mebibytes(min_memory), number: true },
            { title: 'Status', cell: ({ status }) => <Badge kind={status} /> },
            {
              title: 'Image',
              cell: ({ image }) => (
                <code class="cut" title={image}>
                  {image}
                </code>
              ),
            },
            ...(isAdmin.value
              ? [
                  {
                    title: 'Actions',
                    cell: (row: RuntimeRow) => (
                      <span class="actions">
                        <Action label="Upgrade …" kind="small" act={() => upgrade(row)} />
                        <Action
                          label="Delete"
                          kind="small danger"
                          confirm={`Delete the runtime ${row.name ?? row.id}?`}
                          act={() => call('DELETE', `/v1/runtimes/${encodeURIComponent(row.id)}`).then(reload)}
                        />
                      </span>
                    ),
                  },
                ]
              : []),
          ]}
        />
      )}
      {isAdmin.value && <NewRuntime onMade={reload} />}
    </Page>
  )
}

function NewRuntime({ onMade }: { onMade(): void }) {
  const form = useForm({ name: '', image: '', description: '', memory: '', is_public: 'true', trusted: 'true' })
  const create = async () => {
    const { name, image, description, memory, is_public, trusted } = form.texts
    const least = numberIn(memory, 'Minimum memory (MiB)')
    await call('POST', '/v1/runtimes', {
      image,
      ...(name !== '' && { name }),
      ...(description !== '' && { description }),
      ...(least !== undefined && { min_memory: least * mib }),
      is_public: is_public === 'true',
      trusted: trusted === 'true',
    })
    form.reset()
    onMade()
  }
  return (
    <section>
      <h2>New runtime</h2>
      <form class="form two" onSubmit={(event) => event.preventDefault()}>
        {form.input('name', 'Name')}
        {form.input('image', 'Image', {
          hint: 'with a shim that speaks the worker protocol',
          placeholder: 'repo/runtime:1',
        })}
        {form.input('description', 'Description')}
        {form.input('memory', 'Minimum memory (MiB)', { hint: 'empty: the server’s default' })}
        {form.choice('is_public', 'Visible to', [
          ['true', 'all projects'],
          ['false', 'this project only'],
        ])}
        {form.choice('trusted', 'Trust', [
          ['true', 'trusted: runs like other runtimes'],
          ['false', 'untrusted: runs in a hardened sandbox'],
        ])}
        <div class="actions">
          <Action label="Add runtime" kind="primary" act={create} />
        </div>
      </form>
    </section>
  )
}
