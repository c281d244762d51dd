import type { Files } from '../packages.ts'
import { Field } from '../parts/basics.tsx'
import { filesOfDrop, filesOfInput } from './chosen-files.ts'

/** `about`: what to choose. */
export function ChooseFiles({ files, about, onChosen }: { files: Files; about: string; onChosen(files: Files): void }) {
  const names = Object.keys(files)
  const bytes = Object.values(files).reduce((sum, { length }) => sum + length, 0)
  const choose = ({ currentTarget: { files: list } }: { currentTarget: HTMLInputElement }) =>
    list !== null && void filesOfInput(list).then(onChosen)
  return (
    <section
      class="drop"
      aria-label="Files can be dropped here"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault()
        if (event.dataTransfer !== null) void filesOfDrop(event.dataTransfer).then(onChosen)
      }}
    >
      <p>{about}</p>
      <div class="bar">
        <Field label="Files or a ZIP">
          <input type="file" multiple onChange={choose} />
        </Field>
        <Field label="Folder">
          <input type="file" {...{ webkitdirectory: true }} onChange={choose} />
        </Field>
      </div>
      {names.length > 0 && (
        <p role="status">{`${names.length === 1 ? names[0] : `${names.length} files`}, ${bytes.toLocaleString()} bytes`}</p>
      )}
    </section>
  )
}
