import type { ImageRow, PrunedRow } from '../../client/resources/images.ts'
import type { RegistryRow } from '../../client/resources/registries.ts'
import { call, get } from '../api.ts'
import { useLoad } from '../load.ts'
import { Action, Badge, Empty, ErrorMessage, Page, Table } from '../parts/basics.tsx'
import { useForm } from '../parts/form.tsx'
import { mebibytes, time } from '../text.ts'

/** The engine's images, and the registries from which they come. */
export function ImagesPage() {
  const images = useLoad(() => get<{ images: ImageRow[] }>('/v1/images'), [])
  const form = useForm({ image: '' })
  const rows = images.data?.images ?? []
  const pull = async () => {
    if (form.texts.image.trim() === '') throw new Error('Enter an image, such as ghcr.io/me/tool:1.')
    await call('POST', '/v1/images/pull', { image: form.texts.image.trim() })
    form.reset()
    images.reload()
  }
  return (
    <Page title="Images">
      <ErrorMessage problem={images.problem} />
      {images.data === undefined && images.problem === undefined && <Empty>Loading the images of the engine …</Empty>}
      {images.data !== undefined && rows.length === 0 && <Empty>There are no images of runtimes or functions.</Empty>}
      {rows.length > 0 && (
        <>
          <Table
            label="Images"
            rows={rows}
            keyOf={({ id }) => id}
            columns={[
              {
                title: 'Name',
                cell: ({ names, id }) => (
                  <span class="cut" title={nameOf({ names, id })}>
                    {nameOf({ names, id })}
                  </span>
                ),
              },
              { title: 'Size', cell: ({ size_bytes }) => mebibytes(size_bytes), number: true },
              { title: 'Created', cell: ({ created_at }) => time(created_at) },
              { title: 'State', cell: (row) => <Badge kind={stateOf(row)} /> },
              {
                title: 'Used by',
                cell: (row) => (
                  <span class="rest" title={usersOf(row)}>
                    {usersOf(row)}
                  </span>
                ),
              },
            ]}
          />
          <div class="bar">
            <Action label="Remove unused images …" kind="danger" act={() => prune().then(images.reload)} />
          </div>
        </>
      )}
      {images.problem === undefined && (
        <section>
          <h2>Pull an image</h2>
          <form class="bar" onSubmit={(event) => event.preventDefault()}>
            {form.input('image', 'Image', { placeholder: 'ghcr.io/me/tool:1' })}
            <Action label="Pull" kind="primary" act={pull} />
          </form>
        </section>
      )}
      <Registries />
    </Page>
  )
}

/** The first digits of an id are enough to recognise it. */
const nameOf = ({ names, id }: Pick<ImageRow, 'names' | 'id'>): string =>
  names.join(', ') || `without a name: ${id.replace('sha256:', '').slice(0, 12)}`

const usersOf = ({ used_by }: ImageRow): string => used_by.join(', ') || '–'

function stateOf({ unused, used_by, other_release }: ImageRow): string {
  if (unused) return 'unused'
  if (other_release) return 'other release'
  return used_by.length > 0 ? 'used' : 'kept'
}

/** Lists first what would be removed. */
async function prune(): Promise<void> {
  const planned = await call<PrunedRow>('POST', '/v1/images/prune?dry_run=true')
  if (planned.removed.length === 0) throw new Error('There are no unused images.')
  const named = planned.removed.flatMap(({ names }) => (names.length > 0 ? [names.join(', ')] : []))
  const nameless = planned.removed.length - named.length
  const lines = [...named, ...(nameless > 0 ? [`${nameless} without a name`] : [])]
  if (!confirm(`Remove these and free ${mebibytes(planned.freed_bytes)}?\n\n${lines.join('\n')}`)) return
  await call('POST', '/v1/images/prune')
}

const noLogin = { registry: '', username: '', password: '' }

function Registries() {
  const registries = useLoad(() => get<{ registries: RegistryRow[] }>('/v1/registries'), [])
  const form = useForm({ ...noLogin })
  const rows = registries.data?.registries ?? []
  const logIn = async () => {
    const { registry, username, password } = form.texts
    if (registry === '' || username === '' || password === '')
      throw new Error('Registry, user name and password are required.')
    const { checked } = await call<RegistryRow>('PUT', `/v1/registries/${encodeURIComponent(registry)}`, {
      username,
      password,
    })
    form.reset()
    registries.reload()
    if (checked === false)
      throw new Error('The credentials are stored, but the registry could not be reached to check them.')
  }
  return (
    <section>
      <h2>Registries</h2>
      <ErrorMessage problem={registries.problem} />
      {registries.data !== undefined && rows.length === 0 && (
        <Empty>No registry credentials are stored: images are pulled anonymously.</Empty>
      )}
      {rows.length > 0 && (
        <Table
          label="Registries"
          rows={rows}
          keyOf={({ registry }) => registry}
          columns={[
            { title: 'Registry', cell: ({ registry }) => registry },
            { title: 'User', cell: ({ username }) => username },
            { title: 'Since', cell: ({ created_at }) => time(created_at) },
            {
              title: 'Actions',
              cell: ({ registry }) => (
                <Action
                  label="Log out"
                  kind="small danger"
                  confirm={`Delete the credentials for ${registry}?`}
                  act={() => call('DELETE', `/v1/registries/${encodeURIComponent(registry)}`).then(registries.reload)}
                />
              ),
            },
          ]}
        />
      )}
      <form class="form two" onSubmit={(event) => event.preventDefault()}>
        {form.input('registry', 'Registry', { placeholder: 'ghcr.io' })}
        {form.input('username', 'User name')}
        {form.input('password', 'Password or token', { isSecret: true, hint: 'encrypted; never shown again' })}
        <div class="actions">
          <Action label="Log in" kind="primary" act={logIn} />
        </div>
      </form>
    </section>
  )
}
