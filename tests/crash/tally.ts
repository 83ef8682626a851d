/** What was done and what came of it. */
export class Tally {
  restarts = 0
  readonly imports = new Map<string, number>()
  resumedDownloads = 0
  readonly kills = new Map<string, number>()
  /** By flow, by transition. */
  readonly hits = new Map<string, Map<string, number>>()
  readonly faults: string[] = []
  readonly #wanted = new Map<string, readonly string[]>()

  /** Transitions of a flow after each of which a kill has to come. */
  want(flow: string, transitions: readonly string[]): void {
    this.#wanted.set(flow, transitions)
    this.hits.set(flow, new Map(transitions.map((transition) => [transition, 0])))
  }

  killed(flow: string, group: string, transitions: readonly string[]): void {
    add(this.kills, group)
    for (const transition of transitions) add(this.hits.get(flow)!, transition)
  }

  imported(group: string, resumedDownloads: number): void {
    add(this.imports, group)
    this.resumedDownloads += resumedDownloads
  }

  hitsAt(flow: string, transition: string): number {
    return this.hits.get(flow)?.get(transition) ?? 0
  }

  get killCount(): number {
    return [...this.kills.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Transitions after which no kill came so far, also of one flow alone. */
  missed(only?: string): string[] {
    const flows = [...this.#wanted].filter(([flow]) => only === undefined || flow === only)
    return flows.flatMap(([flow, all]) =>
      all.filter((one) => this.hitsAt(flow, one) === 0).map((one) => `${flow}: ${one}`),
    )
  }

  toString(): string {
    const groups = [...this.kills]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([group, kills]) => {
        return `  ${group.padEnd(36)} ${pad(kills)} kills ${pad(this.imports.get(group) ?? 0)} imports`
      })
    const flows = [...this.hits].flatMap(([flow, hits]) => [
      `  ${flow}`,
      ...[...hits].map(([transition, count]) => `    ${transition.padEnd(34)} ${pad(count)}`),
    ])
    const imports = [...this.imports.values()].reduce((sum, count) => sum + count, 0)
    const head = `${this.killCount} kills, ${this.restarts} restarts, ${imports} imports, ${this.faults.length} faults`
    const resumed = `${this.resumedDownloads} downloads went on where they were`
    return [head, resumed, ...groups, 'kills by the transition stored last:', ...flows].join('\n')
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function pad(count: number): string {
  return String(count).padStart(5)
}
