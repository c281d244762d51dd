import type { WhiskEntity } from '../../domain/functions/openwhisk.ts'
import { namespaceOf, partsOf } from './names.ts'

/** An action in the format of responses; `code`: included on request. */
export function actionRecord(project: string, entity: WhiskEntity, code?: string): Record<string, unknown> {
  const { exec = { kind: 'unknown', binary: false }, limits } = entity.fields
  const components = exec.components?.map((name) => name.replace(/^\/_\//, `/${project}/`))
  return {
    ...entityRecord(project, entity),
    exec: { ...exec, ...(components !== undefined && { components }), ...(code !== undefined && { code }) },
    limits,
  }
}

/** The fields that all entities share. */
export function entityRecord(
  project: string,
  { name, fields, writes, updatedAt }: WhiskEntity,
): Record<string, unknown> {
  return {
    namespace: namespaceOf(project, name),
    name: partsOf(name).name,
    version: `0.0.${writes}`,
    publish: false,
    annotations: fields.annotations,
    parameters: fields.parameters,
    updated: updatedAt,
  }
}
