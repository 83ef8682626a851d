import { invalid } from '../domain/errors.ts'
import type { Json, JsonObject } from '../domain/task.ts'

export interface ImportRequest {
  readonly method: { readonly name: string; readonly uri?: string }
  readonly stores?: readonly string[]
  readonly allStores?: boolean
  /** Default true. */
  readonly allStoresMustSucceed?: boolean
  /** The store named by the header `X-Image-Meta-Store`. */
  readonly headerStore?: string
}

/**
 * Reads the body of an import call, or what a task has of it.
 *
 * @throws ServiceError `invalid`.
 */
export function readImportRequest(body: JsonObject): ImportRequest {
  const { method, stores, all_stores: allStores, all_stores_must_succeed: allStoresMustSucceed } = body
  if (!isObject(method) || typeof method['name'] !== 'string') {
    throw invalid("Import request requires a 'name' field.")
  }
  const { name, uri } = method
  if (uri !== undefined && typeof uri !== 'string') throw wrong('uri', uri, 'a string')
  if (stores !== undefined && !isTexts(stores)) throw wrong('stores', stores, 'a list of strings')
  return {
    method: { name, ...(uri === undefined ? {} : { uri }) },
    ...(stores === undefined ? {} : { stores }),
    ...(isFlag('all_stores', allStores) ? { allStores } : {}),
    ...(isFlag('all_stores_must_succeed', allStoresMustSucceed) ? { allStoresMustSucceed } : {}),
  }
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

/** Whether the flag is given. @throws ServiceError `invalid` for a flag that is none. */
export function isFlag(name: string, value: unknown): value is boolean {
  if (value === undefined) return false
  if (typeof value === 'boolean') return true
  throw invalid(`'${name}' must be boolean value only`)
}

function wrong(name: string, value: Json, allowed: string): Error {
  return invalid(`'${name}' must be ${allowed}, not ${JSON.stringify(value)}`)
}
