import { Type } from 'typebox'
import type { Config } from '../../config/config.ts'
import { invalid } from '../../domain/errors.ts'
import type { JsonObject } from '../../domain/task.ts'
import { importImage } from '../../usecases/import-image.ts'
import { isFlag, readImportRequest } from '../../usecases/import-request.ts'
import type { Answer, Call } from '../route.ts'

const importBody = Type.Object({
  method: Type.Object({ name: Type.String(), uri: Type.Optional(Type.String()) }),
  stores: Type.Optional(Type.Array(Type.String())),
  all_stores: Type.Optional(Type.Boolean()),
  all_stores_must_succeed: Type.Optional(Type.Boolean()),
})

export const importSchema = { name: 'import', schema: importBody } as const

/** `POST /v2/images/ID/import` */
export async function handleImportImage({ parts, context, params, headers, body }: Call): Promise<Answer> {
  const headerStore = headers['x-image-meta-store']
  const request = readImportRequest(body as JsonObject)
  await importImage(parts, context, params['id']!, {
    ...request,
    ...(typeof headerStore === 'string' ? { headerStore } : {}),
  })
  return { status: 202 }
}

/** The faults that have texts of their own. */
export function precheckImport(body: object, { import: { methods } }: Config): void {
  const { method, ...flags } = body as Readonly<Record<string, unknown>>
  if (method === undefined) throw invalid("Import request requires a 'method' field.")
  if (typeof method === 'object' && method !== null) {
    const { name } = method as { readonly name?: unknown }
    if (name === undefined) throw invalid("Import request requires a 'name' field.")
    if (!(methods as readonly unknown[]).includes(name))
      throw invalid(`Unknown import method name '${typeof name === 'string' ? name : JSON.stringify(name)}'.`)
  }
  for (const flag of ['all_stores_must_succeed', 'all_stores']) isFlag(flag, flags[flag])
}
