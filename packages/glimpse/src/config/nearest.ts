/**
 * The candidate that was probably meant: the one with the fewest letters to change, if those are at most a third of
 * the name and at most three.
 *
 * @example findNearest('bind_prot', ['bind_host', 'bind_port']) // 'bind_port'
 */
export function findNearest(name: string, candidates: readonly string[]): string | undefined {
  const limit = Math.min(3, Math.floor(name.length / 3))
  const ranked = candidates.map((candidate) => ({ candidate, distance: countEdits(name, candidate) }))
  const best = ranked.toSorted((a, b) => a.distance - b.distance)[0]
  return best && best.distance <= limit ? best.candidate : undefined
}

/** Levenshtein's distance, upper and lower case being the same. */
function countEdits(from: string, to: string): number {
  const source = from.toLowerCase()
  const target = to.toLowerCase()
  let row = Array.from({ length: target.length + 1 }, (_, at) => at)
  for (let i = 1; i <= source.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= target.length; j += 1) {
      const same = source[i - 1] === target[j - 1] ? 0 : 1
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same))
    }
    row = next
  }
  return row[target.length] ?? 0
}
