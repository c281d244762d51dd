import type { RuntimeRow } from '../../client/resources.ts'
import { get } from '../api.ts'
import { useLoad } from '../load.ts'
import { Badge, Page, Table, Trouble } from '../parts/basics.tsx'
import { mebibytes } from '../text.ts'

export function Runtimes() {
  const { data, problem } = useLoad(() => get<{ runtimes: RuntimeRow[] }>('/v1/runtimes'), [])
  return (
    <Page title="Runtimes">
      <Trouble problem={problem} />
      {data !== undefined && (
        <Table
          label="Runtimes"
          rows={data.runtimes}
          keyOf={({ id }) => id}
          columns={[
            { title: 'Name', cell: ({ name, id }) => name ?? id },
            { title: 'Description', cell: ({ description }) => description ?? '–' },
            { title: 'Signature', cell: ({ signature }) => signature },
            { title: 'Least memory', cell: ({ min_memory }) => mebibytes(min_memory), number: true },
            { title: 'Status', cell: ({ status }) => <Badge kind={status} /> },
            { title: 'Image', cell: ({ image }) => <code>{image}</code> },
          ]}
        />
      )}
    </Page>
  )
}
