import { isObject, objectOf, type ParsedValues } from './foreign-manifest.ts'

/** wskdeploy's `deployment.yaml` beside a manifest: values and annotations of what the manifest has. */

export const deploymentNames = ['deployment.yaml', 'deployment.yml']

/** The packages of a manifest, or of a deployment file. */
export function packagesIn({ packages, project }: ParsedValues): ParsedValues {
  return isObject(packages) ? packages : objectOf(objectOf(project).packages)
}

/** The manifest with the values of the deployment; what only the deployment names is not made. Pure. */
export function withDeployment(manifest: ParsedValues, deployment: ParsedValues): ParsedValues {
  return { packages: eachOf(packagesIn(manifest), packagesIn(deployment), ofPackage) }
}

function ofPackage(own: ParsedValues, given: ParsedValues): ParsedValues {
  const parts = ['actions', 'triggers'].filter((key) => isObject(own[key]))
  const inside = parts.map((key) => [key, eachOf(objectOf(own[key]), objectOf(given[key]), withValues)])
  return { ...withValues(own, given), ...Object.fromEntries(inside) }
}

const withValues = (own: ParsedValues, given: ParsedValues): ParsedValues => ({
  ...own,
  ...over('inputs', own, given),
  ...over('annotations', own, given),
})

const over = (key: string, own: ParsedValues, given: ParsedValues): ParsedValues =>
  isObject(given[key]) ? { [key]: { ...objectOf(own[key]), ...given[key] } } : {}

const eachOf = (
  own: ParsedValues,
  given: ParsedValues,
  merged: (own: ParsedValues, given: ParsedValues) => ParsedValues,
): ParsedValues =>
  Object.fromEntries(
    Object.entries(own).map(([name, one]) => [name, isObject(one) ? merged(one, objectOf(given[name])) : one]),
  )
