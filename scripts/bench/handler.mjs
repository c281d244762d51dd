/** The handler that every contestant serves. */
let calls = 0
export function main(event) {
  calls += 1
  return { hello: event?.name ?? 'world', calls }
}
