/**
 * What an implementation did against what was recorded. The rules are those of `flow-oracle/compare.py` and of its
 * README, "Order".
 */
import { isDeepStrictEqual } from 'node:util'
import type { JsonValue } from '@glimpse/taskflow'
import { differencesInOrder, type Transition } from './order.ts'
import type { RecordedCase } from './spec.ts'
import { byCodePoint } from './values.ts'

type Dict = { readonly [key: string]: JsonValue | undefined }

/** How much a difference says: the softer ones are of cases in which TaskFlow itself gives no rule. */
type Verdict = 'same' | 'accident' | 'racy' | 'wave-failure' | 'differs'

export interface Comparison {
  readonly verdict: Verdict
  /** In words, one a difference. */
  readonly differences: readonly string[]
}

/** Compares a line of the runner's output, as it was read back from JSON, with the case that it is about. */
export function compareWith(recorded: RecordedCase, actual: Dict): Comparison {
  const differences = differencesOf(recorded.expected, actual)
  if (differences.length === 0) return { verdict: 'same', differences }
  if (recorded.accident && recorded.accident_scope === 'all') return { verdict: 'accident', differences }
  if (recorded.racy) return { verdict: 'racy', differences }
  return { verdict: recorded.wave_failure ? 'wave-failure' : 'differs', differences }
}

/** Facts that are TaskFlow's own bookkeeping, or are compared apart. */
const informative: ReadonlySet<string> = new Set(['intention', 'trace', 'order', 'raised_current', 'raised'])

/** What says of which run the facts are. */
const whereabouts: ReadonlySet<string> = new Set(['id', 'crash'])

function differencesOf(wanted: Dict, actual: Dict): readonly string[] {
  if (wanted['outcome'] === 'invalid' || actual['outcome'] === 'invalid') {
    return [...differencesAt('', outcomeOf(wanted), outcomeOf(actual))]
  }
  const edges = (wanted['order'] ?? []) as readonly (readonly [string, string])[]
  const trace = (actual['trace'] ?? []) as readonly Transition[]
  return [
    ...differencesAt('', wanted, Object.fromEntries(Object.entries(actual).filter(([key]) => !whereabouts.has(key)))),
    ...differencesInRaised(wanted, actual),
    ...(edges.length > 0 ? differencesInOrder(edges, trace) : []),
  ]
}

function outcomeOf(facts: Dict): Dict {
  return { outcome: facts['outcome'], error: facts['error'] }
}

function* differencesAt(path: string, wanted: JsonValue | undefined, actual: JsonValue | undefined): Generator<string> {
  const choice = isDict(wanted) && Object.keys(wanted).length === 1 ? wanted['anyOf'] : undefined
  if (isList(choice)) {
    if (!choice.some((value) => isDeepStrictEqual(value, actual))) yield inWords(path, 'one of ', choice, actual)
  } else if (isDict(wanted) && isDict(actual)) {
    for (const key of new Set([...Object.keys(wanted), ...Object.keys(actual)])) {
      if (!informative.has(key)) yield* differencesAt(path === '' ? key : `${path}.${key}`, wanted[key], actual[key])
    }
  } else if (!isDeepStrictEqual(wanted, actual)) {
    yield inWords(path, '', wanted, actual)
  }
}

/** Failures that TaskFlow raises though a retry solved them may be left out, but not those of `raised_current`. */
function* differencesInRaised(wanted: Dict, actual: Dict): Generator<string> {
  const [all, got] = [wanted['raised'] ?? [], sortedTexts(actual['raised'])]
  if (isDict(all)) {
    const choices = (all['anyOf'] as readonly JsonValue[]).map((one) => (isList(one) ? sortedTexts(one) : one))
    if (!choices.some((one) => isDeepStrictEqual(one, got))) yield inWords('raised', 'one of ', choices, got)
    return
  }
  const most = sortedTexts(all)
  if (isDeepStrictEqual(most, got)) return
  const current = wanted['raised_current'] ?? most
  const least = isList(current) ? (current as readonly string[]) : []
  if (least.every((text) => got.includes(text)) && got.every((text) => most.includes(text))) return
  yield inWords('raised', `at least ${JSON.stringify(least)} of `, most, got)
}

function sortedTexts(list: JsonValue | undefined): readonly string[] {
  return isList(list) ? (list as readonly string[]).toSorted(byCodePoint) : []
}

function inWords(
  path: string,
  qualifier: string,
  wanted: JsonValue | undefined,
  actual: JsonValue | undefined,
): string {
  return `${path}: want ${qualifier}${textOf(wanted)}, got ${textOf(actual)}`
}

function textOf(value: JsonValue | undefined): string {
  return JSON.stringify(value) ?? 'nothing'
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function isDict(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
