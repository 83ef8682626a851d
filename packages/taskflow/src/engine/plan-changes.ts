import type { Plan } from '../compiler/plan.ts'
import { TaskFlowError } from '../errors.ts'
import type { StoredFlow } from '../storage/backend.ts'
import type { PlannedAtom } from '../storage/records.ts'

/**
 * A difference between the flow that a run was begun with and the flow that it is to go on with.
 *
 * @example
 * const sayChange = ({ change, atom }: PlanChange) => `${atom} is ${change}`
 */
export interface PlanChange {
  readonly change: 'gone' | 'new' | 'other version' | 'other kind'
  /** Name of the atom. */
  readonly atom: string
  /** Whether it had begun: of an atom that is gone, that its work was done and will not be undone. */
  readonly begun: boolean
  readonly before: PlannedAtom | null
  readonly after: PlannedAtom | null
}

/**
 * What to do about a flow that has changed since its run was begun: `refuse`; `accept` everything, as TaskFlow does:
 * what is gone is left as it is, what is new is done when its turn comes, what is done stays done; or a function that
 * says for each change whether it is accepted.
 *
 * @example
 * const rule: PlanChangeRule = ({ change, begun }) => change === 'new' || !begun
 */
export type PlanChangeRule = 'refuse' | 'accept' | ((change: PlanChange) => boolean)

/** The atoms of a plan, as they are stored. */
export function plannedAtoms({ atoms }: Plan): readonly PlannedAtom[] {
  return atoms.flatMap((atom) => {
    if (!atom) return []
    const { version } = atom.kind === 'task' ? atom.task : atom.retry
    return [{ name: atom.name, kind: atom.kind, version }]
  })
}

/** @throws TaskFlowError `plan-changed`, naming every change that the rule does not accept. */
export function checkPlan(plan: Plan, stored: StoredFlow, rule: PlanChangeRule): void {
  if (rule === 'accept') return
  const changes = planChanges(plan, stored)
  const refused = rule === 'refuse' ? changes : changes.filter((change) => !rule(change))
  if (refused.length === 0) return
  const { id, name } = stored.flow
  const told = refused.slice(0, longestList).map(sayChange).join('; ')
  const more = refused.length > longestList ? `; and ${refused.length - longestList} more` : ''
  throw new TaskFlowError(
    'plan-changed',
    `run '${id}' of flow '${name}' cannot go on, as the flow has changed since: ${told}${more}. Build it as it was, or say by onPlanChange what is accepted`,
  )
}

/** So many changes are named in a message. */
const longestList = 20

function planChanges(plan: Plan, { flow, atoms }: StoredFlow): readonly PlanChange[] {
  const after = new Map(plannedAtoms(plan).map((atom) => [atom.name, atom]))
  const begun = new Map<string, PlannedAtom>(
    atoms.map(({ name, kind, version }) => [name, { name, kind, version }] as const),
  )
  const before = new Map([...(flow.plan ?? []).map((atom) => [atom.name, atom] as const), ...begun])
  const changes: PlanChange[] = []
  const note = (change: PlanChange['change'], atom: string): void => {
    const [was, is] = [before.get(atom) ?? null, after.get(atom) ?? null]
    changes.push({ change, atom, begun: begun.has(atom), before: was, after: is })
  }
  for (const [name, { kind, version }] of before) {
    const now = after.get(name)
    if (!now) note('gone', name)
    else if (now.kind !== kind) note('other kind', name)
    else if (now.version !== version) note('other version', name)
  }
  if (flow.plan) for (const name of after.keys()) if (!before.has(name)) note('new', name)
  return changes
}

function sayChange({ change, atom, begun, before, after }: PlanChange): string {
  const done = begun ? ' and had begun' : ''
  if (change === 'gone') return `'${atom}' is gone${done}`
  if (change === 'new') return `'${atom}' is new`
  const fact = change === 'other kind' ? 'kind' : 'version'
  return `'${atom}' was of ${fact} ${before?.[fact]}${done}, and is of ${fact} ${after?.[fact]}`
}
