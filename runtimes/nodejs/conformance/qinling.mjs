export function main(context, input) {
  return { context, input }
}
