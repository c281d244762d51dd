import { useState } from 'preact/hooks'
import type { AliasRow } from '../../client/resources/aliases.ts'
import type { FunctionRow } from '../../client/resources/functions.ts'
import type { VersionRow } from '../../client/resources/versions.ts'
import { call, get } from '../api.ts'
import { useLoad } from '../load.ts'
import { numberIn } from '../number-text.ts'
import { Action, Empty, ErrorMessage, Field, Table } from '../parts/basics.tsx'
import { useForm } from '../parts/form.tsx'
import { percent, time } from '../text.ts'

/** Frozen copies and their aliases; pointing an alias at an earlier version is a rollback. */
export function FunctionVersionsTab({ fn, onChanged }: { fn: FunctionRow; onChanged(): void }) {
  const versions = useLoad(
    () => get<{ function_versions: VersionRow[] }>(`/v1/functions/${encodeURIComponent(fn.id)}/versions`),
    [fn.id, fn.latest_version],
  )
  const aliases = useLoad(() => get<{ function_aliases: AliasRow[] }>('/v1/aliases'), [fn.id])
  const [description, setDescription] = useState('')
  const [alias, setAlias] = useState('')
  const own = aliases.data?.function_aliases.filter(({ function_id }) => function_id === fn.id) ?? []
  const rows = versions.data?.function_versions.toReversed() ?? []
  const publish = async () => {
    await call('POST', `/v1/functions/${encodeURIComponent(fn.id)}/versions`, { description })
    setDescription('')
    versions.reload()
    onChanged()
  }
  const point = async (name: string, version: number) => {
    const fields = { function_id: fn.id, function_version: version }
    if (own.some((row) => row.name === name)) await call('PUT', `/v1/aliases/${encodeURIComponent(name)}`, fields)
    else await call('POST', '/v1/aliases', { name, ...fields })
    aliases.reload()
  }
  /** Deploys its code for the next call. */
  const restore = async (version: number) => {
    await call('POST', `/v1/functions/${encodeURIComponent(fn.id)}/versions/${version}/rollback`)
    onChanged()
  }
  return (
    <>
      <form class="form" onSubmit={(event) => event.preventDefault()}>
        <Field label="Description">
          <input value={description} onInput={(event) => setDescription(event.currentTarget.value)} />
        </Field>
        <div class="actions">
          <Action label="Publish version" kind="primary" act={publish} />
        </div>
      </form>
      <ErrorMessage problem={versions.problem ?? aliases.problem} />
      {versions.data !== undefined && rows.length === 0 && <Empty>There are no versions yet.</Empty>}
      {rows.length > 0 && (
        <>
          <Field label="Alias to point or roll back">
            <input
              value={alias}
              onInput={(event) => setAlias(event.currentTarget.value)}
              placeholder="live"
              list="aliases"
            />
          </Field>
          <datalist id="aliases">
            {own.map(({ name }) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          <Table
            label="Versions"
            rows={rows}
            keyOf={({ id }) => id}
            columns={[
              { title: 'Version', cell: ({ version_number }) => version_number, number: true },
              { title: 'Description', cell: ({ description: text }) => <span class="prose">{text ?? '–'}</span> },
              { title: 'Created', cell: ({ created_at }) => time(created_at) },
              { title: 'Calls', cell: ({ count }) => count, number: true },
              {
                title: 'Aliases',
                cell: ({ version_number }) =>
                  own
                    .filter(({ function_version }) => function_version === version_number)
                    .map(({ name }) => name)
                    .join(', ') || '–',
              },
              {
                title: 'Actions',
                cell: ({ version_number }) => (
                  <span class="actions">
                    <Action
                      label={alias === '' ? 'Point alias' : `Point ${alias}`}
                      kind="small"
                      act={() =>
                        alias === '' ? Promise.reject(new Error('Enter an alias.')) : point(alias, version_number)
                      }
                    />
                    {fn.code.source === 'package' && (
                      <Action
                        label="Roll back"
                        kind="small"
                        confirm={`The next call runs the code of version ${version_number}. Current code that is not published as a version is lost.`}
                        act={() => restore(version_number)}
                      />
                    )}
                    <Action
                      label="Delete"
                      kind="small danger"
                      confirm={`Remove version ${version_number}?`}
                      act={async () => {
                        await call('DELETE', `/v1/functions/${encodeURIComponent(fn.id)}/versions/${version_number}`)
                        versions.reload()
                      }}
                    />
                  </span>
                ),
              },
            ]}
          />
        </>
      )}
      {own.length > 0 && (
        <section>
          <h2>Aliases</h2>
          <Table
            label="Aliases"
            rows={own}
            keyOf={({ name }) => name}
            columns={[
              { title: 'Name', cell: ({ name }) => name },
              {
                title: 'Version',
                cell: ({ function_version }) => (function_version === 0 ? 'current code' : function_version),
              },
              {
                title: 'Routing',
                cell: ({ weights = {} }) =>
                  Object.entries(weights)
                    .map(([version, share]) => `${versionText(Number(version))}: ${percent(share)}`)
                    .join(', ') || '–',
              },
              { title: 'Changed', cell: ({ updated_at, created_at }) => time(updated_at ?? created_at) },
              {
                title: 'Actions',
                cell: ({ name }) => (
                  <Action
                    label="Delete"
                    kind="small danger"
                    confirm={`Remove the alias ${name}?`}
                    act={() => call('DELETE', `/v1/aliases/${encodeURIComponent(name)}`).then(aliases.reload)}
                  />
                ),
              },
            ]}
          />
          <AliasShare aliases={own} latestVersion={fn.latest_version} onChanged={aliases.reload} />
        </section>
      )}
    </>
  )
}

const versionText = (version: number): string => (version === 0 ? 'current code' : `version ${version}`)

/** Sets another version's share of an alias's calls, or removes all shares. */
function AliasShare({
  aliases,
  latestVersion,
  onChanged,
}: {
  aliases: AliasRow[]
  latestVersion: number
  onChanged(): void
}) {
  const form = useForm({ alias: '', version: '', share: '10' })
  const alias = aliases.find(({ name }) => name === form.texts.alias) ?? aliases[0]
  const others = Array.from({ length: latestVersion + 1 }, (_, version) => version)
    .filter((version) => version !== alias?.function_version)
    .toReversed()
  const version = others.find((one) => String(one) === form.texts.version) ?? others[0]
  if (alias === undefined || version === undefined) return null
  const set = async (weights: Record<string, number> | null) => {
    await call('PUT', `/v1/aliases/${encodeURIComponent(alias.name)}`, { weights })
    onChanged()
  }
  return (
    <form class="bar" onSubmit={(event) => event.preventDefault()}>
      {form.choice(
        'alias',
        'Alias',
        aliases.map(({ name }) => [name, name]),
      )}
      {form.input('share', 'Share (%)')}
      {form.choice(
        'version',
        'Version',
        others.map((one) => [String(one), versionText(one)]),
      )}
      <div class="actions">
        <Action label="Set share" act={() => set({ [version]: (numberIn(form.texts.share, 'Share') ?? 0) / 100 })} />
        <Action label="Remove the share" act={() => set(null)} />
      </div>
    </form>
  )
}
